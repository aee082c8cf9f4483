"""A stand-in for VIES, the register of VAT ids: the one call of its REST API that we make.

Every id is valid until `POST /_sandbox/answers` says otherwise: `valid`, `invalid`, or `down`, as when the member state
does not answer. The register's failures come with status 200, as the real one's do.
"""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field


class Answer(StrEnum):
    """What the register says of an id; `silent` says nothing for longer than anybody waits."""

    VALID = "valid"
    INVALID = "invalid"
    DOWN = "down"
    BROKEN = "broken"
    SILENT = "silent"


class AnswerOrder(BaseModel):
    """What to answer about an id, with its prefix."""

    model_config = ConfigDict(extra="forbid")

    vat_id: str
    answer: Answer


class Question(BaseModel):
    """As the register's `CheckVatRequest`."""

    model_config = ConfigDict(extra="forbid")

    country: Annotated[str, Field(alias="countryCode", pattern="^[A-Z]{2}$")]
    number: Annotated[str, Field(alias="vatNumber", min_length=2, max_length=12)]
    requester_country: Annotated[str | None, Field(alias="requesterMemberStateCode")] = None
    requester_number: Annotated[str | None, Field(alias="requesterNumber")] = None


class ViesStandIn:
    """What it answers, and what it was asked, in memory."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[dict[str, Any]] = []
        self._numbers = count(1)

    async def check(self, question: Question) -> dict[str, Any]:
        """The answer to a question."""
        self.asked.append(question.model_dump(by_alias=True, exclude_none=True))
        answer = self.answers.get(question.country + question.number, Answer.VALID)
        match answer:
            case Answer.DOWN:
                return {"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}
            case Answer.BROKEN:
                return {"valid": "perhaps"}
            case Answer.SILENT:
                await asyncio.sleep(3600)
        return self._found(question, valid=answer is Answer.VALID)

    def _found(self, question: Question, *, valid: bool) -> dict[str, Any]:
        proven = question.requester_country is not None and question.requester_number is not None
        return {
            "countryCode": question.country,
            "vatNumber": question.number,
            "requestDate": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "valid": valid,
            "requestIdentifier": f"WAPIAAAAX{next(self._numbers):07}" if proven else "",
            "name": "Atelier Beispiel" if valid else "---",
            "address": "---",
        }


def create_app(register: ViesStandIn | None = None) -> FastAPI:
    """The register as an application; base path is the register's `rest-api`."""
    standing = register or ViesStandIn()
    app = FastAPI(title="VIES stand-in", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/check-vat-number")
    async def check(question: Question) -> dict[str, Any]:
        return await standing.check(question)

    @app.post("/_sandbox/answers", status_code=204)
    def answer(order: AnswerOrder) -> None:
        standing.answers[order.vat_id] = order.answer

    @app.get("/_sandbox/requests")
    def requests() -> list[dict[str, Any]]:
        return standing.asked

    return app
