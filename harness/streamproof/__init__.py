"""streamproof: record/replay test harness and conformance suite for streaming LLM adapters."""
