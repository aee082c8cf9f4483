"""Bad checkouts: each is the good body with one mistake, and the JSON Pointers that must be named, in order.

Told to the domain and sent over HTTP alike. Bodies must be sent as ASCII JSON (`json.dumps`), as some hold
characters that have no UTF-8. The merchant's redirect origins are `https://shop.example`, and possibly others.
`BAD_SHAPES` can only be sent as JSON: fields that are missing or unknown.
"""

from typing import Any, NamedTuple

from tests.checkout_bodies import Body, Mutate, put


class BadCheckout(NamedTuple):
    """What the mistake is, how to make it, and the pointers of the violations it must give, exactly."""

    id: str
    mutate: Mutate
    pointers: tuple[str, ...]


def _bad(name: str, pointer: str, value: Any) -> BadCheckout:
    return BadCheckout(name, put({pointer: value}), (pointer,))


def _bad_at(name: str, pointer: str, changes: dict[str, Any]) -> BadCheckout:
    return BadCheckout(name, put(changes), (pointer,))


def _without(pointer: str) -> Mutate:
    def mutate(body: Body) -> Body:
        changed = put({pointer: None})(body)
        *way, last = pointer.split("/")[1:]
        target: Any = changed
        for step in way:
            target = target[int(step) if isinstance(target, list) else step]
        del target[last]
        return changed

    return mutate


def _line(**changes: Any) -> dict[str, Any]:
    line = {"name": "Stuhl", "quantity": "1", "unit_price": "99.00", "tax_rate": "19"}
    return line | changes


def _charge(**changes: Any) -> dict[str, Any]:
    return {"name": "Versand", "amount": "4.90", "tax_rate": "19"} | changes


_VISA = "4242424242424242"

_KEYS = [
    _bad("key is empty", "/assignment_key", ""),
    _bad("key is too long", "/assignment_key", "k" * 101),
    _bad("key has a space", "/assignment_key", "SO 88213"),
    _bad("key has a slash", "/assignment_key", "SO/88213"),
    _bad("key starts with a point", "/assignment_key", ".SO-88213"),
    _bad("key ends with a line feed", "/assignment_key", "SO-88213\n"),
    _bad("key has an umlaut", "/assignment_key", "SO-ÄÖ"),
    _bad("key has a NUL", "/assignment_key", "SO\x00"),
    _bad("key is a number", "/assignment_key", 88213),
]

_AMOUNTS = [
    _bad("currency is in lower case", "/currency", "eur"),
    _bad("currency is unknown", "/currency", "ABC"),
    _bad("currency is gold", "/currency", "XAU"),
    _bad("currency is withdrawn", "/currency", "DEM"),
    _bad("currency is null", "/currency", None),
    _bad("price mode is unknown", "/prices", "brutto"),
    _bad("total is a cent too much", "/total", "839.01"),
    _bad("total forgets the discount", "/total", "849.00"),
    _bad("total is zero", "/total", "0.00"),
    _bad("total is negative", "/total", "-839.00"),
    _bad("total is a JSON number", "/total", 839.0),
    _bad("total is a whole JSON number", "/total", 839),
    _bad("total is true", "/total", True),
    _bad("total has a comma", "/total", "839,00"),
    _bad("total has a thousands separator", "/total", "1,839.00"),
    _bad("total has three decimals", "/total", "839.000"),
    _bad("total has an exponent", "/total", "8.39E2"),
    _bad("total has a plus", "/total", "+839.00"),
    _bad("total has a space", "/total", " 839.00"),
    _bad("total has leading zeros", "/total", "0839.00"),
    _bad("total has no digit after the point", "/total", "839."),
    _bad("total has Arabic-Indic digits", "/total", "٨٣٩"),
    _bad("total is not a number", "/total", "NaN"),
    _bad("total is empty", "/total", ""),
    _bad("total is endless", "/total", "9" * 10_000),
    BadCheckout("yen have no decimals", put({"/currency": "JPY"}), ("/discounts/0/amount", "/total")),
]

