"""POST /zalo/2/messages: from the bytes of a body to accepted messages, all in one transaction.

Nothing is taken when the body breaks the contract. What is right in form but refused for itself (a duplicate
id, a bad destination, a sender that is not ours, no credit) becomes a rejected row of the same answer.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from zalosync.sandbox import answers, checks, codes, delivery, schedule
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.ids import ids_of, made_up_id, taken_before
from zalosync.sandbox.message import INSERT, MICRO, Message, Outcome, is_destination
from zalosync.sandbox.turn import HONEST, Ask
from zalosync.sandbox.validate import Violation, parse_date
from zalosync.sandbox.world import World

_LATER_MS: Final = 1000  # after which a report refuses what the answer took
# What a message keeps for the rest of its life: key of the request, name in the store.
_OF_OPTIONS: Final = (
    ("encrypted", "encrypted"),
    ("smsFailover", "smsFailover"),
    ("sendingMode", "sendingMode"),
    ("deliveryTimeWindow", "window"),
)
_OF_WEBHOOKS: Final = ("callbackData", "contentType")
_OF_PLATFORM: Final = ("entityId", "applicationId")
_OF_PUSH: Final = (("url", "url"), ("intermediateReport", "intermediate"))
_INSERT: Final = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Taking:
    """One request on its way into the store."""

    world: World
    now: int
    bulk_id: str
    send_at: int
    interval: float
    turn: int  # place in the speed queue of the next message
    known: dict[str, int]  # message id -> how often it was taken before
    pending: dict[str, object]  # the status of every row that is taken
    ask: Ask = HONEST
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    to_check: list[tuple[int]] = field(default_factory=list)
    answer: list[dict[str, Any]] = field(default_factory=list)


def send(world: World, body: bytes, now: int, ask: Ask = HONEST) -> Reply:
    """Takes a request, all of it or as a fault asks."""
    parsed, wrong = read(world, body)
    return take(world, parsed, now, ask) if wrong is None else wrong


def read(world: World, body: bytes) -> tuple[dict[str, Any], Reply | None]:
    """The body as a checked object, or the answer that refuses it whole."""
    limit = world.settings.max_body_bytes
    if limit is not None and len(body) > limit:
        return {}, answers.api_error("E413")
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}, answers.api_error("E400", [("", "must be a JSON object")])
    violations = world.send_checker(parsed)
    if violations:
        return {}, answers.api_error("E400", violations)
    return parsed, None


def take(world: World, parsed: dict[str, Any], now: int, ask: Ask = HONEST) -> Reply:
    """Takes a checked request into the store and gives its answer."""
    settings = world.settings
    options = parsed.get("options") or {}
    plan = options.get("schedule") or {}
    send_at, late = _send_at(world, plan, now)
    violations = late + _cross_checks(world, parsed["messages"], plan)
    if violations:
        return answers.api_error("E400", violations)
    with world.write():
        number = world.store.count("requests_taken")
        bulk_id = plan.get("bulkId") or made_up_id(settings.seed, "bulk", number, 0)
        interval = schedule.interval_ms(plan.get("sendingSpeedLimit"))
        first = world.used(f"pace:{bulk_id}", 0) if interval and settings.pace_scope == "bulk" else 0
        ids = ids_of(settings.seed, number, parsed["messages"], clip=settings.long_ids == "clip")
        known = taken_before(world, ids, now)
        pending = codes.STATUSES[(1, settings.accepted_status)].status()
        taking = Taking(world, now, bulk_id[:100], send_at, interval, first, known, pending, ask)
        place = 0
        for entry in parsed["messages"]:
            for destination in entry["destinations"]:
                _take_one(taking, entry, destination["to"], ids[place], place)
                place += 1
        _store(taking)
        if interval and settings.pace_scope == "bulk":
            world.set_used(f"pace:{bulk_id}", 0, taking.turn)
    return answers.ok({"bulkId": taking.bulk_id, "messages": taking.answer})


def _send_at(world: World, plan: dict[str, Any], now: int) -> tuple[int, list[Violation]]:
    written = plan.get("sendAt")
    moment = parse_date(written) if written is not None else None
    if moment is None:
        return now, []
    if moment > now + schedule.MAX_AHEAD_MS:
        return now, [("options.schedule.sendAt", "must be at most 180 days in the future")]
    if moment < now and world.settings.past_send_at == "refuse":
        return now, [("options.schedule.sendAt", "must be in the future")]
    return max(moment, now), []


def _cross_checks(world: World, entries: list[dict[str, Any]], plan: dict[str, Any]) -> list[Violation]:
    """What the switches refuse beyond the shapes: foreign senders and bulk ids used before."""
    found: list[Violation] = []
    if world.settings.senders is not None and world.settings.unknown_sender == "400":
        found.extend(
            (f"messages[{index}].sender", "is not a sender of this account")
            for index, entry in enumerate(entries)
            if not world.has_sender(entry["sender"])
        )
    bulk_id = plan.get("bulkId")
    if bulk_id and world.settings.duplicate_bulk == "refuse":
        known = world.store.value("SELECT 1 FROM messages WHERE bulk_id = ? LIMIT 1", (bulk_id,))
        if known:
            found.append(("options.schedule.bulkId", "was used before"))
    return found


def _take_one(taking: Taking, entry: dict[str, Any], to: str, message_id: str, place: int) -> None:
    world, now, ask = taking.world, taking.now, taking.ask
    if ask.only is not None and place not in ask.only:
        if ask.answer_all:
            taking.answer.append({"messageId": message_id, "status": taking.pending, "destination": to})
        return
    settings = world.settings
    content = entry["content"]
    template = content.get("templateName") if content["type"] == "TEMPLATE" else None
    options = _kept_options(entry)
    before = taking.known.get(message_id, 0)
    seq = world.store.next_seq
    world.store.next_seq = seq + 1
    turn_at = taking.send_at + int(taking.turn * taking.interval)
    slot = schedule.slot(
        settings, entry.get("options") or {}, accepted_at=now, send_at=taking.send_at, turn_at=turn_at
    )
    message = Message(
        seq,
        message_id,
        entry["sender"],
        to,
        template,
        before,
        now,
        slot.leaves_at,
        slot.expires_at,
        options,
    )
    cause = ask.cause if place in ask.refuse else _refusal(taking, message)
    if cause:
        _refuse(taking, message, cause)
        return
    taking.turn += 1
    later = _refusal_later(taking, message)
    if later:
        taking.outcomes.extend(delivery.refused(world, message, later, now + _LATER_MS, report=True))
        _keep(taking, message, 0, None, None)
    else:
        taking.known[message_id] = before + 1
        message.values = content.get("templateData") or {}
        message.sealed = bool(options.get("encrypted"))
        due, kept = _begin(taking, message, content)
        _keep(taking, message, 1, due, kept)
    taking.answer.append({"messageId": message_id, "status": taking.pending, "destination": to})


def _refusal(taking: Taking, message: Message) -> str | None:
    """Why the answer itself refuses a message, or None."""
    world = taking.world
    if not message.to:
        return "missing_to"
    if not world.has_sender(message.sender):
        return "unknown_sender"
    if world.settings.bad_destination == "row" and not is_destination(message.to):
        return "bad_phone"
    if message.taken_before:
        world.store.count("duplicates")
        if world.settings.duplicates == "reject_in_response":
            return "duplicate"
    if world.settings.balance is not None:
        cost = round(world.settings.price * MICRO)
        if world.store.counter("spent") + cost > world.settings.balance * MICRO:
            return "no_credit"
        world.store.count("spent", cost)
    return None


def _refusal_later(taking: Taking, message: Message) -> str | None:
    """Why a message that the answer takes is never sent: told by a report a moment later."""
    if message.taken_before and taking.world.settings.duplicates == "reject_async":
        return "duplicate"
    late = taking.world.settings.bad_destination == "report"
    return "bad_phone" if late and not is_destination(message.to) else None


def _refuse(taking: Taking, message: Message, cause: str) -> None:
    """A rejected row of the answer; whether logs and reports show it too is a switch."""
    settings = taking.world.settings
    taking.world.store.count("refused_in_answer")
    shown = settings.refused_rows
    if cause == "duplicate":
        shown = "both" if settings.duplicate_own_row else "none"
    _keep(taking, message, 0, None, None)
    if shown != "none":
        report = shown == "both"
        taking.outcomes.extend(delivery.refused(taking.world, message, cause, taking.now, report=report))
    group, status, _ = codes.CAUSES[cause]
    row = {"messageId": message.message_id, "status": codes.STATUSES[(group, status)].status()}
    taking.answer.append(row | {"destination": message.to})


def _begin(taking: Taking, message: Message, content: dict[str, Any]) -> tuple[int | None, bytes | None]:
    """Starts the life of a message: when it is looked at next, and what of its content is kept until then."""
    world = taking.world
    kept = orjson.dumps(content)
    if message.sealed:
        if checks.wanted(world, message):
            taking.to_check.append((message.seq,))
            return None, kept  # the checker settles it, once it knows whether the values can be read
        message.undecryptable = not checks.plausible(world, message)
    if message.leaves_at is not None and message.leaves_at > taking.now:
        world.wake(message.leaves_at)
        return message.leaves_at, kept
    taking.outcomes.extend(delivery.settle(world, message, taking.now))
    return None, None if message.sealed else kept


def _kept_options(entry: dict[str, Any]) -> dict[str, Any]:
    """What the rest of the life needs of options and webhooks; empty for a plain message."""
    options = entry.get("options") or {}
    webhooks = entry.get("webhooks") or {}
    if not options and not webhooks:
        return {}
    found = {name: options[key] for key, name in _OF_OPTIONS if options.get(key)}
    found |= {key: webhooks[key] for key in _OF_WEBHOOKS if webhooks.get(key) is not None}
    platform = options.get("platform")
    if platform:
        found |= {key: platform[key] for key in _OF_PLATFORM if platform.get(key) is not None}
    push = webhooks.get("delivery")
    if push:
        found |= {name: push[key] for key, name in _OF_PUSH if push.get(key)}
        if push.get("notify") is False:
            found["notify"] = False
    return found


def _keep(taking: Taking, message: Message, accepted: int, due: int | None, content: bytes | None) -> None:
    taking.messages.append(
        (
            message.seq,
            message.message_id,
            taking.bulk_id,
            message.sender,
            message.to,
            message.template,
            accepted,
            message.taken_before,
            message.accepted_at,
            message.leaves_at,
            message.expires_at,
            due,
            orjson.dumps(message.options) if message.options else None,
            content,
        )
    )


def _store(taking: Taking) -> None:
    store = taking.world.store
    store.run_many(_INSERT, taking.messages)
    store.run_many(INSERT, taking.outcomes)
    store.run_many("INSERT INTO checks (message, state) VALUES (?, 0)", taking.to_check)
    store.count("accepted", sum(1 for row in taking.messages if row[6]))
