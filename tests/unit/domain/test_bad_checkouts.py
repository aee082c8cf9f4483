import pytest

from domain.errors import InvalidInput
from domain.pricing import CheckoutRules, price_checkout
from tests.bad_checkouts import BAD_CHECKOUTS, BAD_SHAPES, BadCheckout
from tests.checkout_bodies import good_body, request_of

RULES = CheckoutRules(redirect_origins=("https://shop.example",))


@pytest.mark.parametrize("bad", BAD_CHECKOUTS, ids=lambda bad: bad.id)
def test_a_bad_checkout_is_refused_and_exactly_its_mistakes_are_named(bad: BadCheckout) -> None:
    with pytest.raises(InvalidInput) as refused:
        price_checkout(request_of(bad.mutate(good_body())), RULES)
    assert tuple(violation.pointer for violation in refused.value.violations) == bad.pointers


def test_every_bad_checkout_has_a_name_of_its_own() -> None:
    names = [bad.id for bad in BAD_CHECKOUTS + BAD_SHAPES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("bad", BAD_SHAPES, ids=lambda bad: bad.id)
def test_a_bad_shape_really_differs_from_the_good_body(bad: BadCheckout) -> None:
    assert bad.mutate(good_body()) != good_body()


def test_no_message_repeats_personal_data() -> None:
    secret = "Jana-Geheim"
    body = good_body()
    body["customer"] |= {"name": f"{secret}\n", "email": secret, "language": secret, "vat_id": secret}
    body["customer"]["address"] |= {"city": f"{secret}\x00", "country": secret}
    body["metadata"] = {"note": f"{secret}\x00", f"{secret}\x00": ""}
    with pytest.raises(InvalidInput) as refused:
        price_checkout(request_of(body), RULES)
    assert len(refused.value.violations) == 8
    assert secret not in str(refused.value)


def test_no_more_than_fifty_mistakes_are_told() -> None:
    body = good_body()
    body["lines"] = [body["lines"][0] | {"quantity": "0", "unit": ""}] * 500
    with pytest.raises(InvalidInput) as refused:
        price_checkout(request_of(body), RULES)
    assert len(refused.value.violations) == 50
