"""Invariant 9: no personal data in logs or failure messages, also when the database refuses what it is given."""

import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.clerk import Clerk, a_request

NAME, EMAIL = "Jana Köhler", "jana@example.org"
BROKEN = {
    "a missing value": "UPDATE checkouts SET status = NULL",
    "a repeated key": """
        INSERT INTO checkouts SELECT (jsonb_populate_record(c, '{"id": "chk_other"}')).* FROM checkouts c
    """,
    "an unknown owner": "UPDATE checkouts SET merchant_id = :email",
    "a broken rule": "UPDATE entries SET initial = -1, status = :email",
}


@pytest.mark.parametrize("statement", BROKEN.values(), ids=BROKEN.keys())
async def test_an_error_of_the_database_names_the_rule_and_no_value(clerk: Clerk, statement: str) -> None:
    await clerk.open(request=a_request(assignment_key=EMAIL.replace("@", ":")))
    with pytest.raises(IntegrityError) as refused:
        async with clerk.engine.begin() as connection:
            await connection.execute(text(statement).bindparams(**({"email": EMAIL} if ":email" in statement else {})))
    logged = "".join(traceback.format_exception(refused.value))
    assert "checkouts" in logged or "entries" in logged
    for value in (NAME, EMAIL, EMAIL.replace("@", ":")):
        assert value not in logged
