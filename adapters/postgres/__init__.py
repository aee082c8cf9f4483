"""The books: every public method is one transaction."""
