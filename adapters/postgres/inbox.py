"""The inbox of provider messages: durable first, acted upon after."""

from sqlalchemy import text

from adapters.postgres.database import Sessions
from domain.payments import ProviderEvent
from domain.views import InboxEntry

_RECORD = text("""
    INSERT INTO provider_events
        (merchant_id, provider, event_id, type, relevant, subject, reference, session_id, payment_reference, raw,
         checkout_id)
    VALUES
        (:merchant, :provider, :event, :type, :relevant, :subject, :reference, :session, :payment, :raw,
         coalesce(
            (SELECT id FROM checkouts WHERE merchant_id = :merchant AND id = :checkout),
            (SELECT lead_id FROM combined_links WHERE merchant_id = :merchant AND id = :checkout),
            (SELECT coalesce(lead_id, checkout_id) FROM provider_sessions
             LEFT JOIN combined_links ON combined_links.id = link_id
             WHERE provider_sessions.merchant_id = :merchant AND provider = :provider AND session_id = :session
             LIMIT 1),
            (SELECT checkout_id FROM payments
             WHERE merchant_id = :merchant AND provider = :provider AND reference = :payment)))
    ON CONFLICT (merchant_id, provider, event_id)
        DO UPDATE SET checkout_id = coalesce(provider_events.checkout_id, excluded.checkout_id)
    RETURNING
        checkout_id, applied_at IS NOT NULL AS applied,
        coalesce(
            (SELECT workflow_id FROM combined_links WHERE merchant_id = :merchant AND id = :checkout),
            (SELECT workflow_id FROM checkouts WHERE id = provider_events.checkout_id)) AS workflow_id
""")
"""Whose business a message is: by our own id in it, else by the session or payment it names. A repeated message
changes nothing, but may find the checkout that was not known before."""


class PostgresInbox:
    """Implements `api.ports.Inbox` and `domain.ports.Inbox`.

    One statement a message, which is its own transaction: this is what a flood of webhooks costs.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def record(self, merchant_id: str, event: ProviderEvent) -> InboxEntry:
        async with self._sessions() as session:
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            recorded = await session.execute(
                _RECORD,
                {
                    "merchant": merchant_id,
                    "provider": event.provider,
                    "event": event.event_id,
                    "type": event.type,
                    "relevant": event.relevant,
                    "subject": event.subject,
                    "reference": event.reference,
                    "session": event.session_id,
                    "payment": event.payment_reference,
                    "raw": event.raw,
                    "checkout": event.checkout_id,
                },
            )
            row = recorded.one()
        return InboxEntry(workflow_id=row.workflow_id, checkout_id=row.checkout_id, applied=row.applied)
