"""The one address of the embedded Supabase: `/rest/v1` is PostgREST, `/storage/v1` is kept on disk here.

Runs as a process of its own: `python -m dealpulse.local.gateway CONFIG PORT`, CONFIG being a GatewayConfig as JSON.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import jwt
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from dealpulse.local.gateway_config import GatewayConfig
from dealpulse.local.objects import ObjectStore
from dealpulse.local.storage import StorageApi

_METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
_HOP_BY_HOP = {"connection", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_WITH_BODY = {"POST", "PATCH", "PUT", "DELETE"}


@dataclass(frozen=True)
class Keyring:
    """Who a request speaks for. An opaque key counts as the JWT it stands for."""

    jwt_secret: str
    opaque_keys: dict[str, str]

    def api_key(self, request: Request) -> str:
        """The JWT of the `apikey` header or parameter, unchecked; empty if there is none."""
        key = request.headers.get("apikey") or request.query_params.get("apikey") or ""
        return self.opaque_keys.get(key, key)

    def token(self, request: Request) -> str:
        """The JWT the request acts with, unchecked: its bearer token, else its API key."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            return self.api_key(request)
        return self.opaque_keys.get(bearer.strip(), bearer.strip())

    def role(self, token: str) -> str | None:
        """The role a JWT signed with our secret and not expired gives; None for any other text."""
        try:
            claims = jwt.decode(token, self.jwt_secret, algorithms=["HS256"], options={"verify_aud": False})
        except jwt.InvalidTokenError:
            return None
        role = claims.get("role")
        return role if isinstance(role, str) else None


@dataclass(frozen=True)
class RestProxy:
    """Hands requests on to PostgREST and its answers back, streaming both."""

    rest: httpx.AsyncClient
    keyring: Keyring

    async def __call__(self, request: Request) -> Response:
        """One request; 401 without a known API key, 503 while PostgREST is away."""
        key = self.keyring.api_key(request)
        if not key:
            return JSONResponse({"message": "No API key found in request"}, status_code=401)
        if self.keyring.role(key) is None:
            return JSONResponse({"message": "Invalid API key"}, status_code=401)
        try:
            answer = await self.rest.send(self._forwarded(request), stream=True)
        except httpx.TransportError:
            problem = "An invalid response was received from the upstream server"
            return JSONResponse({"message": problem}, status_code=503)
        headers = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        return StreamingResponse(
            answer.aiter_raw(), answer.status_code, headers, background=BackgroundTask(answer.aclose)
        )

    def _forwarded(self, request: Request) -> httpx.Request:
        headers = [(name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP | {"apikey"}]
        headers = [pair for pair in headers if pair[0] != "authorization"]
        headers.append(("authorization", f"Bearer {self.keyring.token(request)}"))
        if request.method == "HEAD":
            # PostgREST before 14.15 may spoil the next answer on a connection that carried a HEAD.
            headers.append(("connection", "close"))
        query = request.url.query.encode("ascii")
        url = self.rest.base_url.copy_with(raw_path=_path(request) + (b"?" + query if query else b""))
        body = request.stream() if request.method in _WITH_BODY else None
        return httpx.Request(request.method, url, headers=headers, content=body)


def create_app(config: GatewayConfig) -> Starlette:
    """The gateway; its lifespan opens and closes the object store and the connections to PostgREST."""
    keyring = Keyring(config.jwt_secret, config.opaque_keys)
    store = ObjectStore(Path(config.storage_dir), durable=config.durable)
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=30)
    rest = httpx.AsyncClient(
        base_url=config.rest_url, limits=limits, timeout=httpx.Timeout(60, connect=5), trust_env=False
    )

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with rest:
            yield
        store.close()

    storage = StorageApi(store, role_of=lambda request: keyring.role(keyring.token(request)))
    routes = [
        Route("/health", _health),
        Route("/rest/v1/{path:path}", RestProxy(rest, keyring).__call__, methods=_METHODS),
        Mount("/storage/v1", routes=storage.routes()),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _path(request: Request) -> bytes:
    """The path as it was sent, percent-encoding included, below `/rest/v1`."""
    raw: bytes = request.scope["raw_path"]
    return raw.removeprefix(b"/rest/v1").partition(b"?")[0] or b"/"


def main(arguments: list[str]) -> None:
    """Serve on loopback until SIGTERM."""
    config_path, port = arguments
    config = msgspec.json.decode(Path(config_path).read_bytes(), type=GatewayConfig)
    uvicorn.run(
        create_app(config),
        host="127.0.0.1",
        port=int(port),
        access_log=False,
        date_header=False,
        server_header=False,  # PostgREST's own are handed through
        log_level="warning",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=60,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