_LINES = [
    _bad_at("there are no lines", "/lines", {"/lines": []}),
    _bad_at("there are too many lines", "/lines", {"/lines": [_line()] * 1001}),
    _bad_at("lines are not a list", "/lines", {"/lines": "none"}),
    _bad_at("a line is a text", "/lines/0", {"/lines/0": "Schreibtisch"}),
    _bad_at("everything is free", "/lines", {"/lines/0/unit_price": "0.00", "/discounts": [], "/total": None}),
    _bad_at(
        "the cart is worth more than any card can pay",
        "/lines",
        {"/lines/0/unit_price": "9999999999.99", "/lines/0/quantity": "999999", "/total": None},
    ),
    _bad("sku is too long", "/lines/0/sku", "s" * 65),
    _bad("sku is empty", "/lines/0/sku", ""),
    _bad("line has no name", "/lines/0/name", ""),
    _bad("line name is blank", "/lines/0/name", " \u00a0\u200b"),
    _bad("line name is too long", "/lines/0/name", "n" * 201),
    _bad("line name has a tabulator", "/lines/0/name", "Schreib\ttisch"),
    _bad("line name turns its direction", "/lines/0/name", "Schreibtisch \u202e00.1"),
    _bad("line name has an unpaired surrogate", "/lines/0/name", "Tisch \ud83d"),
    _bad("line name has a noncharacter", "/lines/0/name", "Tisch \ufffe"),
    _bad("line name is a number", "/lines/0/name", 7),
    _bad("description is too long", "/lines/0/description", "d" * 1001),
    _bad("description has a line separator", "/lines/0/description", "160\u2028x 80"),
    _bad("description has a card number", "/lines/0/description", f"paid with {_VISA}"),
    _bad("quantity is zero", "/lines/0/quantity", "0"),
    _bad("quantity is negative", "/lines/0/quantity", "-1"),
    _bad("quantity is a JSON number", "/lines/0/quantity", 1),
    _bad("quantity has five decimals", "/lines/0/quantity", "1.00001"),
    _bad("quantity is beyond reason", "/lines/0/quantity", "1000000"),
    _bad("quantity is infinite", "/lines/0/quantity", "Infinity"),
    _bad("unit is unknown", "/lines/0/unit", "Stück"),
    _bad("unit is in lower case", "/lines/0/unit", "hur"),
    _bad("unit price is negative", "/lines/0/unit_price", "-849.00"),
    _bad("unit price has seven decimals", "/lines/0/unit_price", "849.0050001"),
    _bad("unit price is a JSON number", "/lines/0/unit_price", 849.0),
    _bad("unit price has too many digits", "/lines/0/unit_price", "10000000000"),
    _bad("tax category is unknown", "/lines/0/tax_category", "X"),
    _bad_at("reverse charge has a rate", "/lines/0/tax_rate", {"/lines/0/tax_category": "AE"}),
    _bad_at(
        "what is exempt has no reason",
        "/lines/0/exemption_reason",
        {"/lines/0/tax_category": "E", "/lines/0/tax_rate": "0"},
    ),
    _bad_at(
        "reason for exemption is unknown",
        "/lines/0/exemption_code",
        {"/lines/0/tax_category": "E", "/lines/0/tax_rate": None, "/lines/0/exemption_code": "VATEX-EU-AE"},
    ),
    _bad("what is taxed has a reason for exemption", "/lines/0/exemption_reason", "weil"),
    _bad_at(
        "two exempt lines have two reasons",
        "/lines/1/exemption_reason",
        {
            "/total": None,
            "/lines": [
                _line(tax_category="E", tax_rate="0", exemption_reason="weil"),
                _line(tax_category="E", tax_rate="0", exemption_reason="darum"),
            ],
        },
    ),
    _bad("standard rate is missing", "/lines/0/tax_rate", None),
    _bad_at("tax class is unknown", "/lines/0/tax_class", {"/lines/0/tax_rate": None, "/lines/0/tax_class": "luxury"}),
    _bad("tax class stands beside a rate", "/lines/0/tax_class", "standard"),
    _bad("supply is unknown", "/lines/0/supply", "air"),
    _bad_at(
        "discount on a line has no name",
        "/lines/0/discounts/0/name",
        {"/lines/0/discounts": [{"name": "", "amount": "1.00"}], "/total": None},
    ),
    _bad_at(
        "discount on a line is negative",
        "/lines/0/discounts/0/amount",
        {"/lines/0/discounts": [{"name": "Rabatt", "amount": "-1.00"}], "/total": None},
    ),
    _bad_at(
        "charge on a line has three decimals",
        "/lines/0/charges/0/amount",
        {"/lines/0/charges": [{"name": "Holz", "amount": "1.001"}], "/total": None},
    ),
    _bad_at(
        "discount eats more than its line",
        "/lines/0/discounts",
        {"/lines/0/discounts": [{"name": "Rabatt", "amount": "849.01"}], "/total": None},
    ),
    _bad("there are too many discounts on a line", "/lines/0/discounts", [{"name": "R", "amount": "0.10"}] * 11),
    _bad("standard rate is zero", "/lines/0/tax_rate", "0"),
    _bad_at("zero rate is not zero", "/lines/0/tax_rate", {"/lines/0/tax_category": "Z"}),
    _bad("tax rate is over a hundred", "/lines/0/tax_rate", "100.5"),
    _bad("tax rate is negative", "/lines/0/tax_rate", "-19"),
    _bad("tax rate has a per cent sign", "/lines/0/tax_rate", "19%"),
    _bad("tax rate has five decimals", "/lines/0/tax_rate", "19.00001"),
    _bad("tax rate is a JSON number", "/lines/0/tax_rate", 19),
]

