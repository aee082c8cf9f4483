"""The outside world in a box: for trying Quittance out and for its tests. Never part of a production installation."""
