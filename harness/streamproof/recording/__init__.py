"""The parts of the recording proxy (record.py): upstream, proxy, and what is kept of an exchange."""
