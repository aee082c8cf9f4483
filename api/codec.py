"""The codec endpoint: lets the Temporal UI show encrypted payloads to those who may see them.

The protocol is Temporal's (docs.temporal.io, "codec server"): `POST /decode` and `/encode` with `{"payloads": [...]}`.
"""

import secrets

from google.protobuf.json_format import MessageToDict, Parse, ParseError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.api.common.v1 import Payloads
from temporalio.converter import PayloadCodec


def create_codec(codec: PayloadCodec, *, ui_origin: str, token: str | None) -> Starlette:
    """The endpoint, for browsers that come from the Temporal UI at `ui_origin`.

    With a `token` the UI must pass it on as `Authorization: Bearer`. Without one whoever reaches this API
    can decode, so leave it out in the sandbox only.
    """

    async def decode(request: Request) -> Response:
        return await _answer(request, decoding=True)

    async def encode(request: Request) -> Response:
        return await _answer(request, decoding=False)

    async def _answer(request: Request, *, decoding: bool) -> Response:
        if token is not None and not _authorized(request, token):
            return JSONResponse({"message": "send the operator token as `Authorization: Bearer ...`"}, 401)
        try:
            given = Parse(await request.body(), Payloads()).payloads
            done = await (codec.decode(given) if decoding else codec.encode(given))
        except (ParseError, ValueError, KeyError) as error:
            return JSONResponse({"message": str(error)}, 400)
        return JSONResponse(MessageToDict(Payloads(payloads=done)))

    browsers = Middleware(
        CORSMiddleware,
        allow_origins=[ui_origin],
        allow_methods=["POST"],
        allow_headers=["content-type", "x-namespace", "authorization"],
    )
    routes = [Route("/decode", decode, methods=["POST"]), Route("/encode", encode, methods=["POST"])]
    return Starlette(routes=routes, middleware=[browsers])


def _authorized(request: Request, token: str) -> bool:
    return secrets.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {token}".encode())
