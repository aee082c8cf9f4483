"""What ops can search runs by. Never personal data: these are stored and shown in the clear."""

from temporalio.common import SearchAttributeKey

MERCHANT = SearchAttributeKey.for_keyword("QuittanceMerchant")
PHASE = SearchAttributeKey.for_keyword("QuittancePhase")
BLOCKED_ON = SearchAttributeKey.for_keyword("QuittanceBlockedOn")
INVOICE_NUMBER = SearchAttributeKey.for_keyword("QuittanceInvoiceNumber")
AMOUNT_MINOR = SearchAttributeKey.for_int("QuittanceAmountMinor")
CURRENCY = SearchAttributeKey.for_keyword("QuittanceCurrency")

NOBODY = "nobody"
CUSTOMER = "customer"
REVIEW = "review"
PROVIDER = "provider"
SHOP = "shop"
INVOICE_RUN = "invoice run"
