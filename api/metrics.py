"""Health in numbers, for Prometheus."""

import secrets
from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.ports import Monitor
from domain.monitoring import Figures

Endpoint = Callable[[Request], Awaitable[Response]]


def create_metrics(monitor: Monitor, *, token: str | None) -> Endpoint:
    """The endpoint. With a `token` it must be sent as `Authorization: Bearer`; without one everybody may read."""

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if token is not None and not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return PlainTextResponse("send the operator token as `Authorization: Bearer ...`\n", 401)
        registry = CollectorRegistry()
        registry.register(_Reading(await monitor.figures()))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return metrics


class _Reading(Collector):
    """One reading, in Prometheus' words."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        yield from self._per_merchant()
        yield from self._breakdowns()

    def _per_merchant(self) -> Iterator[Metric]:
        figures = self._figures
        for name, meaning, reading in (
            ("inbox_unapplied", "Provider messages nobody has acted upon.", figures.unapplied),
            ("inbox_oldest_unapplied_seconds", "Age of the oldest of them.", figures.oldest_unapplied_seconds),
            (
                "provider_list_read_seconds_ago",
                "Since the provider's list was read.",
                figures.list_read_seconds_ago,
            ),
            ("cases_overdue", "Cases nobody decided in time.", figures.overdue_cases),
            ("money_conservation_violations", "Amounts of the last day that do not add up.", figures.violations),
            (
                "deliveries_oldest_queued_seconds",
                "Age of the oldest mail no server has taken.",
                figures.oldest_queued_delivery_seconds,
            ),
        ):
            gauge = GaugeMetricFamily(f"quittance_{name}", meaning, labels=["merchant"])
            for merchant, value in sorted(reading.items()):
                gauge.add_metric([merchant], value)
            yield gauge

    def _breakdowns(self) -> Iterator[Metric]:
        figures = self._figures
        for name, meaning, label, breakdown in (
            ("checkouts", "Checkouts by status.", "status", figures.checkouts),
            ("payments_settled", "Payments by how we learned of the money first.", "settled_by", figures.settled),
            ("deliveries", "Mails with documents by status.", "status", figures.deliveries),
            ("cases_open", "Cases nobody has decided yet, by kind.", "kind", figures.open_cases),
        ):
            gauge = GaugeMetricFamily(f"quittance_{name}", meaning, labels=["merchant", label])
            for labels, number in sorted(breakdown.items()):
                gauge.add_metric(list(labels), number)
            yield gauge
