"""Sans-IO: JSON events in, deltas out. One file per protocol."""
