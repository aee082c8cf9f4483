"""The register of VAT ids in memory, held to the same contract as the real one's adapter."""

from datetime import UTC, datetime

from domain.errors import VatRegisterUnavailable
from domain.vat_ids import VatEvidence, VatIdStatus


class FakeVatRegister:
    """Implements `domain.ports.VatRegister`. Every id is valid unless it is `unknown` or its state is `down`."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.down: set[str] = set()
        self.asked: list[tuple[str, str | None]] = []

    async def ask(self, vat_id: str, requester: str | None) -> VatEvidence:
        self.asked.append((vat_id, requester))
        if vat_id in self.down:
            raise VatRegisterUnavailable("MS_UNAVAILABLE")
        known = vat_id not in self.unknown
        return VatEvidence(
            vat_id=vat_id,
            status=VatIdStatus.VALID if known else VatIdStatus.INVALID,
            requester=requester,
            request_id=f"FAKE{len(self.asked)}" if requester else None,
            answered_at=datetime.now(UTC),
            name="Atelier Beispiel" if known else None,
        )
