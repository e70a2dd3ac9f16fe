"""Sans-IO: bytes in, events out. No clock, no socket, no SDK."""
