"""Corrections: the step that writes one to the books."""

from temporalio import activity

from activities.failures import translated
from domain.corrections import IssueCorrection, IssuedCorrection
from domain.ports import CorrectionBook


class CorrectionActivities:
    """A short database step that finds its own effect when it runs again."""

    def __init__(self, corrections: CorrectionBook) -> None:
        self._corrections = corrections

    @activity.defn
    @translated
    async def issue_correction(self, step: IssueCorrection) -> IssuedCorrection:
        """Finalize a cancelation or credit note, or say why there can be none."""
        return await self._corrections.issue(step)
