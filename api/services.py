"""What the routes are given: the ports, and the addresses under which this API is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from api.ports import Cases, CheckoutRuns, Documents, Inbox, InvoiceRuns, Reader, RefundRuns, Webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of the routes. `undrawable` returns the characters of a text that no bundled font
    can draw. `result_keys` signs, per merchant id, the result tokens its shop verifies (HS256).
    """

    reader: Reader
    cases: Cases
    runs: CheckoutRuns
    refunds: RefundRuns
    invoice_runs: InvoiceRuns
    inbox: Inbox
    webhooks: Webhooks
    documents: Documents
    undrawable: Callable[[str], str]
    result_keys: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where we are. `public_url` has no trailing slash; `workflow_ui` is the Temporal UI's namespace address.

    `provider_origins` are the origins the payment page may send the customer to. In a `sandbox` redirects
    to this machine are allowed and pages say that no real money moves.
    """

    public_url: str
    workflow_ui: str
    provider_origins: tuple[str, ...]
    sandbox: bool

    def checkout_url(self, checkout_id: str) -> str:
        """Where a checkout is read."""
        return f"{self.public_url}/v1/checkouts/{checkout_id}"

    def invoice_url(self, invoice_id: str) -> str:
        """Where an invoice is read."""
        return f"{self.public_url}/v1/invoices/{invoice_id}"

    def refund_url(self, refund_id: str) -> str:
        """Where a refund is read."""
        return f"{self.public_url}/v1/refunds/{refund_id}"

    def invoice_run_url(self, run_id: str) -> str:
        """Where an invoice run is read."""
        return f"{self.public_url}/v1/invoice-runs/{run_id}"

    def payment_url(self, token: str) -> str:
        """The payment link of a token."""
        return f"{self.public_url}/pay/{token}"

    def workflow_url(self, workflow_id: str) -> str:
        """Where people look at a run."""
        return f"{self.workflow_ui}/workflows/{quote(workflow_id, safe='')}"