_DISCOUNTS = [
    _bad("discount is zero", "/discounts/0/amount", "0.00"),
    _bad("discount is negative", "/discounts/0/amount", "-10.00"),
    _bad("discount has three decimals", "/discounts/0/amount", "10.001"),
    _bad("discount has no name", "/discounts/0/name", ""),
    _bad_at("discount eats the cart", "/discounts", {"/discounts/0/amount": "849.00", "/total": None}),
    _bad_at("discounts are more than the cart", "/discounts", {"/discounts/0/amount": "900.00", "/total": None}),
    _bad("there are too many discounts", "/discounts", [{"name": "Sommer", "amount": "0.10"}] * 21),
]

_CHARGES = [
    _bad_at("charge has no name", "/charges/0/name", {"/charges": [_charge(name="")], "/total": None}),
    _bad_at("charge is zero", "/charges/0/amount", {"/charges": [_charge(amount="0.00")], "/total": None}),
    _bad_at("charge has no rate", "/charges/0/tax_rate", {"/charges": [_charge(tax_rate=None)], "/total": None}),
    _bad_at(
        "charge has an unknown category",
        "/charges/0/tax_category",
        {"/charges": [_charge(tax_category="X")], "/total": None},
    ),
    _bad("there are too many charges", "/charges", [_charge()] * 21),
    _bad_at(
        "a discount is taken off a charge",
        "/discounts",
        {"/charges": [_charge()], "/discounts/0/amount": "849.01", "/total": None},
    ),
    _bad_at(
        "dinar are finer than documents can say",
        "/discounts/0/amount",
        {"/currency": "KWD", "/discounts/0/amount": "0.001", "/total": None},
    ),
]

