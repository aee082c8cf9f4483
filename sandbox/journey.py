"""One purchase in the demo shop, played over HTTP from the cart to the mailed invoice."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from sandbox.mail import message
from sandbox.shop import cart
from sandbox.shop.backend import ShopBackend
from sandbox.shop.routes import money
from sandbox.supervisor.stack import Stack

_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.05

Json = dict[str, Any]
T = TypeVar("T")


class StepFailed(RuntimeError):
    """A step did not come out as it must."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the nine steps of the process. `act` answers what there is to see; `logs` tell more when it fails."""

    title: str
    act: Callable[[], Awaitable[str]]
    logs: tuple[str, ...]


class Journey:
    """One purchase, played from the customer's and the shop's side."""

    def __init__(self, stack: Stack, client: httpx.AsyncClient, directory: Path) -> None:
        self._stack = stack
        self._browser = client
        self._directory = directory
        self._backend = ShopBackend(
            client, api_url=stack.api, api_key=stack.api_key, result_key=stack.result_key, shop_url=stack.shop
        )
        self._provider_page = ""
        self.checkout: Json = {}

    @property
    def steps(self) -> tuple[Step, ...]:
        """The process, in order."""
        return (
            Step(title="The customer checks out in the shop", act=self._visit_shop, logs=("sandbox",)),
            Step(
                title="The shop asks for a checkout: an entry is created", act=self._check_out, logs=("api", "worker")
            ),
            Step(title="The payment link is returned", act=self._have_link, logs=("api",)),
            Step(title="The customer opens the payment page", act=self._open_page, logs=("api",)),
            Step(title="The customer pays", act=self._pay, logs=("api", "worker", "sandbox")),
            Step(title="Back in the shop, the result is verified", act=self._return, logs=("api", "worker")),
            Step(title="Captured: the order is there, the shop delivers", act=self._ordered, logs=("worker",)),
            Step(title="The entry is balanced, the invoice is created", act=self._invoiced, logs=("worker",)),
            Step(title="The invoice is mailed to the customer", act=self._mailed, logs=("worker", "sandbox")),
        )

    async def _visit_shop(self) -> str:
        page = await self._get(self._stack.shop)
        _check(page.status_code == httpx.codes.OK and money(cart.TOTAL) in page.text, "the cart is not shown")
        return f"{len(cart.LINES)} lines, {money(cart.TOTAL)}"

    async def _check_out(self) -> str:
        self.checkout = await self._backend.check_out()
        entry = self.checkout["entry"]
        _check(entry["open_amount"] == cart.TOTAL, f"the entry is over {entry['open_amount']}")
        return f"{self.checkout['assignment_key']}, entry {entry['id']} {entry['status']}"

    async def _have_link(self) -> str:
        return str(self.checkout["payment_link"]["url"])

    async def _open_page(self) -> str:
        page = await self._get(self.checkout["payment_link"]["url"])
        _check(page.status_code == httpx.codes.OK, f"the payment page answers {page.status_code}")
        _check(self.checkout["assignment_key"] in page.text, "the payment page does not name the order")
        return f"status {page.status_code}, order {self.checkout['assignment_key']}"

    async def _pay(self) -> str:
        onward = await self._post(self.checkout["payment_link"]["url"], {})
        _check(onward.is_redirect, f"the payment page answers {onward.status_code} and leads nowhere")
        self._provider_page = str(onward.headers["location"])
        paid = await self._post(self._provider_page, {"outcome": "succeed"})
        _check(paid.is_redirect, f"the provider's page answers {paid.status_code} and leads nowhere")
        self._provider_page = str(paid.headers["location"])
        return "by card, on the provider's page"

    async def _return(self) -> str:
        back = await _until(self._come_back, "the customer is not sent back to the shop")
        result = self._backend.result(back.params["result"], back.params["checkout"])
        _check(str(back).startswith(f"{self._stack.shop}/ok"), f"the customer lands on {back}")
        _check(result["amount"] == cart.TOTAL, f"the result is over {result['amount']}")
        page = await self._get(str(back))
        _check(page.status_code == httpx.codes.OK, f"the shop answers {page.status_code}")
        return f"signature valid, status {result['status']}"

    async def _ordered(self) -> str:
        order = await _until(self._have("order"), "there is no order")
        return f"order {order['number']}"

    async def _invoiced(self) -> str:
        invoice = await _until(self._have("invoice"), "there is no invoice")
        entry = self.checkout["entry"]
        missing = entry["outstanding_amount"]
        _check(missing == "0.00", f"the entry is {entry['status']} with {missing} outstanding")
        _check(invoice["total"] == cart.TOTAL, f"the invoice is over {invoice['total']}")
        return f"invoice {invoice['number']}, entry {entry['status']}"

    async def _mailed(self) -> str:
        await _until(self._completed, "the checkout is not completed")
        number = self.checkout["invoice"]["number"]
        mails = [mail for mail in await self._inbox() if number in mail["subject"]]
        _check(len(mails) == 1, f"{len(mails)} mails about invoice {number} arrived")
        raw = (await self._get(f"{self._stack.mail}/messages/{mails[0]['id']}/raw")).content
        mail = message.read(raw)
        _check(cart.CUSTOMER["email"] in mail.to, f"the mail went to {mail.to}")
        pdfs = [attachment for attachment in mail.attachments if attachment.type == "application/pdf"]
        _check(len(pdfs) == 1, f"the mail has {len(pdfs)} PDFs")
        stored = await self._backend.download(self.checkout["invoice"]["pdf"])
        _check(pdfs[0].content == stored, "the mailed PDF is not the stored one")
        await asyncio.to_thread(self._keep, raw, stored)
        return f"“{mail.subject}” with {pdfs[0].name}"

    def _keep(self, mail: bytes, invoice: bytes) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / "message.eml").write_bytes(mail)
        (self._directory / "invoice.pdf").write_bytes(invoice)

    async def _come_back(self) -> httpx.URL | None:
        """Follow the way back; None while the payment page still waits for the result."""
        url = httpx.URL(self._provider_page)
        page = await self._get(str(url))
        while page.is_redirect and not str(url).startswith(self._stack.shop):
            url = url.join(page.headers["location"])
            if str(url).startswith(self._stack.shop):
                return url
            page = await self._get(str(url))
        return None

    def _have(self, part: str) -> Callable[[], Awaitable[Json | None]]:
        async def have() -> Json | None:
            found: Json | None = (await self._look())[part]
            return found

        return have

    async def _completed(self) -> Json | None:
        checkout = await self._look()
        return checkout if checkout["status"] == "completed" else None

    async def _look(self) -> Json:
        self.checkout = await self._backend.look(self.checkout["id"])
        if review := self.checkout["review"]:
            raise StepFailed(f"the checkout needs a person: {review['reason']}")
        return self.checkout

    async def _inbox(self) -> list[Json]:
        mails: list[Json] = (await self._get(f"{self._stack.mail}/messages")).json()
        return mails

    async def _get(self, url: str) -> httpx.Response:
        return await self._browser.get(url)

    async def _post(self, url: str, fields: dict[str, str]) -> httpx.Response:
        return await self._browser.post(url, data=fields)


async def _until(ask: Callable[[], Awaitable[T | None]], otherwise: str) -> T:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (answer := await ask()) is None:
        if time.monotonic() > deadline:
            raise StepFailed(f"{otherwise} after {_PATIENCE_SECONDS:.0f} s")
        await asyncio.sleep(_PAUSE_SECONDS)
    return answer


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StepFailed(otherwise)
