"""What routes ask for in their signatures: the services, and the merchant whose key came with the request."""

import re
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.download_links import DownloadLinks
from api.problems import unauthorized
from api.result_token import ResultTokens
from api.services import Services, Site
from domain.errors import NotFound
from domain.merchants import Merchant

REALM = 'Bearer realm="quittance"'
LONGEST_KEY = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")

_bearer = HTTPBearer(auto_error=False, description="The merchant's API key, `Authorization: Bearer qk_...`")


def services_of(request: Request) -> Services:
    """The collaborators this app was made with."""
    return cast("Services", request.app.state.services)


def site_of(request: Request) -> Site:
    """Where this app is."""
    return cast("Site", request.app.state.site)


def tokens_of(request: Request) -> ResultTokens:
    """What signs the results that customers carry back to the shop."""
    return cast("ResultTokens", request.app.state.tokens)


def downloads_of(request: Request) -> DownloadLinks:
    """What signs and reads download links."""
    return cast("DownloadLinks", request.app.state.downloads)


TheServices = Annotated[Services, Depends(services_of)]
TheSite = Annotated[Site, Depends(site_of)]
TheDownloads = Annotated[DownloadLinks, Depends(downloads_of)]
TheTokens = Annotated[ResultTokens, Depends(tokens_of)]


async def merchant_of_request(
    services: TheServices, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Merchant:
    """The merchant whose live key came with the request; everything else is a 401."""
    if credentials is None:
        raise unauthorized("Send the API key as `Authorization: Bearer ...`.", challenge=REALM)
    key = credentials.credentials
    merchant = await services.reader.merchant_of_key(key) if 0 < len(key) <= LONGEST_KEY else None
    if merchant is None:
        raise unauthorized("The API key is not known.", challenge=f'{REALM}, error="invalid_token"')
    return merchant


TheMerchant = Annotated[Merchant, Depends(merchant_of_request)]


async def actor_of_request(
    _: TheMerchant, credentials: Annotated[HTTPAuthorizationCredentials, Depends(_bearer)]
) -> str:
    """Who acts, for the records: the API key, by the last characters that tell keys apart."""
    return f"api key ...{credentials.credentials[-4:]}"


TheActor = Annotated[str, Depends(actor_of_request)]


def known_form(kind: str, reference: str) -> str:
    """`reference`, if it can be an id of ours at all; else NotFound, without asking the database."""
    if not _ID.fullmatch(reference):
        raise NotFound(kind, reference)
    return reference
