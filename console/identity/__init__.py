"""Who is at the console: users, roles, sessions and the checks at the door."""
