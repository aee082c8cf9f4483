"""The HTTP surface: checkouts, invoices, the payment page, provider webhooks, health."""
