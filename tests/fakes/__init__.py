"""Hand-written ports in memory that behave like the real ones."""
