"""The patient desk: find, open, write and reveal."""
