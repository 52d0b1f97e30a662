"""The seam between the phone process and everybody else: events out, commands in."""
