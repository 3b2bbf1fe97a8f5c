"""Faults that answer without asking, and faults that ask and then hide the answer.

The first kind takes nothing; the second takes everything and lets the caller guess.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import orjson

from zalosync.sandbox import answers
from zalosync.sandbox.answers import Reply, Wire, WireAction
from zalosync.sandbox.turn import ALL, CONNECT, HONEST, TAKING, Behaviour, Turn

_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>%d</h1><p>proxy</p></body></html>"
)
_REFUSALS: Final = (
    *(400, 401, 403, 404, 405, 406, 408, 409, 411, 413, 414, 415, 422, 425, 429, 499),
    *(500, 502, 503, 504),
)
_PAGES: Final = (200, 400, 401, 403, 404, 407, 413, 429, 500, 502, 503, 504)
_AFTER: Final = (400, 408, 409, 425, 429, 500, 502, 503, 504)
_PAGES_AFTER: Final = (200, 403, 500, 502, 504)
_OF_ERROR: Final = ("retry_after", "shape")


def _provider_error(status: int, turn: Turn) -> Reply:
    """A refusal in the provider's own shape, also for statuses it never sends."""
    old_shape = turn.old_shape if turn.takes.shape == "own" else turn.takes.shape == "old"
    if old_shape:
        body = orjson.loads(answers.api_exception(500).body)
        if status in answers.EXCEPTION_STATUSES:
            body = orjson.loads(answers.api_exception(status).body)
    else:
        code = f"E{status}" if f"E{status}" in answers.API_ERROR_CODES else "E500"
        body = orjson.loads(answers.api_error(code).body) | {"errorCode": f"E{status}"}
    reply = Reply(status, orjson.dumps(body))
    after = turn.takes.retry_after
    return reply if after is None else reply.with_header("retry-after", str(after))


def _page(status: int, _turn: Turn) -> Reply:
    return Reply(status, _PAGE % (status, status), (("content-type", "text/html"),))


def _redirect(_turn: Turn) -> Reply:
    return Reply(307, b"", (("location", "http://127.0.0.1:9/elsewhere"),))


def _empty(status: int, _turn: Turn) -> Reply:
    return Reply(status, b"", ())


def _silent(action: WireAction, _turn: Turn) -> Reply:
    return Reply(500, wire=Wire(action))


def _interim_only(_turn: Turn) -> Reply:
    return Reply(500, wire=Wire("close", interim=True))


def _after(act: Callable[[Turn], Reply], turn: Turn) -> Reply:
    """The honest thing happens, and the answer is that of another fault."""
    turn.ask(HONEST)
    return act(turn)


def _hide(action: WireAction, turn: Turn) -> Reply:
    return replace(turn.ask(HONEST), wire=Wire(action, keep=turn.takes.keep))


def _slow(turn: Turn) -> Reply:
    return replace(turn.ask(HONEST), wire=Wire(delay_ms=turn.takes.delay_ms))


def _drip(turn: Turn) -> Reply:
    return replace(turn.ask(HONEST), wire=Wire(drip_ms=turn.takes.drip_ms))


def _interim_first(turn: Turn) -> Reply:
    return replace(turn.ask(HONEST), wire=Wire(interim=True))


NOTHING_TAKEN: Final[dict[str, Behaviour]] = {
    **{
        f"refuse-{status}": Behaviour(
            ALL,
            f"{status} with the provider's error body, nothing is taken",
            partial(_provider_error, status),
            _OF_ERROR,
        )
        for status in _REFUSALS
    },
    **{
        f"html-{status}": Behaviour(
            ALL,
            f"{status} with an HTML page of something in between, nothing is taken",
            partial(_page, status),
        )
        for status in _PAGES
    },
    "redirect": Behaviour(ALL, "307 to another address, nothing is taken", _redirect),
    "empty-503": Behaviour(ALL, "503 without a body, nothing is taken", partial(_empty, 503)),
    "reset-on-connect": Behaviour(
        CONNECT, "the connection is reset when it opens", partial(_silent, "reset")
    ),
    "close-on-connect": Behaviour(
        CONNECT, "the connection is closed when it opens", partial(_silent, "close")
    ),
    "reset-before-reading": Behaviour(
        ALL, "reset after the headers, the body is not read", partial(_silent, "reset"), before_body=True
    ),
    "close-before-reading": Behaviour(
        ALL, "closed after the headers, the body is not read", partial(_silent, "close"), before_body=True
    ),
    "hang-before-reading": Behaviour(
        ALL, "the body is never read, nothing is answered", partial(_silent, "hang"), before_body=True
    ),
    "reset-unaccepted": Behaviour(ALL, "read, nothing is taken, then a reset", partial(_silent, "reset")),
    "close-unaccepted": Behaviour(
        ALL, "read, nothing is taken, then an orderly end", partial(_silent, "close")
    ),
    "hang-unaccepted": Behaviour(ALL, "read, nothing is taken, then silence", partial(_silent, "hang")),
    "interim-only": Behaviour(ALL, "103 and then the end, nothing is taken", _interim_only),
}

TAKEN_THEN: Final[dict[str, Behaviour]] = {
    "accepted-then-reset": Behaviour(TAKING, "everything is taken, then a reset", partial(_hide, "reset")),
    "accepted-then-close": Behaviour(
        TAKING, "everything is taken, then an orderly end without an answer", partial(_hide, "close")
    ),
    "accepted-then-hang": Behaviour(TAKING, "everything is taken, then silence", partial(_hide, "hang")),
    "cut-headers": Behaviour(
        ALL, "everything is taken, the answer ends within its headers", partial(_hide, "cut_headers")
    ),
    "cut-body": Behaviour(
        ALL,
        "everything is taken, the answer ends after `keep` bytes of its body",
        partial(_hide, "cut_body"),
        ("keep",),
    ),
    **{
        f"accepted-then-{status}": Behaviour(
            TAKING,
            f"everything is taken, then {status} with the provider's error body",
            partial(_after, partial(_provider_error, status)),
            _OF_ERROR,
        )
        for status in _AFTER
    },
    **{
        f"accepted-then-html-{status}": Behaviour(
            TAKING,
            f"everything is taken, then {status} with an HTML page",
            partial(_after, partial(_page, status)),
        )
        for status in _PAGES_AFTER
    },
    "slow": Behaviour(ALL, "everything is taken at once, the answer waits `delay_ms`", _slow, ("delay_ms",)),
    "drip": Behaviour(ALL, "the answer comes byte by byte, one each `drip_ms`", _drip, ("drip_ms",)),
    "interim-first": Behaviour(ALL, "103 comes before the answer", _interim_first),
}
