import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.redirects import redirect_problem
from domain.texts import card_problem, email_problem, text_problem, vat_id_problem

ORIGINS = ("https://shop.example", "https://shop.example:8443", "https://[2001:db8::1]")


@pytest.mark.parametrize(
    "text",
    ["x", "Jana Köhler", "株式会社", "Łukasz O'Brien-Żak", "שלום", "١٢٣", "e\u0301", "x" * 200, " x ", "🪑", "\u00a0x"],
)
def test_names_of_all_scripts_are_taken(text: str) -> None:
    assert text_problem(text, most=200) is None


@pytest.mark.parametrize("text", ["", " ", "\u3000", "\u200b\u200d", "\u2060", "\u3164", "\u2800", "\ufeff", "\u00ad"])
def test_a_text_without_a_visible_character_is_refused(text: str) -> None:
    assert text_problem(text, most=200)


@given(st.characters(categories=["Cc", "Cs", "Zl", "Zp"]) | st.sampled_from("\u202a\u202e\u2066\u2069\ufffe\uffff"))
def test_no_control_character_hides_in_a_text(character: str) -> None:
    assert text_problem(f"Jana{character}Köhler", most=200)


@pytest.mark.parametrize(
    "address",
    ["jana@example.org", "o'brien+shop@mail.example.co.uk", "j@x.io", "jana@xn--khler-jua.de", "a@b.xn--p1ai"],
)
def test_plain_mail_addresses_are_taken(address: str) -> None:
    assert email_problem(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "@example.org",
        "jana@",
        "jana",
        "a..b@example.org",
        ".a@example.org",
        "a.@example.org",
        '"a b"@example.org',
        "a b@example.org",
        "a@exa mple.org",
        "a@example",
        "a@-example.org",
        "a@example-.org",
        "a@example.org.",
        "a@[127.0.0.1]",
        "a@127.0.0.1",
        "jäna@example.org",
        "a@köhler.de",
        "a@example.org\r\n",
        "a@b@example.org",
        "a@" + "b" * 64 + ".org",
        "a@" + ".".join(["b" * 60] * 5) + ".org",
        None,
        1,
    ],
)
def test_other_mail_addresses_are_refused(address: object) -> None:
    assert email_problem(address)


@pytest.mark.parametrize("vat_id", ["DE123456789", "EL123456789", "XI123456789", "CHE-123.456.789", "IE1234567WA"])
def test_vat_ids_with_a_countrys_prefix_are_taken(vat_id: str) -> None:
    assert vat_id_problem(vat_id) is None


@pytest.mark.parametrize("vat_id", ["", "DE", "DE1", "de123456789", "123456789", "QQ123", "DE 123", "DE" + "1" * 19, 1])
def test_other_vat_ids_are_refused(vat_id: object) -> None:
    assert vat_id_problem(vat_id)


@pytest.mark.parametrize(
    "number",
    [
        "4242424242424242",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "6200000000000005",
        "6304000000000000",
    ],
)
@pytest.mark.parametrize("text", ["{}", "card {}, thanks", "12 {}", "{} 12/27", "no{}x"])
def test_card_numbers_of_all_issuers_are_found_in_a_text(number: str, text: str) -> None:
    grouped = " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    for written in (number, grouped, grouped.replace(" ", "-")):
        assert card_problem(text.format(written))


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # wrong check digit
        "4242 4242 4242",  # too short
        "42424242424242424242",  # too long
        "14242424242424241",  # right check digit, but of no issuer
        "1732412345678",  # milliseconds
        "+49 30 901820, 10961 Berlin",
        "no digits",
        "",
    ],
)
def test_other_numbers_are_no_card_numbers(text: str) -> None:
    assert card_problem(text) is None


@given(st.integers(10**11, 10**12 - 1))
def test_an_article_number_is_never_taken_for_a_card_number(first_twelve: int) -> None:
    digits = str(first_twelve)
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    assert card_problem(f"{digits}{-weighted % 10}") is None


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example/ok?order=1&x=%20",
        "https://shop.example:443/",
        "https://SHOP.example/",
        "https://shop.example:8443/a/b;c=d",
        "https://shop.example?a=https://other.example",
        "https://[2001:db8::1]/ok",
    ],
)
def test_customers_may_be_sent_to_registered_origins(url: str) -> None:
    assert redirect_problem(url, origins=ORIGINS, allow_local=False) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "https://shop.example.evil.example/",
        "https://evil.example/?https://shop.example",
        "https://shop.example:8444/",
        "https://shop.example@evil.example/",
        "https://shop.example\\.evil.example/",
        "https://evil.example\\@shop.example/",
        "//shop.example/",
        "/\\shop.example",
        "https:shop.example/ok",
        "https:///shop.example/",
        " https://shop.example/",
        "https://shop.example/ ",
        "https://shop.example/#x",
        "https://shop.example/\n",
        "HTTPS://shop.example/",
        "https://shop.example:/",
        "https://shop.example:0/",
        "https://shop.example:65536/",
        "https://[::1",
        "ftp://shop.example/",
        "https://shop.exämple/",
        "",
        None,
        5,
        "https://shop.example/" + "a" * 2000,
        "https://user:pw@shop.example/",
        "https://shop.example./",
    ],
)
@pytest.mark.parametrize("allow_local", [False, True])
def test_customers_are_sent_nowhere_else(url: object, *, allow_local: bool) -> None:
    assert redirect_problem(url, origins=ORIGINS, allow_local=allow_local)


@pytest.mark.parametrize(
    "url", ["http://localhost:8080/ok", "http://127.0.0.1/ok", "https://localhost/ok", "http://[::1]:3000/"]
)
def test_this_machine_is_for_the_sandbox_only(url: str) -> None:
    assert redirect_problem(url, origins=(), allow_local=True) is None
    assert redirect_problem(url, origins=(), allow_local=False)


def test_plain_http_stays_refused_in_production_even_when_registered() -> None:
    assert redirect_problem("http://localhost/", origins=("http://localhost",), allow_local=False) == "must be https"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.evil.example/", "http://localhost.evil.example/", "http://127.0.0.2/"]
)
def test_the_sandbox_takes_only_this_machine(url: str) -> None:
    assert redirect_problem(url, origins=(), allow_local=True)
