"""Time passes: messages leave when their moment comes, templates get their review. Driven by calls."""

from typing import Any, Final

import orjson

from zalosync.sandbox import checks, delivery, late, message, webhook
from zalosync.sandbox.message import Message
from zalosync.sandbox.world import World

_CHUNK: Final = 2000
_COLUMNS: Final = (
    "seq, message_id, sender, recipient, template, taken_before, accepted_at, leaves_at, expires_at, options,"
    " content, due"
)


def advance(world: World, now: int) -> None:
    """Everything that was to happen until `now` happens, in the order of its time."""
    if now < world.next_due:
        return
    arrives = late.take(world, now)
    while _leave(world, now) == _CHUNK:
        continue
    _review(world, now)
    to_push = webhook.gather(world, now)
    waiting = world.store.value(
        "SELECT min(t) FROM (SELECT min(due) t FROM messages WHERE due IS NOT NULL"
        " UNION ALL SELECT min(review_at) FROM templates)"
    )
    times = [each for each in (waiting, to_push, arrives) if each is not None]
    world.next_due = min(times, default=float("inf"))


def _leave(world: World, now: int) -> int:
    rows = world.store.rows(
        f"SELECT {_COLUMNS} FROM messages WHERE due IS NOT NULL AND due <= ? ORDER BY due, seq LIMIT ?",  # noqa: S608 - our own column names
        (now, _CHUNK),
    )
    if not rows:
        return 0
    with world.write():
        outcomes = []
        for row in rows:
            outcomes.extend(delivery.settle(world, _message(world, row[:-1]), row[-1]))
        world.store.run_many(message.INSERT, outcomes)
        world.store.run_many(
            "UPDATE messages SET due = NULL,"
            " content = iif(json_extract(options, '$.encrypted'), NULL, content) WHERE seq = ?",
            [(row[0],) for row in rows],
        )
    return len(rows)


def _message(world: World, row: tuple[Any, ...]) -> Message:
    *facts, options, content = row
    found = Message(*facts)
    found.options = orjson.loads(options) if options else {}
    found.sealed = bool(found.options.get("encrypted"))
    found.values = (orjson.loads(content).get("templateData") or {}) if content else {}
    if found.sealed:
        opened = checks.opened(world, found.seq)
        if opened is None:
            found.undecryptable = not checks.plausible(world, found)
        else:
            state, found.values = opened
            found.sealed = False
            found.undecryptable = state == checks.UNREADABLE
    return found


def _review(world: World, now: int) -> None:
    due = world.store.value("SELECT count(*) FROM templates WHERE review_at <= ?", (now,))
    if not due:
        return
    verdict = world.settings.review_verdict
    world.contracts.clear()
    reason = "" if verdict == "ENABLE" else "The content does not follow the rules."
    with world.store.write():
        world.store.run(
            "UPDATE templates SET status = ?, reason = ?, review_at = NULL WHERE review_at <= ?",
            (verdict, reason, now),
        )
