"""Merchants and their API keys."""

from hashlib import sha256

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from adapters.postgres.database import Sessions, to_json
from adapters.postgres.tables import ApiKeyRow, MerchantRow
from domain.merchants import Merchant


def key_hash(api_key: str) -> str:
    """How an API key is stored and looked up. Keys carry 256 random bits, so a plain SHA-256 is enough."""
    return sha256(api_key.encode()).hexdigest()


class PostgresMerchants:
    """Writes merchants and keys; for the command line."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def save(self, merchant: Merchant) -> None:
        """Create the merchant, or replace its configuration. Finalized documents keep what they said."""
        config = to_json(merchant)
        async with self._sessions.begin() as session:
            await session.execute(
                insert(MerchantRow)
                .values(id=merchant.id, config=config)
                .on_conflict_do_update(
                    index_elements=[MerchantRow.id], set_={"config": config, "updated_at": func.now()}
                )
            )

    async def register_key(self, merchant_id: str, api_key: str) -> None:
        """Let this key act for the merchant; only its hash and last four characters are kept."""
        async with self._sessions.begin() as session:
            await session.execute(
                insert(ApiKeyRow)
                .values(sha256=key_hash(api_key), merchant_id=merchant_id, last4=api_key[-4:])
                .on_conflict_do_nothing(index_elements=[ApiKeyRow.sha256])
            )