_CUSTOMERS = [
    _bad("customer has no name", "/customer/name", ""),
    _bad("customer name is too long", "/customer/name", "n" * 201),
    _bad("customer name has a line feed", "/customer/name", "Jana\nBcc: eve@example.org"),
    _bad("customer name has a C1 control", "/customer/name", "Jana\u0085Köhler"),
    _bad("customer name is a card number", "/customer/name", "4111 1111 1111 1111"),
    _bad("company is empty", "/customer/company", ""),
    _bad("mail address has no at", "/customer/email", "jana.example.org"),
    _bad("mail address has two at", "/customer/email", "jana@example@example.org"),
    _bad("mail address has a line feed", "/customer/email", "jana@example.org\nBcc: eve@example.org"),
    _bad("there are two mail addresses", "/customer/email", "jana@example.org,eve@example.org"),
    _bad("mail address has a display name", "/customer/email", "Jana <jana@example.org>"),
    _bad("mail domain has no point", "/customer/email", "jana@localhost"),
    _bad("mail address is too long", "/customer/email", "j" * 65 + "@example.org"),
    _bad("mail address is empty", "/customer/email", ""),
    _bad("language is in upper case", "/customer/language", "DE"),
    _bad("language is unknown", "/customer/language", "xx"),
    _bad("language has a region", "/customer/language", "de-DE"),
    _bad("VAT id has no prefix", "/customer/vat_id", "123456789"),
    _bad("VAT id has no country's prefix", "/customer/vat_id", "QQ123456789"),
    _bad("VAT id has spaces", "/customer/vat_id", "DE 123 456 789"),
    _bad("customer number is too long", "/customer/number", "n" * 65),
    _bad("street is empty", "/customer/address/line1", ""),
    _bad("second address line is too long", "/customer/address/line2", "l" * 201),
    _bad("postal code is empty", "/customer/address/postal_code", ""),
    _bad("postal code is too long", "/customer/address/postal_code", "1" * 21),
    _bad("city is blank", "/customer/address/city", "   "),
    _bad("country is in lower case", "/customer/address/country", "de"),
    _bad("country does not exist", "/customer/address/country", "XX"),
    _bad("country has three letters", "/customer/address/country", "DEU"),
    _bad("address is a text", "/customer/address", "Königsstraße 48 b, Berlin"),
    _bad("electronic address is a text", "/customer/electronic_address", "DE123456788"),
    _bad_at(
        "scheme of the electronic address is unknown",
        "/customer/electronic_address/scheme",
        {"/customer/electronic_address": {"scheme": "9999", "id": "DE123456788"}},
    ),
    _bad_at(
        "electronic address is a mail address that is none",
        "/customer/electronic_address/id",
        {"/customer/electronic_address": {"scheme": "EM", "id": "jana.example.org"}},
    ),
    _bad_at(
        "electronic address is a location number with a wrong check digit",
        "/customer/electronic_address/id",
        {"/customer/electronic_address": {"scheme": "0088", "id": "4012345000008"}},
    ),
    _bad("Leitweg-ID has wrong check digits", "/customer/leitweg_id", "04011000-12345-04"),
    _bad("Leitweg-ID is empty", "/customer/leitweg_id", ""),
    _bad("buyer reference has a line feed", "/customer/buyer_reference", "Abteilung\n7"),
    _bad_at(
        "there are two buyer references",
        "/customer/buyer_reference",
        {"/customer/leitweg_id": "04011000-12345-03", "/customer/buyer_reference": "Abteilung 7"},
    ),
    _bad_at(
        "a Leitweg-ID in a currency without decimals",
        "/customer/leitweg_id",
        {
            "/customer/leitweg_id": "04011000-12345-03",
            "/currency": "JPY",
            "/total": None,
            "/lines/0/unit_price": "849",
            "/discounts": [],
        },
    ),
    _bad("customer is null", "/customer", None),
]

_REDIRECTS = [
    _bad("redirect is relative", "/redirects/success", "/ok"),
    _bad("redirect has no scheme", "/redirects/success", "//shop.example/ok"),
    _bad("redirect is http", "/redirects/success", "http://shop.example/ok"),
    _bad("redirect is a script", "/redirects/success", "javascript:alert(1)"),
    _bad("redirect is another origin", "/redirects/failure", "https://evil.example/"),
    _bad("redirect of pending payments is another origin", "/redirects/pending", "https://evil.example/"),
    _bad("capture is another word", "/capture", "later"),
    _bad("capture is no word", "/capture", True),
    _bad("redirect only starts like the origin", "/redirects/failure", "https://shop.example.evil.example/"),
    _bad("redirect is another port", "/redirects/failure", "https://shop.example:8443/"),
    _bad("redirect has a user name", "/redirects/cancel", "https://shop.example@evil.example/"),
    _bad("redirect has a backslash", "/redirects/cancel", "https://shop.example\\@evil.example/"),
    _bad("redirect has a line feed", "/redirects/cancel", "https://shop.example/\r\nSet-Cookie: a=b"),
    _bad("redirect has a fragment", "/redirects/cancel", "https://shop.example/#done"),
    _bad("redirect is too long", "/redirects/cancel", "https://shop.example/" + "a" * 2000),
    _bad("redirect has a bad port", "/redirects/cancel", "https://shop.example:99999/"),
    _bad("redirect is empty", "/redirects/cancel", ""),
]

