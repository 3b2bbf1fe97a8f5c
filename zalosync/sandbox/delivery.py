"""What becomes of a message once it leaves: Zalo's checks, its fate, the failover SMS, and the price of each.

`settle` is a function of the message, the switches and the quotas. It gives the rows that logs and reports
will show, all of them at once, each with the time from which it can be seen.
"""

from typing import Final

from zalosync.sandbox import codes, failover, fates, zalo
from zalosync.sandbox.message import MICRO, ZALO, Message, Outcome
from zalosync.sandbox.world import World

_SEEN_SHARE: Final = 0.5  # of the messages without a report from Zalo that arrived all the same
_DELIVERED: Final = frozenset({"delivered", "silent"})
_WAITING: Final = frozenset({"expired", "no_report"})


def settle(world: World, message: Message, at: int) -> list[Outcome]:
    """All rows of a message that leaves at `at`, or that never left and ends at its `expires_at`."""
    settings = world.settings
    numbers = fates.draw(settings.seed, message.message_id, message.taken_before)
    if message.leaves_at is None:
        return _rows(world, message, numbers, _outcome(world, message, "never_left", at, message.expires_at))
    verdict = zalo.judge(world, message, at)
    done_at = at + fates.delay_ms(settings, numbers)
    if verdict.cause is not None:
        return _rows(world, message, numbers, _outcome(world, message, verdict.cause, at, done_at))
    fate = fates.choose(settings, numbers, to=message.to, template=message.template, sender=message.sender)
    if fate in _WAITING:
        cap = settings.validity_cap_ms
        done_at = message.expires_at if cap is None else min(message.expires_at, at + cap)
    elif done_at > message.expires_at:
        fate, done_at = "expired", message.expires_at
    got = fate in _DELIVERED or (fate == "no_report" and numbers.sample < _SEEN_SHARE)
    price = verdict.price if fate in _DELIVERED else 0
    return _rows(world, message, numbers, _outcome(world, message, fate, at, done_at, price=price, got=got))


def refused(world: World, message: Message, cause: str, at: int, *, report: bool) -> list[Outcome]:
    """The row of a message that was refused without leaving; a duplicate may be charged all the same."""
    charged = cause == "duplicate" and world.settings.duplicate_charged
    price = round(world.settings.price * MICRO) if charged else 0
    row = _outcome(world, message, cause, at, at, price=price)
    return _marked(world, message, [row if report else row._replace(report_due=None)])


def _outcome(
    world: World,
    message: Message,
    cause: str,
    sent_at: int,
    done_at: int,
    *,
    price: int = 0,
    got: bool = False,
) -> Outcome:
    group, status, error = codes.of(cause, world.settings.codes)
    told = cause != "silent" and message.options.get("notify", True)
    due = done_at if told else None
    return Outcome(
        message.seq, ZALO, 1, group, status, error, sent_at, done_at, due, None, price, 1, int(got)
    )


def _rows(world: World, message: Message, numbers: fates.Draw, last: Outcome) -> list[Outcome]:
    """The final row, before it the intermediate one where it is wanted, after it the failover SMS."""
    settings = world.settings
    rows = [last]
    wanted = settings.intermediate_reports or message.options.get("intermediate")
    if wanted and last.report_due is not None and message.leaves_at is not None:
        rows.insert(0, _handed_over(last))
    if message.options.get("smsFailover") and last.status_group != codes.DELIVERED:
        sent = failover.sms(world, message, numbers, last)
        if sent is not None:
            if settings.failover_reports == "final":
                rows[-1] = last._replace(report_due=None)
            rows.append(sent)
    return _marked(world, message, rows)


def _handed_over(last: Outcome) -> Outcome:
    """Status 2 a while before the end: it stands in group DELIVERED and is not final."""
    group, status, error = codes.CAUSES["operator"]
    at = last.sent_at + (last.done_at - last.sent_at) // 3
    return last._replace(
        final=0, status_group=group, status=status, error=error, done_at=at, report_due=at, price=0, got=0
    )


def _marked(world: World, message: Message, rows: list[Outcome]) -> list[Outcome]:
    """The same rows, to be pushed where somebody listens."""
    if world.settings.push.url is None and not message.options.get("url"):
        return rows
    world.wake(rows[0].done_at)
    return [row if row.report_due is None else row._replace(pushed=0) for row in rows]
