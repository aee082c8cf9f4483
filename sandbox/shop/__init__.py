"""A shop with one cart, to try a checkout with. It knows Quittance only over HTTP."""
