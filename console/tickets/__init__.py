"""What is left to do after calls: voicemails as tickets, and the call-backs that callers asked for."""
