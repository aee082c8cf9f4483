"""The outside world behind the ports: PostgreSQL, Stripe, documents, mail, Temporal's client."""
