"""Ids of messages and bulks: filled in where there are none, and looked up where they came before."""

from hashlib import blake2b
from typing import Any, Final

import orjson

from zalosync.sandbox.world import World

_FREED: Final = (
    " AND NOT EXISTS (SELECT 1 FROM outcomes o WHERE o.message = m.seq AND o.final AND o.channel = 0"
    " AND o.status_group IN (2, 4, 5) AND o.done_at <= ?3)"
)


def ids_of(seed: int, number: int, entries: list[dict[str, Any]], *, clip: bool) -> list[str]:
    """The message id of each destination, in order; made up where there is none."""
    ids = [str(d.get("messageId") or "") for entry in entries for d in entry["destinations"]]
    if "" in ids:
        ids = [each or made_up_id(seed, "message", number, place) for place, each in enumerate(ids)]
    return [each[:200] for each in ids] if clip else ids


def made_up_id(seed: int, kind: str, number: int, place: int) -> str:
    """An id in the form that the provider makes, from the seed and the place of the request."""
    digest = blake2b(f"{kind} {seed} {number} {place}".encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def taken_before(world: World, ids: list[str], now: int) -> dict[str, int]:
    """How often each id was taken before, as far as the sandbox remembers ids."""
    settings = world.settings
    since = -1 if settings.duplicate_window_ms is None else now - settings.duplicate_window_ms
    freed = _FREED if settings.failed_frees_id else ""
    rows = world.store.rows(
        "SELECT message_id, count(*) FROM messages m WHERE message_id IN (SELECT value FROM json_each(?1))"  # noqa: S608
        f" AND accepted = 1 AND accepted_at > ?2 AND ?3 IS NOT NULL{freed} GROUP BY message_id",
        (orjson.dumps(ids).decode(), since, now),
    )
    return dict(rows)
