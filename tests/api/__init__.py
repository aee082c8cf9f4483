"""The HTTP surface, on hand-written ports."""
