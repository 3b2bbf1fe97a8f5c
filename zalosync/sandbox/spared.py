"""What a switch makes of single messages of a request: broken or repeated ones, too many for one person."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import blake2b
from typing import Any, Final

import orjson

from zalosync.sandbox import checks, codes, failover
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.settings import HOUR_MS
from zalosync.sandbox.validate import Violation
from zalosync.sandbox.world import World

_PLACE: Final = re.compile(r"messages\[([0-9]+)\]")


def invalid(violations: Iterable[Violation]) -> frozenset[int] | None:
    """The places of the messages that are wrong, or None where the request itself is."""
    found = set()
    for path, _ in violations:
        place = _PLACE.match(path)
        if place is None:
            return None
        found.add(int(place[1]))
    return frozenset(found)


def with_rows(world: World, reply: Reply, entries: Iterable[Any]) -> Reply:
    """The answer with a rejected row for each destination of the broken messages that can be read at all."""
    group, status, _ = codes.of("malformed", world.settings.codes)
    told = codes.STATUSES[(group, status)].status()
    rows = []
    for entry in entries:
        listed = entry.get("destinations") if isinstance(entry, dict) else None
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and isinstance(each.get("to"), str):
                own = {"messageId": each["messageId"]} if isinstance(each.get("messageId"), str) else {}
                rows.append(own | {"status": told, "destination": each["to"]})
    with world.store.write():
        world.store.count("refused_in_answer", len(rows))
    body = orjson.loads(reply.body)
    return replace(reply, body=orjson.dumps(body | {"messages": body["messages"] + rows}))


def beyond_shapes(world: World, entries: list[dict[str, Any]], plan: dict[str, Any]) -> list[Violation]:
    """What the switches refuse beyond the shapes: foreign senders, ids that came before, wrong keys."""
    found: list[Violation] = []
    if world.settings.senders is not None and world.settings.unknown_sender == "400":
        found.extend(
            (f"messages[{index}].sender", "is not a sender of this account")
            for index, entry in enumerate(entries)
            if not world.has_sender(entry["sender"])
        )
    if world.settings.duplicates_in_request == "refuse":
        found.extend(_repeated(entries))
    if world.settings.failover_number == "refuse":
        found.extend(failover.without_number(entries))
    if world.settings.wrong_key == "refuse":
        found.extend(checks.unreadable(world, entries))
    bulk_id = plan.get("bulkId")
    if bulk_id and world.settings.duplicate_bulk == "refuse":
        known = world.store.value("SELECT 1 FROM messages WHERE bulk_id = ? LIMIT 1", (bulk_id,))
        if known:
            found.append(("options.schedule.bulkId", "was used before"))
    return found


def _repeated(entries: list[dict[str, Any]]) -> Iterator[Violation]:
    """Message ids that come twice in one request."""
    known: set[str] = set()
    for index, entry in enumerate(entries):
        for place, each in enumerate(entry["destinations"]):
            message_id = each.get("messageId")
            if message_id and message_id in known:
                yield f"messages[{index}].destinations[{place}].messageId", "must be unique"
            known.add(message_id)


def floods(world: World, to: str, content: dict[str, Any], now: int) -> bool:
    """Whether a destination has had its hour's share, of all messages or of this very one."""
    settings, hour = world.settings, now // HOUR_MS
    if settings.flood_same_per_hour is not None:
        same = blake2b(orjson.dumps([to, content], option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
        if not world.use(f"same:{same}", hour, settings.flood_same_per_hour):
            return True
    limit = settings.flood_per_hour
    return limit is not None and not world.use(f"flood:{to}", hour, limit)
