"""Documents are kept as long as the law wants; providers' messages only as long as they are of use."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from adapters.merchant_file import load
from adapters.postgres import database
from adapters.postgres.merchants import PostgresMerchants
from adapters.postgres.retention import PostgresRetention
from domain.errors import NotFound
from domain.retention import Holding, kept_until
from tests.house import MERIDIAN

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def test_years_count_from_the_end_of_the_documents_year() -> None:
    assert kept_until(date(2026, 1, 1), 10) == kept_until(date(2026, 12, 31), 10) == date(2036, 12, 31)
    holding = Holding(year=2026, documents=1, kept_until=date(2036, 12, 31))
    assert not holding.is_over(date(2036, 12, 31))
    assert holding.is_over(date(2037, 1, 1))


async def test_only_old_messages_that_were_acted_upon_are_emptied(database_url: str) -> None:
    engine = database.connect(database_url)
    sessions = database.sessions(engine)
    await PostgresMerchants(sessions).save(load(MERIDIAN))
    old, fresh = NOW - timedelta(days=100), NOW - timedelta(days=10)
    async with engine.begin() as connection:
        for name, relevant, received, applied in (
            ("applied", True, old, old),
            ("of no use", False, old, None),
            ("waiting", True, old, None),
            ("fresh", True, fresh, fresh),
        ):
            await connection.execute(
                text("""
                    INSERT INTO provider_events
                        (merchant_id, provider, event_id, type, relevant, raw, received_at, applied_at)
                    VALUES ('meridian', 'stripe', :name, 'x', :relevant, 'jana@example.org', :received, :applied)
                """),
                {"name": name, "relevant": relevant, "received": received, "applied": applied},
            )
    keeper = PostgresRetention(sessions)

    emptied = [await keeper.empty_messages("meridian", NOW - timedelta(days=90)) for _ in range(2)]

    async with engine.connect() as connection:
        left = await connection.execute(text("SELECT event_id FROM provider_events WHERE raw <> '' ORDER BY event_id"))
        assert [row.event_id for row in left] == ["fresh", "waiting"]
    assert emptied == [2, 0]
    assert await keeper.holdings("meridian") == []
    with pytest.raises(NotFound):
        await keeper.holdings("nobody")
    await engine.dispose()
