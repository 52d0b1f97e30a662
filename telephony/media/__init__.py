"""Media: RTP legs, headset sockets and what passes between them."""