_REST = [
    _bad("link would be dead at once", "/expires_in_seconds", 0),
    _bad("link would have expired", "/expires_in_seconds", -604800),
    _bad("link lives too short", "/expires_in_seconds", 1799),
    _bad("link lives too long", "/expires_in_seconds", 30 * 24 * 3600 + 1),
    _bad("expiry is a text", "/expires_in_seconds", "604800"),
    _bad("expiry is true", "/expires_in_seconds", True),
    _bad("expiry is a fraction", "/expires_in_seconds", 1800.5),
    _bad("there is too much metadata", "/metadata", {f"k{n}": "v" for n in range(21)}),
    _bad("metadata key is too long", "/metadata", {"k" * 41: "v"}),
    _bad("metadata key is empty", "/metadata", {"": "v"}),
    _bad("metadata value is too long", "/metadata/cart", "v" * 501),
    _bad("metadata value is a number", "/metadata/cart", 1),
    _bad("metadata value has a NUL", "/metadata/cart", "c\x00"),
    _bad("metadata has a card number", "/metadata/cart", _VISA),
    _bad("metadata has a card number in groups", "/metadata/cart", "card 4242-4242-4242-4242, 12/27"),
    BadCheckout("pointers are escaped", put({"/metadata": {"a/b~c": "v" * 501}}), ("/metadata/a~1b~0c",)),
    BadCheckout(
        "all mistakes are told at once",
        put(
            {
                "/assignment_key": "",
                "/lines/0/unit": "Stück",
                "/lines/0/tax_rate": "0",
                "/discounts/0/amount": "-1",
                "/customer/email": "nobody",
                "/customer/address/country": "XX",
                "/redirects/cancel": "https://evil.example/",
                "/expires_in_seconds": 1,
            }
        ),
        (
            "/assignment_key",
            "/lines/0/unit",
            "/lines/0/tax_rate",
            "/discounts/0/amount",
            "/customer/email",
            "/customer/address/country",
            "/redirects/cancel",
            "/expires_in_seconds",
        ),
    ),
    BadCheckout(
        "a wrong total is told along with a wrong customer",
        put({"/total": "1.00", "/customer/name": ""}),
        ("/total", "/customer/name"),
    ),
]

BAD_CHECKOUTS = [*_KEYS, *_AMOUNTS, *_LINES, *_DISCOUNTS, *_CHARGES, *_CUSTOMERS, *_REDIRECTS, *_REST]

BAD_SHAPES = [
    BadCheckout(f"{pointer} is missing", _without(pointer), (pointer,))
    for pointer in (
        "/assignment_key",
        "/currency",
        "/prices",
        "/customer",
        "/lines",
        "/customer/name",
        "/customer/email",
        "/customer/address",
        "/customer/address/line1",
        "/customer/address/postal_code",
        "/customer/address/city",
        "/customer/address/country",
        "/lines/0/name",
        "/lines/0/quantity",
        "/lines/0/unit_price",
        "/lines/0/tax_rate",
        "/discounts/0/name",
        "/discounts/0/amount",
        "/redirects/success",
    )
] + [
    _bad(f"{pointer} is unknown", pointer, "x")
    for pointer in ("/amount", "/customer/phone", "/customer/address/state", "/lines/0/price", "/discounts/0/code")
]
