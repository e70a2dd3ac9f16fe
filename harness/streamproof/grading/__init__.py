"""Grading: what an adapter gave, laid on the wire's own completion, as far as its library offers it."""
