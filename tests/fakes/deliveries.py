"""Mail in memory: queued when somebody asks for it, moved by what mail servers report."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

from api.ports import RunsUnavailable
from domain.deliveries import DeliveryReport, DeliveryStatus, Dispatch, advance
from domain.errors import InvalidReport
from domain.views import SentDeliveryView
from tests.fakes.world import World


class FakeResendRuns:
    """Implements `api.ports.ResendRuns`. `down` is a workflow service that does not answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.down = False

    async def ask(self, dispatch: Dispatch) -> None:
        if self.down:
            raise RunsUnavailable("down")
        mails = self.world.deliveries.setdefault(dispatch.invoice_id, [])
        if all(mail.key != dispatch.key for mail in mails):
            mails.append(_queued(dispatch, len(mails)))


def _queued(dispatch: Dispatch, number: int) -> SentDeliveryView:
    now = datetime.now(UTC)
    return SentDeliveryView(
        id=f"dlv_{number:024x}",
        key=dispatch.key,
        status=DeliveryStatus.QUEUED,
        recipient=dispatch.recipient or "jana@example.org",
        message_id=f"<{dispatch.invoice_id}.{number}@quittance.example>",
        answer=None,
        queued_at=now,
        updated_at=now,
    )


class FakeDeliveries:
    """Implements `api.ports.Deliveries`."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def record_report(self, report: DeliveryReport) -> bool:
        for mails in self.world.deliveries.values():
            for index, mail in enumerate(mails):
                if mail.message_id == report.message_id:
                    mails[index] = replace(mail, status=advance(mail.status, report.status), answer=report.answer)
                    return True
        return False


class FakeExporter:
    """Implements `api.ports.Exporter` by the merchant's name alone."""

    async def archive(self, merchant_id: str) -> AsyncIterator[bytes]:
        for part in ("archive of ", merchant_id):
            yield part.encode()


def read_reports(raw: bytes) -> tuple[DeliveryReport, ...]:
    """A report of one line: status, Message-ID, answer."""
    status, _, rest = raw.decode(errors="replace").partition(" ")
    message_id, _, answer = rest.partition(" ")
    if status not in set(DeliveryStatus):
        raise InvalidReport("not a report")
    return (DeliveryReport(message_id=message_id, status=DeliveryStatus(status), answer=answer),)
