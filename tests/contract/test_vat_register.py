"""What the register of VAT ids must do: the adapter before the stand-in over HTTP, and the fake, alike."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from adapters import vies
from adapters.vat_ids import is_vat_id
from domain.errors import VatRegisterUnavailable
from domain.ports import VatRegister
from domain.vat_ids import VatIdStatus
from sandbox.vies import Answer, ViesStandIn, create_app
from tests.fakes.vat_register import FakeVatRegister
from tests.house import serving

SELLER = "DE123456788"
BUYER = "ATU13585627"


@dataclass(frozen=True, slots=True)
class Scene:
    """A register, and how to make it say something of an id."""

    register: VatRegister
    answer: Callable[[str, Answer], Any]


@pytest.fixture(params=["vies", "fake"])
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    if request.param == "fake":
        fake = FakeVatRegister()
        said = {Answer.INVALID: fake.unknown, Answer.DOWN: fake.down}
        yield Scene(fake, lambda vat_id, answer: said[answer].add(vat_id))
        return
    async with AsyncExitStack() as stack:
        standing = ViesStandIn()
        register = await connected(stack, standing)
        yield Scene(register, standing.answers.__setitem__)


async def connected(stack: AsyncExitStack, standing: ViesStandIn, *, patience: float = 5) -> vies.Vies:
    """The adapter before a stand-in."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    await stack.enter_async_context(serving(create_app(standing), listener))
    client = vies.connect(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=patience)
    stack.push_async_callback(client.aclose)
    return vies.Vies(client)


async def test_an_id_that_is_held_is_valid_and_the_question_is_proven(scene: Scene) -> None:
    evidence = await scene.register.ask(BUYER, SELLER)

    assert (evidence.vat_id, evidence.requester, evidence.status) == (BUYER, SELLER, VatIdStatus.VALID)
    assert evidence.request_id
    assert evidence.answered_at is not None
    assert abs(datetime.now(UTC) - evidence.answered_at) < timedelta(minutes=5)


async def test_each_question_has_a_number_of_its_own(scene: Scene) -> None:
    first, second = [await scene.register.ask(BUYER, SELLER) for _ in range(2)]

    assert first.request_id != second.request_id


async def test_without_a_requester_there_is_an_answer_but_no_proof(scene: Scene) -> None:
    evidence = await scene.register.ask(BUYER, None)

    assert (evidence.status, evidence.request_id) == (VatIdStatus.VALID, None)


async def test_an_id_nobody_holds_is_invalid(scene: Scene) -> None:
    scene.answer(BUYER, Answer.INVALID)

    evidence = await scene.register.ask(BUYER, SELLER)

    assert (evidence.status, evidence.name) == (VatIdStatus.INVALID, None)


async def test_a_member_state_that_does_not_answer_is_no_answer(scene: Scene) -> None:
    scene.answer(BUYER, Answer.DOWN)

    with pytest.raises(VatRegisterUnavailable, match="MS_UNAVAILABLE"):
        await scene.register.ask(BUYER, SELLER)


async def test_silence_and_nonsense_are_no_answer_either() -> None:
    async with AsyncExitStack() as stack:
        standing = ViesStandIn()
        register = await connected(stack, standing, patience=0.2)
        for answer in (Answer.SILENT, Answer.BROKEN):
            standing.answers[BUYER] = answer
            with pytest.raises(VatRegisterUnavailable):
                await register.ask(BUYER, SELLER)
    with pytest.raises(VatRegisterUnavailable, match=r"ConnectError|RemoteProtocolError|ReadError"):
        async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as nobody:
            await vies.Vies(nobody).ask(BUYER, SELLER)


async def test_greece_is_asked_for_by_the_prefix_the_register_knows() -> None:
    async with AsyncExitStack() as stack:
        standing = ViesStandIn()
        register = await connected(stack, standing)
        await register.ask("GR094259216", "CHE123456788")

    assert standing.asked == [{"countryCode": "EL", "vatNumber": "094259216"}]


@pytest.mark.parametrize(
    ("vat_id", "sound"),
    [
        ("DE136695976", True),
        ("DE136695977", False),
        ("ATU13585627", True),
        ("FR40303265045", True),
        ("FR41303265045", False),
        ("EL094259216", True),
        ("NL004495445B01", True),
        ("IT00743110157", True),
        ("PL8567346215", True),
        ("CHE123456788", True),
        ("US123", True),
    ],
)
def test_forms_and_check_digits_of_the_member_states_are_known_offline(vat_id: str, sound: bool) -> None:
    assert is_vat_id(vat_id) is sound
