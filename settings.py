"""Typed configuration from the environment (`QUITTANCE_*`, nested with `__`).

Read only by the composition roots: `worker.py`, `api/main.py`, `cli.py`. Everything else gets values.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Environment(StrEnum):
    """`sandbox` allows the Stripe stand-in and redirects to this machine; `production` refuses both."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Group):
    """`url` is an SQLAlchemy URL, `postgresql+asyncpg://user:password@host/database`."""

    url: str
    pool_size: int = 10


class TemporalSettings(_Group):
    """Where the Temporal service is. `ui_url` is only used to make links for people.

    `sweep_minutes` is how often is looked for what was missed.
    """

    address: str = "127.0.0.1:7233"
    namespace: str = "default"
    task_queue: str = "quittance"
    ui_url: str = "http://127.0.0.1:8233"
    api_key: SecretStr | None = None
    tls: bool = False
    sweep_minutes: int = Field(default=5, ge=1)


class StripeSettings(_Group):
    """`api_base` is changed only to talk to the stand-in."""

    api_base: str = "https://api.stripe.com"
    timeout_seconds: float = 20.0


class MailSettings(_Group):
    """The SMTP relay. `sender` is the envelope and From address of every mail."""

    host: str = "127.0.0.1"
    port: int = 25
    username: str | None = None
    password: SecretStr | None = None
    start_tls: bool | None = None
    sender: str = "invoices@localhost"
    timeout_seconds: float = 30.0


class DocumentSettings(_Group):
    """`directory` keeps the documents; `renderers` is the number of rendering processes.

    `font_directory` has fonts for scripts that the bundled fonts do not cover.
    """

    directory: Path = Path("var/documents")
    renderers: int = 1
    font_directory: Path | None = None


class ApiSettings(_Group):
    """`public_url` is the address customers and providers reach this API under; links are made from it.

    `operator_token` opens `/metrics`, and the codec endpoint, by which the Temporal UI shows encrypted payloads;
    without it both are closed, except in the sandbox.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = "http://127.0.0.1:8000"
    operator_token: SecretStr | None = None


class MerchantSecrets(_Group):
    """What a merchant shares with us and its provider. Two webhook secrets may be valid while one rotates.

    `result_key` signs the result token in the return URL (HS256); the shop verifies with the same key.
    """

    stripe_api_key: SecretStr
    stripe_webhook_secrets: tuple[SecretStr, ...]
    result_key: SecretStr


class Settings(BaseSettings):
    """All configuration. Secrets have no defaults; a missing one stops the start with a clear message."""

    model_config = SettingsConfigDict(
        env_prefix="QUITTANCE_", env_nested_delimiter="__", frozen=True, extra="forbid", env_file=None
    )

    environment: Environment = Environment.PRODUCTION
    database: DatabaseSettings
    temporal: TemporalSettings = TemporalSettings()
    stripe: StripeSettings = StripeSettings()
    mail: MailSettings = MailSettings()
    documents: DocumentSettings = DocumentSettings()
    api: ApiSettings = ApiSettings()
    merchants: dict[str, MerchantSecrets] = Field(default_factory=dict)
    payload_keys: Annotated[dict[str, SecretStr], NoDecode] = Field(
        description="Keys that encrypt Temporal payloads, `id=base64 of 32 bytes`, comma separated; the first encrypts."
    )

    @field_validator("payload_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return json.loads(value) if value.startswith("{") else dict(pair.split("=", 1) for pair in value.split(","))

    @model_validator(mode="after")
    def _keep_test_and_live_apart(self) -> Self:
        official = self.stripe.api_base == "https://api.stripe.com"
        live = any(m.stripe_api_key.get_secret_value().startswith("sk_live_") for m in self.merchants.values())
        if live and not official:
            raise ValueError("a live Stripe key must never be sent to QUITTANCE_STRIPE__API_BASE: unset one of them")
        if self.environment is Environment.PRODUCTION and not official:
            raise ValueError("the Stripe stand-in is for QUITTANCE_ENVIRONMENT=sandbox only")
        return self
