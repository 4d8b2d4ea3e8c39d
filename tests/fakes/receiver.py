"""A receiver of webhooks over real HTTP: it keeps what it was sent and answers as the test says.

with webhook_receiver() as receiver:
    receiver.answers.append(503)     # once; then 204 again
    ...                              # have something sent to receiver.url
    receiver.received[0].headers
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fakes.serving import serving


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: deque[int | Response] = field(default_factory=deque)
    """Used up in order."""

    async def _take(self, request: Request) -> Response:
        self.received.append(Received(request.url.path, dict(request.headers), await request.body()))
        answer = self.answers.popleft() if self.answers else 204
        return answer if isinstance(answer, Response) else Response(status_code=answer)


@contextmanager
def webhook_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/{path:path}", receiver._take, methods=["GET", "POST"])])
    with serving(app) as url:
        receiver.url = f"{url}/hooks"
        yield receiver
