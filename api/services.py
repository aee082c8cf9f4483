"""What the routes are given: the ports, and the addresses under which this API is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from api.ports import (
    Books,
    Cases,
    CheckoutRuns,
    CorrectionRuns,
    Deliveries,
    Documents,
    Exporter,
    Inbox,
    InvoiceRuns,
    Ledger,
    LinkRuns,
    Reader,
    RefundRuns,
    ResendRuns,
    SeriesAudit,
    SettlementRuns,
    Webhooks,
)
from domain.deliveries import DeliveryReport
from domain.ports import VatRegister


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of the routes. `undrawable` returns the characters of a text that no font of
    ours can draw. `result_keys` signs, per merchant id, the result tokens its shop verifies (HS256).
    `read_reports` reads a mail server's report, or raises InvalidReport; `report_token` lets such reports in,
    None keeps them out. `is_vat_id` knows the forms of VAT ids, `vat_register` who holds them.
    """

    reader: Reader
    cases: Cases
    books: Books
    runs: CheckoutRuns
    refunds: RefundRuns
    corrections: CorrectionRuns
    series: SeriesAudit
    ledger: Ledger
    settlements: SettlementRuns
    links: LinkRuns
    invoice_runs: InvoiceRuns
    inbox: Inbox
    webhooks: Webhooks
    documents: Documents
    resends: ResendRuns
    deliveries: Deliveries
    exporter: Exporter
    read_reports: Callable[[bytes], tuple[DeliveryReport, ...]]
    report_token: str | None = field(repr=False)
    undrawable: Callable[[str], str]
    result_keys: Mapping[str, str] = field(repr=False)
    is_vat_id: Callable[[str], bool]
    vat_register: VatRegister


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

    def download_url(self, token: str) -> str:
        """The download link of a token."""
        return f"{self.public_url}/d/{token}"

    def booking_file_url(self, export_id: str) -> str:
        """Where the file of a booking export is."""
        return f"{self.public_url}/v1/booking-exports/{export_id}/file"

    def link_url(self, link_id: str) -> str:
        """Where a link for several entries is read."""
        return f"{self.public_url}/v1/payment-links/{link_id}"

    def invoice_run_url(self, run_id: str) -> str:
        """Where an invoice run is read."""
        return f"{self.public_url}/v1/invoice-runs/{run_id}"

    def payment_url(self, token: str) -> str:
        """The payment link of a token."""
        return f"{self.public_url}/pay/{token}"

    def workflow_url(self, workflow_id: str) -> str:
        """Where people look at a run."""
        return f"{self.workflow_ui}/workflows/{quote(workflow_id, safe='')}"
