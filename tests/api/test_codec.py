"""The codec endpoint: decodes for the Temporal UI, and for nobody else."""

import base64
from collections.abc import AsyncIterator

import httpx
import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload, Payloads

from adapters import temporal
from api.codec import create_codec

KEYS = {"new": base64.b64encode(b"n" * 32).decode(), "old": base64.b64encode(b"o" * 32).decode()}
UI = "http://ui.example:8233"
SECRET = Payload(metadata={"encoding": b"json/plain"}, data=b'"Jana K\xc3\xb6hler"')


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    app = create_codec(temporal.codec(KEYS), ui_origin=UI, token="operator")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://codec") as client:
        client.headers["Authorization"] = "Bearer operator"
        yield client


async def _encrypted(keys: dict[str, str]) -> dict[str, object]:
    return MessageToDict(Payloads(payloads=await temporal.codec(keys).encode([SECRET])))


@pytest.mark.parametrize("key", ["new", "old"])
async def test_payload_of_a_current_or_rotated_key_is_decoded(browser: httpx.AsyncClient, key: str) -> None:
    body = await _encrypted({key: KEYS[key]})
    assert "Jana" not in str(body)

    answer = await browser.post("/decode", json=body, headers={"Origin": UI})

    assert answer.status_code == 200
    assert base64.b64decode(answer.json()["payloads"][0]["data"]) == SECRET.data
    assert answer.headers["access-control-allow-origin"] == UI


async def test_page_from_elsewhere_is_not_let_in(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/decode", json=await _encrypted(KEYS), headers={"Origin": "https://evil.example"})

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("credentials", ["", "Bearer wrong", "operator"])
async def test_nothing_is_decoded_without_the_operator_token(browser: httpx.AsyncClient, credentials: str) -> None:
    answer = await browser.post(
        "/decode", json=await _encrypted(KEYS), headers={"Authorization": credentials, "Origin": UI}
    )

    assert answer.status_code == 401


async def test_payload_of_an_unknown_key_is_refused_with_its_name(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/decode", json=await _encrypted({"lost": base64.b64encode(b"x" * 32).decode()}))

    assert answer.status_code == 400
    assert "'lost' is not configured" in answer.json()["message"]


async def test_altered_payload_is_refused(browser: httpx.AsyncClient) -> None:
    [payload] = await temporal.codec(KEYS).encode([SECRET])
    payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])

    answer = await browser.post("/decode", json=MessageToDict(Payloads(payloads=[payload])))

    assert answer.status_code == 400
