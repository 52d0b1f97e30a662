"""From the phone's event stream to the database and to the consoles' sockets."""
