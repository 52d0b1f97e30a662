"""Simulated patients: a process of its own that calls the demo's trunk and is called by it, over real SIP and RTP."""
