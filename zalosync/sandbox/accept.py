"""POST /zalo/2/messages: from the bytes of a body to accepted messages, all in one transaction.

Nothing is taken when the body breaks the contract. What is right in form but refused for itself (a duplicate
id, a bad destination, a sender that is not ours, no credit) becomes a rejected row of the same answer.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from zalosync.sandbox import answers, checks, codes, delivery, schedule, spared
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
_KEPT: Final = frozenset((*(key for key, _ in _OF_OPTIONS), "platform"))
_SAYS_NOTHING: Final = frozenset({"notify"})
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
    new: set[str] = field(default_factory=set)  # ids that this request was the first to bring
    ask: Ask = HONEST
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    to_check: list[tuple[int]] = field(default_factory=list)
    answer: list[dict[str, Any]] = field(default_factory=list)


def send(world: World, body: bytes, now: int, ask: Ask = HONEST) -> Reply:
    """Takes a request, all of it or as a fault asks."""
    parsed, wrong, violations = read(world, body)
    if wrong is None:
        return take(world, parsed, now, ask)
    mode = world.settings.invalid_message
    bad = spared.invalid(violations) if mode != "request" else None
    if bad is None:
        return wrong
    entries = parsed["messages"]
    rest = [entry for place, entry in enumerate(entries) if place not in bad]
    reply = take(world, parsed | {"messages": rest}, now, ask)
    if reply.status != answers.OK or mode == "partial":
        return wrong if reply.status == answers.OK else reply
    return spared.with_rows(world, reply, [entries[place] for place in sorted(bad)])


def read(world: World, body: bytes) -> tuple[dict[str, Any], Reply | None, list[Violation]]:
    """The body as an object, the answer that refuses it whole, and what is wrong with it."""
    limit = world.settings.max_body_bytes
    if limit is not None and len(body) > limit:
        return {}, answers.api_error("E413"), []
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}, answers.api_error("E400", [("", "must be a JSON object")]), []
    violations = world.send_checker(parsed)
    if violations:
        return parsed, answers.api_error("E400", violations), violations
    return parsed, None, []


def take(world: World, parsed: dict[str, Any], now: int, ask: Ask = HONEST) -> Reply:
    """Takes a checked request into the store and gives its answer."""
    settings = world.settings
    options = parsed.get("options") or {}
    plan = options.get("schedule") or {}
    send_at, late = _send_at(world, plan, now)
    violations = late + spared.beyond_shapes(world, parsed["messages"], plan)
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
        taking = Taking(world, now, bulk_id[:100], send_at, interval, first, known, pending, ask=ask)
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
    sealed = bool(options.get("encrypted"))
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
        content.get("templateData") or {},
        sealed,
    )
    cause = ask.cause if place in ask.refuse else _refusal(taking, message, content)
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
        if not before:
            taking.new.add(message_id)
        due, kept = _begin(taking, message, content)
        _keep(taking, message, 1, due, kept)
    taking.answer.append({"messageId": message_id, "status": taking.pending, "destination": to})


def _refusal(taking: Taking, message: Message, content: dict[str, Any]) -> str | None:
    """Why the answer itself refuses a message, or None."""
    world = taking.world
    settings = world.settings
    if not message.to:
        return "missing_to"
    if not world.has_sender(message.sender):
        return "unknown_sender"
    if settings.bad_destination == "row" and not is_destination(message.to):
        return "bad_phone"
    if message.taken_before:
        world.store.count("duplicates")
        if settings.duplicates == "reject_in_response" and not _forgiven(taking, message):
            return _duplicate(world)
    if world.filters_floods and spared.floods(world, message.to, content, taking.now):
        return "flooding"
    if settings.balance is not None:
        cost = round(settings.price * MICRO)
        if world.store.counter("spent") + cost > settings.balance * MICRO:
            return "no_credit"
        world.store.count("spent", cost)
    return None


def _refusal_later(taking: Taking, message: Message) -> str | None:
    """Why a message that the answer takes is never sent: told by a report a moment later."""
    late_duplicates = taking.world.settings.duplicates == "reject_async"
    if message.taken_before and late_duplicates and not _forgiven(taking, message):
        return _duplicate(taking.world)
    late = taking.world.settings.bad_destination == "report"
    return "bad_phone" if late and not is_destination(message.to) else None


def _forgiven(taking: Taking, message: Message) -> bool:
    """Whether an id that came first in this very request may come again in it."""
    return taking.world.settings.duplicates_in_request == "take" and message.message_id in taking.new


def _duplicate(world: World) -> str:
    """The cause of a refused duplicate, which may cost something all the same."""
    if world.settings.duplicate_charged:
        world.store.count("duplicates_charged")
        world.store.count("duplicates_price", round(world.settings.price * MICRO))
    return "duplicate"


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
    group, status, _ = codes.of(cause, settings.codes)
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
    options = entry.get("options")
    webhooks = entry.get("webhooks")
    found: dict[str, Any] = {}
    if options and not _KEPT.isdisjoint(options):  # most messages have nothing that is kept
        found = {name: options[key] for key, name in _OF_OPTIONS if options.get(key)}
        platform = options.get("platform")
        if platform:
            found |= {key: platform[key] for key in _OF_PLATFORM if platform.get(key) is not None}
    if not webhooks:
        return found
    found |= {key: webhooks[key] for key in _OF_WEBHOOKS if webhooks.get(key) is not None}
    push = webhooks.get("delivery")
    if push and not push.keys() <= _SAYS_NOTHING:
        found |= {name: push[key] for key, name in _OF_PUSH if push.get(key)}
    if push and push.get("notify") is False:
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
