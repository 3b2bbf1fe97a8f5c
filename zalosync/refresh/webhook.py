"""The receiver of pushed reports: an ASGI application that stores what it can believe, and answers then.

`POST /zalo/reports/{token}` (or `/zalo/{token}`) takes JSON and XML. 200 is said only when the reports are on
the disk: the provider keeps nothing that was answered with 200, and pushes everything else again. It never
opens the ledger: `zalosync refresh` merges what lies in the inbox.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from zalosync.clock import Clock
from zalosync.compose.message import Maker
from zalosync.errors import LedgerError
from zalosync.infobip.evidence import Digest, Pseudonym, Rows
from zalosync.refresh.intake import Full, Intake
from zalosync.refresh.metrics import CONTENT_TYPE, Counts, exposition
from zalosync.refresh.pushed import MOST_BYTES, Refused, read_push
from zalosync.refresh.rate import Rate
from zalosync.refresh.sift import Sifted, sift
from zalosync.refresh.trust import Guard, Trust

READ_SECONDS: Final = 10.0  # for a whole body
STORE_SECONDS: Final = 30.0
# The second is the path of the spec language's example: whoever follows that is not answered with 404.
PATHS: Final = ("/zalo/reports/{token}", "/zalo/{token}")
_STATUSES = {
    Refused.TYPE: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Refused.DEEP: HTTPStatus.BAD_REQUEST,
    Refused.MANY: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refused.SHAPE: HTTPStatus.BAD_REQUEST,
}


class _Answer(Exception):
    """The request is answered with this status."""

    def __init__(self, status: HTTPStatus, words: str = "") -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass(slots=True)
class Receiver:
    """Everything that a request is held against.

    Attributes:
        guard: what a push has to show.
        maker: knows this project's ids and proofs.
        intake: where believed reports go.
        clock: for rates and times.
        rate: how many requests are looked at.
        pseudonym: of a phone as on the wire.
        digest: keyed, of a raw row.
        counts: what happened so far.
    """

    guard: Guard
    maker: Maker
    intake: Intake
    clock: Clock
    rate: Rate
    pseudonym: Pseudonym
    digest: Digest
    counts: Counts

    def application(self) -> Starlette:
        """The ASGI application."""
        application = Starlette(
            routes=[
                *(Route(path, self._counted(self.reports), methods=["POST"]) for path in PATHS),
                Route("/healthz", self.healthz, methods=["GET"]),
                Route("/metrics", self.metrics, methods=["GET"]),
            ]
        )
        application.router.redirect_slashes = False  # who has no token learns of no path
        return application

    async def reports(self, request: Request) -> Response:
        """Take a push."""
        address = request.client.host if request.client else ""
        if not self.rate.allows(address, self.clock.monotonic()):
            raise _Answer(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests")
        if not self.guard.opens(request.path_params["token"]):
            raise _Answer(HTTPStatus.NOT_FOUND)
        body = await _body(request)
        trust = self.guard.trust(request.headers, body)
        if trust is Trust.WRONG:
            raise _Answer(HTTPStatus.UNAUTHORIZED, "these are not the subscription's credentials")
        rows = read_push(body, request.headers.get("content-type", ""), self.pseudonym, self.digest)
        if isinstance(rows, Refused):
            raise _Answer(_STATUSES[rows], f"not taken: {rows.name.lower()}")
        sifted = sift(rows.reports, self.maker, trusted=trust is Trust.SHOWN)
        if trust is Trust.NONE and self.guard.security != "none" and rows.reports and not sifted.proven:
            # A subscription without its credentials: the provider keeps the reports until somebody mends it.
            raise _Answer(HTTPStatus.UNAUTHORIZED, "neither credentials nor proofs")
        await self._store(rows, sifted)
        return PlainTextResponse("")

    async def _store(self, rows: Rows, sifted: Sifted) -> None:
        try:
            stored = self.intake.put(sifted)
            await asyncio.wait_for(asyncio.wrap_future(stored), STORE_SECONDS)
        except (Full, LedgerError, TimeoutError) as error:
            # Too late, it may be stored yet: the provider pushes it again, and it is known by then.
            raise _Answer(HTTPStatus.SERVICE_UNAVAILABLE, "no room for reports now") from error
        reports = self.counts.reports
        reports["unusable"] += rows.left_out
        for why, _ in sifted.aside:
            reports[why.word] += 1
        if sifted.ours:
            self.counts.last = int(self.clock.now().timestamp())

    async def healthz(self, _request: Request) -> Response:
        """Whether pushes can be taken."""
        healthy = self.intake.healthy
        status = HTTPStatus.OK if healthy else HTTPStatus.SERVICE_UNAVAILABLE
        return PlainTextResponse("ok\n" if healthy else "no reports can be stored\n", status)

    async def metrics(self, _request: Request) -> Response:
        """What was counted."""
        intake = self.intake
        page = exposition(
            self.counts,
            stored=intake.stored,
            repeated=intake.repeated,
            waiting=intake.waiting,
            healthy=intake.healthy,
        )
        return Response(page, media_type=CONTENT_TYPE)

    def _counted(
        self, handle: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Answer as the handler says, and count the answer. Nothing of a request is ever said back."""

        async def answer(request: Request) -> Response:
            try:
                response = await handle(request)
            except _Answer as refused:
                headers = {"Retry-After": "1"} if refused.status == HTTPStatus.SERVICE_UNAVAILABLE else None
                response = PlainTextResponse(refused.words, refused.status, headers)
            except ClientDisconnect:
                response = PlainTextResponse("", HTTPStatus.BAD_REQUEST)
            self.counts.requests[response.status_code] += 1
            return response

        return answer


async def _body(request: Request) -> bytes:
    """The whole body, while it is small enough and comes in time."""
    if request.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise _Answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not taken: encoded")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "not taken: too large")
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MOST_BYTES:
                    raise _Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "not taken: too large")
    except TimeoutError as error:
        raise _Answer(HTTPStatus.REQUEST_TIMEOUT, "not taken: too slow") from error
    return bytes(body)
