"""The register of VAT ids of the member states: the REST API of VIES, by the European Commission.

Source: the service's OpenAPI description, `POST /check-vat-number`. Asked with the seller's own VAT id, the answer has
a consultation number that proves the question. Whatever is not a clear yes or no is no answer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from domain.errors import VatRegisterUnavailable
from domain.tax_rates import is_eu_vat_id
from domain.vat_ids import VatEvidence, VatIdStatus

_UNDISCLOSED = "---"
"""What member states answer that do not disclose names."""


class Vies:
    """Implements `domain.ports.VatRegister`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, vat_id: str, requester: str | None) -> VatEvidence:
        question = _question(vat_id, requester)
        try:
            answer = await self._client.post("check-vat-number", json=question)
            content = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise VatRegisterUnavailable(type(error).__name__) from error
        if not isinstance(content, dict) or not isinstance(content.get("valid"), bool) or answer.is_error:
            raise VatRegisterUnavailable(_failure(content, answer.status_code))
        return _evidence(vat_id, requester, content)


def connect(api_base: str, *, timeout: float) -> httpx.AsyncClient:
    """A client for the register; close it in the end. The proxy of the environment is used, if there is one."""
    return httpx.AsyncClient(base_url=f"{api_base.rstrip('/')}/", timeout=timeout)


def _question(vat_id: str, requester: str | None) -> dict[str, str]:
    country, number = _parts(vat_id)
    question = {"countryCode": country, "vatNumber": number}
    if requester is not None and is_eu_vat_id(requester):
        question["requesterMemberStateCode"], question["requesterNumber"] = _parts(requester)
    return question


def _parts(vat_id: str) -> tuple[str, str]:
    """Prefix and number; Greece is `EL` to the register."""
    prefix = vat_id[:2]
    return ("EL" if prefix == "GR" else prefix), vat_id[2:]


def _failure(content: Any, status: int) -> str:
    """The register's own word for why it does not answer, such as `MS_UNAVAILABLE`."""
    wrappers = content.get("errorWrappers") if isinstance(content, dict) else None
    first = wrappers[0] if isinstance(wrappers, list) and wrappers else None
    word = first.get("error") if isinstance(first, dict) else None
    return word if isinstance(word, str) and word.replace("_", "").isalnum() else f"HTTP {status}"


def _evidence(vat_id: str, requester: str | None, content: Mapping[str, Any]) -> VatEvidence:
    return VatEvidence(
        vat_id=vat_id,
        status=VatIdStatus.VALID if content["valid"] else VatIdStatus.INVALID,
        requester=requester,
        request_id=_text(content.get("requestIdentifier")),
        answered_at=_moment(content.get("requestDate")),
        name=_text(content.get("name")),
        address=_text(content.get("address")),
    )


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() not in {"", _UNDISCLOSED} else None


def _moment(value: object) -> datetime:
    """The register's time, else ours."""
    if not isinstance(value, str):
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return datetime.now(UTC)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
