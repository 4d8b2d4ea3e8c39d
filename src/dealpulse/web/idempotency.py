"""``Idempotency-Key``: the same request sent twice by one caller is carried out once, and answered the same both times.

Only what went well is kept, for a day. What was refused, or failed, may be sent again with its key.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dealpulse.errors import Invalid
from dealpulse.queue.idempotency import KeptAnswer
from dealpulse.web.codec import JsonResponse
from dealpulse.web.errors import HttpFault, invalid

KEY: Final = "idempotency-key"
REPLAYED: Final = "Idempotency-Replayed"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


async def answer_once(request: Request[Any], caller: str, work: Callable[[], Awaitable[Response]]) -> Response:
    """What ``work`` answers, or what it answered this caller when the key came first.

    Raises:
        Invalid: ``invalid_idempotency_key``.
        HttpFault: 422 ``idempotency_key_reused``: with another request.
        Transient: ``request_under_way``: the first of them has not been answered yet.
    """
    key = request.headers[KEY]
    if _KEY.fullmatch(key) is None:
        raise invalid("An Idempotency-Key has 1 to 255 visible characters.", code="invalid_idempotency_key")
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    try:
        async with request.state["keys"].turn(caller, key, request=asked) as turn:
            if turn.known is not None:
                headers = {REPLAYED: "true"}
                return Response(turn.known.body, turn.known.status, headers, media_type=JsonResponse.media_type)
            answer = await work()
            if answer.status_code < 300:
                turn.give(KeptAnswer(status=answer.status_code, body=bytes(answer.body)))
            return answer
    except Invalid as error:
        if error.code != "idempotency_key_reused":
            raise
        raise HttpFault(422, code=error.code, message=error.message) from error
