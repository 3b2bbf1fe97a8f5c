"""Time passes: messages whose moment has come leave, templates get their review. Driven by calls, never by itself."""

from typing import Any, Final

import orjson

from zalosync.sandbox import checks, delivery
from zalosync.sandbox.delivery import Message
from zalosync.sandbox.world import World

_CHUNK: Final = 2000
_COLUMNS: Final = "seq, message_id, sender, recipient, template, taken_before, accepted_at, leaves_at, expires_at, options, content, due"


def advance(world: World, now: int) -> None:
    """Everything that was to happen until `now` happens, in the order of its time."""
    if now < world.next_due:
        return
    while _leave(world, now) == _CHUNK:
        pass
    _review(world, now)
    waiting = world.store.value(
        "SELECT min(t) FROM (SELECT min(due) t FROM messages WHERE due IS NOT NULL"
        " UNION ALL SELECT min(review_at) FROM templates)"
    )
    world.next_due = float("inf") if waiting is None else waiting


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
            message = _message(world, row[:-1])
            outcomes.extend(delivery.settle(world, message, row[-1]))
        world.store.run_many(delivery.INSERT, outcomes)
        world.store.run_many(
            "UPDATE messages SET due = NULL, content = CASE WHEN json_extract(options, '$.encrypted') THEN NULL"
            " ELSE content END WHERE seq = ?",
            [(row[0],) for row in rows],
        )
    return len(rows)


def _message(world: World, row: tuple[Any, ...]) -> Message:
    *facts, options, content = row
    message = Message(*facts)
    message.options = orjson.loads(options) if options else {}
    message.sealed = bool(message.options.get("encrypted"))
    message.values = (orjson.loads(content).get("templateData") or {}) if content else {}
    if message.sealed:
        opened = checks.opened(world, message.seq)
        if opened is None:
            message.undecryptable = not checks.plausible(world, message)
        else:
            state, message.values = opened
            message.sealed = False
            message.undecryptable = state == checks.UNREADABLE
    return message


def _review(world: World, now: int) -> None:
    due = world.store.value("SELECT count(*) FROM templates WHERE review_at <= ?", (now,))
    if not due:
        return
    verdict = world.settings.review_verdict
    reason = "" if verdict == "ENABLE" else "The content does not follow the rules."
    with world.store.write():
        world.store.run(
            "UPDATE templates SET status = ?, reason = ?, review_at = NULL WHERE review_at <= ?",
            (verdict, reason, now),
        )
