"""Reports of mail servers are read; other mail is not taken for one."""

import pytest

from adapters.mail.reports import read_reports
from domain.deliveries import DeliveryStatus
from domain.errors import InvalidReport
from tests.mail_reports import MESSAGE_ID, report


@pytest.mark.parametrize("about", ["text/rfc822-headers", "message/rfc822"])
def test_a_bounce_is_read_with_the_servers_own_words(about: str) -> None:
    [read] = read_reports(report(about=about))
    assert (read.message_id, read.status) == (MESSAGE_ID, DeliveryStatus.BOUNCED)
    assert read.answer == "5.1.1 smtp; 550 5.1.1 <jana@example.org>: user unknown"


def test_a_delivery_is_read() -> None:
    [read] = read_reports(report(action="Delivered"))
    assert read.status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", "unheard-of"])
def test_what_decides_nothing_is_no_outcome(action: str) -> None:
    assert read_reports(report(action=action)) == ()


def test_each_recipient_has_an_outcome() -> None:
    other = "\nFinal-Recipient: rfc822; other@example.org\nAction: delivered\nStatus: 2.1.5\n"
    statuses = [one.status for one in read_reports(report(more=other))]
    assert statuses == [DeliveryStatus.BOUNCED, DeliveryStatus.DELIVERED]


def test_a_reason_is_never_endless() -> None:
    [read] = read_reports(report(message_id=MESSAGE_ID).replace(b"unknown", b"x" * 5000))
    assert len(read.answer) == 500


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Hello",
        b"\xff\xfe\x00",
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=B\r\n\r\n--B--",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno boundary",
        report(message_id=None),
    ],
)
def test_another_mail_is_not_taken_for_a_report(raw: bytes) -> None:
    with pytest.raises(InvalidReport):
        read_reports(raw)
