"""Playing cassettes: in process through the SDKs' own HTTP clients."""
