"""The department directory: whom a call can be taken to, and who of them is free."""
