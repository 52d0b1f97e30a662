"""Calls: what happens to one call from its first ring to its end."""
