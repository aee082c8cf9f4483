"""The connection to PostgreSQL, and how values of the domain are laid down in JSON columns."""

import secrets
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

Sessions = async_sessionmaker[AsyncSession]
_T = TypeVar("_T")


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine with a pool that notices connections that died with a restarted server."""
    return create_async_engine(url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)


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
