"""What mail servers report of our mail (RFC 3464), in the shape of Postfix."""

MESSAGE_ID = "<inv_1@quittance.example>"


def report(
    *, action: str = "failed", more: str = "", about: str = "text/rfc822-headers", message_id: str | None = MESSAGE_ID
) -> bytes:
    """A report on one recipient."""
    named = f"Message-ID: {message_id}" if message_id else "X-Other: header"
    return f"""\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: invoices@quittance.example
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: 4F2

Final-Recipient: rfc822; jana@example.org
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <jana@example.org>: user
    unknown
{more}
--B
Content-Type: {about}

From: Meridian <invoices@quittance.example>
{named}
Subject: Rechnung

--B--
""".replace("\n", "\r\n").encode()
