"""Routing: which agent a waiting call is offered to, and when it moves on."""
