"""One PostgreSQL, one Temporal service and one house per test process; everything in them is real."""

import asyncio
import gc
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.postgres.grants import grant
from sandbox import postgres, temporal
from tests.conservation import assert_money_is_conserved
from tests.house import House, house

ROOT = Path(__file__).parent.parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that share what is dear to set up must share a process: without a word, some versions do not see to it."""
    if getattr(config.option, "loadgroup", False) and any(
        item.get_closest_marker("xdist_group") and "@" not in item.nodeid for item in items
    ):
        raise pytest.UsageError("this pytest and this pytest-xdist keep no group of tests in one process")


def pytest_collection_finish() -> None:
    """No garbage collection has to walk what is loaded once and stays."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.PostgresServer]:
    """A server, with a migrated database `template` to copy from."""
    with postgres.running(tmp_path_factory.mktemp("postgres"), durable=False) as server:
        asyncio.run(_migrate(server.create_database("template")))
        yield server


async def _migrate(url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _as_the_application(url: str) -> str:
    """The same database for a role with the rights of the application, and no others."""
    owner = create_async_engine(url)
    async with owner.begin() as connection:
        await connection.execute(text("CREATE ROLE application LOGIN PASSWORD 'application'"))
    await grant(owner, "application")
    await owner.dispose()
    return make_url(url).set(username="application", password="application").render_as_string(hide_password=False)


@pytest.fixture
def database_url(postgres_server: postgres.PostgresServer) -> str:
    """A fresh database with the current schema."""
    return postgres_server.create_database(f"test_{secrets.token_hex(6)}", template="template")


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[temporal.TemporalServer]:
    """A Temporal service with our search attributes."""
    with temporal.running(tmp_path_factory.mktemp("temporal")) as server:
        yield server


@pytest.fixture(scope="session")
async def the_house(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: postgres.PostgresServer,
    temporal_server: temporal.TemporalServer,
) -> AsyncIterator[House]:
    """The house that tests share; each brings its own assignment keys and addresses.

    As in production it works as a role that owns no table.
    """
    url = await _as_the_application(postgres_server.create_database("house", template="template"))
    async with house(
        tmp_path_factory.mktemp("house"), database_url=url, temporal_address=temporal_server.address
    ) as running:
        yield running
        await assert_money_is_conserved(running.engine)
