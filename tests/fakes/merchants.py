"""Two merchants who must never see each other's things."""

from dataclasses import replace

from domain.checkout import Address
from domain.merchants import Branding, Merchant, Seller

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 132 32" width="132" height="32">'
    '<rect width="32" height="32" rx="8" fill="#0f5c4d"/>'
    '<path d="M8 22V10l8 8 8-8v12" fill="none" stroke="#fff" stroke-width="3"/>'
    '<text x="42" y="22" font-family="sans-serif" font-size="18" font-weight="600" fill="#111827">Nordwerk</text>'
    "</svg>"
)

NORDWERK = Merchant(
    id="nordwerk",
    seller=Seller(
        name="Nordwerk Möbel GmbH",
        address=Address(line1="Hafenstraße 7", postal_code="24103", city="Kiel", country="DE"),
        vat_id="DE123456788",
        phone="+49 431 5550 1400",
        email="service@nordwerk.example",
    ),
    branding=Branding(display_name="Nordwerk", logo=LOGO, accent="#0f5c4d"),
    languages=("de", "en"),
    redirect_origins=("https://shop.example",),
    time_zone="Europe/Berlin",
)

SUEDWERK = replace(
    NORDWERK,
    id="suedwerk",
    seller=replace(NORDWERK.seller, name="Südwerk AG", email="hallo@suedwerk.example"),
    branding=replace(NORDWERK.branding, display_name="Südwerk", accent="#facc15"),
)
