"""What can be told to go wrong with the mail server."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

CLOSE = "close"


class Moment(StrEnum):
    """When a fault strikes: at a recipient, before a mail is kept, or after it is kept and before we say so."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    ACCEPTED = "accepted"


class Fault(BaseModel):
    """At `moment`, answer so and not as usual, the next `times` times.

    `answer` is an SMTP reply such as `451 4.3.0 try later`, or `close` to drop the connection without one.
    With `recipient` only what goes to this address is hit.
    """

    model_config = ConfigDict(extra="forbid")

    moment: Moment = Moment.MESSAGE
    answer: str = Field(pattern=r"^(close|[45][0-9]{2} [ -~]+)$")
    times: int = Field(1, ge=1)
    recipient: str | None = None


class Faults:
    """The faults that are still to come, in the order they were told."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    @property
    def pending(self) -> list[Fault]:
        """What has not happened yet."""
        return list(self._faults)

    def add(self, fault: Fault) -> None:
        """Have something go wrong."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Have everything go right again."""
        self._faults.clear()

    def strike(self, moment: Moment, recipients: list[str]) -> str | None:
        """The answer of the first fault that hits here, used up by one; None if all is well."""
        for fault in self._faults:
            if fault.moment is moment and fault.recipient in {None, *recipients}:
                fault.times -= 1
                self._faults = [each for each in self._faults if each.times > 0]
                return fault.answer
        return None
