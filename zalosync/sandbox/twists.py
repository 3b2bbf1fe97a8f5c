"""Faults that change what happens: partial acceptance, duplicates, late logs, other keys."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import orjson

from zalosync.sandbox import decrypt
from zalosync.sandbox.answers import Reply, Wire, api_error
from zalosync.sandbox.turn import HONEST, KEYS, SEND, Ask, Behaviour, Turn


def _kept(turn: Turn) -> frozenset[int]:
    return frozenset(range(len(turn.sent))) - turn.some_sent()


def _partial(turn: Turn) -> Reply:
    return turn.ask(Ask(only=_kept(turn)))


def _phantom(turn: Turn) -> Reply:
    return turn.ask(Ask(only=_kept(turn), answer_all=True))


def _partial_reset(turn: Turn) -> Reply:
    return replace(_partial(turn), wire=Wire("reset"))


def _partial_error(turn: Turn) -> Reply:
    _partial(turn)
    return api_error("E500")


def _row_rejected(turn: Turn) -> Reply:
    return turn.ask(Ask(refuse=turn.some_sent(), cause=turn.takes.cause))


def _switched(name: str, value: Any, turn: Turn) -> Reply:
    return turn.ask(Ask(switches={name: value}))


def _accepted_later(turn: Turn) -> Reply:
    return replace(turn.ask(Ask(later_ms=turn.takes.lag_ms)), wire=Wire("reset"))


def _late_logs(turn: Turn) -> Reply:
    return turn.ask(Ask(switches={"log_lag_ms": turn.takes.lag_ms}))


def _key(change: Callable[[str], str], turn: Turn) -> Reply:
    reply = turn.ask(HONEST)
    body = orjson.loads(reply.body)
    if "publicKey" not in body:
        return reply
    return replace(reply, body=orjson.dumps({"publicKey": change(body["publicKey"])}))


def _pem(key: str) -> str:
    lines = "\n".join(key[n : n + 64] for n in range(0, len(key), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"


def _foreign(_honest: str) -> str:
    return decrypt.public_text(decrypt.load_key(decrypt.new_key(2048)))


def _half(key: str) -> str:
    return key[: len(key) // 2]


_SHARE, _LAG = ("share",), ("lag_ms",)
TWISTS: Final[dict[str, Behaviour]] = {
    "partial-accept": Behaviour(SEND, "some messages are not taken, and not answered", _partial, _SHARE),
    "phantom-accept": Behaviour(
        SEND, "a lie: some messages are not taken, all are answered as taken", _phantom, _SHARE
    ),
    "partial-accept-then-reset": Behaviour(
        SEND, "some messages are not taken, then a reset", _partial_reset, _SHARE
    ),
    "partial-accept-then-500": Behaviour(
        SEND, "some messages are not taken, then 500", _partial_error, _SHARE
    ),
    "accepted-later": Behaviour(
        SEND,
        "a reset now; the request is taken `lag_ms` later, as if it had been under way",
        _accepted_later,
        _LAG,
    ),
    "row-rejected": Behaviour(
        SEND, "some messages are refused in the answer, by `cause`", _row_rejected, (*_SHARE, "cause")
    ),
    "duplicates-reject": Behaviour(
        SEND,
        "ids sent before are refused in the answer",
        partial(_switched, "duplicates", "reject_in_response"),
    ),
    "duplicates-later": Behaviour(
        SEND,
        "ids sent before are taken and refused by report",
        partial(_switched, "duplicates", "reject_async"),
    ),
    "duplicates-twice": Behaviour(
        SEND, "ids sent before are sent and charged again", partial(_switched, "duplicates", "accept_twice")
    ),
    "late-logs": Behaviour(("logs",), "the logs lag `lag_ms` behind", _late_logs, _LAG),
    "key-pem": Behaviour(KEYS, "the key comes with PEM armour", partial(_key, _pem)),
    "key-broken": Behaviour(KEYS, "the key is cut short", partial(_key, _half)),
    "key-foreign": Behaviour(KEYS, "another key than the one that opens values", partial(_key, _foreign)),
}
