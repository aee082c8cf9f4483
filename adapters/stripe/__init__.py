"""Stripe: hosted Checkout Sessions and signed webhooks."""
