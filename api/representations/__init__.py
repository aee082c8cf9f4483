"""What a shop reads, one module per subject."""
