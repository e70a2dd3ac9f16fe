"""Playing cassettes: in process through the SDKs' own HTTP clients, or over a loopback server."""
