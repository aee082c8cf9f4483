"""The connection to PostgreSQL, and how values of the domain are laid down in JSON columns."""

import secrets
from typing import Any, TypeVar

from asyncpg import InternalClientError, PostgresError
from pydantic import TypeAdapter
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

Sessions = async_sessionmaker[AsyncSession]
_T = TypeVar("_T")


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine with a pool that notices connections that died with a restarted server.

    Its errors name statements and constraints, never the values: those are people's.
    """
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, hide_parameters=True
    )
    event.listen(engine.sync_engine, "handle_error", _forget_values)
    event.listen(engine.sync_engine, "handle_error", _name_absence)
    return engine


def _forget_values(context: ExceptionContext) -> None:
    """PostgreSQL quotes the failing row in its DETAIL, which every traceback would carry into the logs."""
    cause = context.original_exception.__cause__
    if isinstance(cause, PostgresError):
        cause.detail = None


_AWAY = ("08", "53", "57P")
"""Classes of SQLSTATE by which a server says that it cannot serve now: it starts, stops, or is full."""


def _name_absence(context: ExceptionContext) -> OperationalError | None:
    """The driver knows no name for a server that is starting or stopping; callers wait for OperationalError.

    A connection whose server died in the middle of an operation is left in a state the driver cannot leave:
    it is thrown away like any other dead one.
    """
    cause = context.original_exception.__cause__
    if isinstance(cause, InternalClientError):
        context.is_disconnect = True
    elif not (isinstance(cause, PostgresError) and str(cause.sqlstate).startswith(_AWAY)):
        return None
    return OperationalError(context.statement, None, cause, hide_parameters=True)


def sessions(engine: AsyncEngine) -> Sessions:
    """Makes sessions; `async with made.begin() as session` is one transaction."""
    return async_sessionmaker(engine, expire_on_commit=False)


def new_id(prefix: str) -> str:
    """A fresh public id such as `chk_3f…`: 96 random bits, so it cannot be guessed."""
    return f"{prefix}_{secrets.token_hex(12)}"


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Building one costs milliseconds, so it is done once a type."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_json(value: object) -> Any:
    """A domain value as JSON data. Decimals become strings, so nothing is lost."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[_T], data: Any) -> _T:
    """The domain value that `to_json` laid down."""
    value: _T = _adapter(kind).validate_python(data)
    return value
