"""Rules, users and the access trail."""
