"""The step of the sweep that asks again about VAT ids nobody could confirm."""

from temporalio import activity

from activities.heartbeat import heartbeating
from domain.errors import VatRegisterUnavailable
from domain.ports import VatIdBook, VatRegister
from domain.reconciliation import Sweep, Swept
from domain.vat_ids import RecordVatEvidence, UnverifiedVatId, VatEvidence, VatIdStatus


class VatIdActivities:
    """Asks one after the other: the register limits how many it is asked at once."""

    def __init__(self, book: VatIdBook, register: VatRegister) -> None:
        self._book = book
        self._register = register

    @activity.defn
    @heartbeating
    async def ask_again_about_vat_ids(self, step: Sweep) -> Swept:
        """Ask about every id that is due, and write the answers down; silence, too, for then it is asked later."""
        swept = Swept()
        for one in await self._book.unverified(step.now):
            evidence = await self._ask(one)
            await self._book.record(
                RecordVatEvidence(
                    merchant_id=one.merchant_id, checkout_id=one.checkout_id, evidence=evidence, at=step.now
                )
            )
            answered = evidence.status is not VatIdStatus.UNVERIFIED
            swept += Swept(done=int(answered), failed=int(not answered))
        return swept

    async def _ask(self, one: UnverifiedVatId) -> VatEvidence:
        try:
            return await self._register.ask(one.vat_id, one.requester)
        except VatRegisterUnavailable as silence:
            return VatEvidence(
                vat_id=one.vat_id, status=VatIdStatus.UNVERIFIED, requester=one.requester, failure=str(silence)
            )
