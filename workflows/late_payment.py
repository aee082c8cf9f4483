"""Looks after what a provider says of a checkout whose run is over: fees that come late, and late money."""

from temporalio import workflow

from workflows.messages import LatePayment, PaymentFact

with workflow.unsafe.imports_passed_through():
    from activities.books import BookActivities
    from domain.payments import SettledBy
    from domain.steps import Review
    from workflows.calls import in_books
    from workflows.payment_watch import PaymentWatch


@workflow.defn(name="LatePaymentWorkflow")
class LatePaymentWorkflow:
    """Applies late facts; money that came after the end is put before a person."""

    @workflow.init
    def __init__(self, late: LatePayment) -> None:
        self._watch = PaymentWatch(late.merchant_id)
        self._watch.begin(late.checkout_id)

    @workflow.run
    async def run(self, late: LatePayment) -> None:
        """Look at everything that was reported, then end; a later fact starts the next run."""
        while self._watch.has_news():
            standing = await self._watch.look(SettledBy.WEBHOOK)
            if standing is not None and standing.misfit:
                review = Review(
                    merchant_id=late.merchant_id,
                    checkout_id=late.checkout_id,
                    reason=f"payment_{standing.misfit}",
                    options=(),
                )
                await in_books(BookActivities.put_under_review, review, "late money: review")

    @workflow.signal
    def payment_reported(self, fact: PaymentFact) -> None:
        """A provider said that something happened to a session or payment of this checkout."""
        self._watch.report(fact)
