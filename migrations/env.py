"""Runs migrations on the connection it is given (`config.attributes["connection"]`), or on QUITTANCE_DATABASE__URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.postgres import (  # noqa: F401 -- their tables are known to Base
    tables_billing,
    tables_bookings,
    tables_cases,
    tables_corrections,
    tables_disputes,
    tables_payouts,
    tables_reconciliation,
    tables_refunds,
    tables_settlements,
    tables_tax,
)
from adapters.postgres.tables import Base


def run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, compare_type=True, compare_server_default=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_run() -> None:
    engine = create_async_engine(os.environ["QUITTANCE_DATABASE__URL"])
    async with engine.begin() as connection:
        await connection.run_sync(run)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(connect_and_run())
