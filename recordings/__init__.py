"""Capture, finishing, replay and random audit draws."""
