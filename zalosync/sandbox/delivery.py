"""What becomes of a message once it leaves: Zalo's checks, its fate, the failover SMS, and the price of each.

`settle` is a function of the message, the switches and the quotas; it gives the rows that logs and reports will show, all
of them at once, each with the time from which it can be seen.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from zalosync.sandbox import codes, contract, fates
from zalosync.sandbox.schedule import day_of, is_night, month_of, opens_at, period_ms
from zalosync.sandbox.world import World

ZALO: Final = 0
SMS: Final = 1
CHANNELS: Final = ("ZALO_NOTIFICATION_SERVICE", "SMS")
MICRO: Final = 1_000_000  # prices are kept in millionths of the currency
PHONE: Final = re.compile(r"[1-9][0-9]{7,14}")
UID: Final = re.compile(r"[0-9]{16,20}")
_GSM: Final = re.compile(r"[A-Za-z0-9 \r\n@!\"#$%&'()*+,\-./:;<=>?¡¿_£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉÄÖÑÜ§äöñüà]*")


@dataclass(slots=True)
class Message:
    """One accepted message as the life after acceptance needs it."""

    seq: int
    message_id: str
    sender: str
    to: str
    template: int | None
    taken_before: int
    accepted_at: int
    leaves_at: int | None
    expires_at: int
    options: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # templateData, plain where it could be decrypted
    sealed: bool = False  # the values are still encrypted
    undecryptable: bool = False


class Outcome(NamedTuple):
    """One row of the table `outcomes`, without its number."""

    message: int
    channel: int
    final: int
    status_group: int
    status: int
    error: int
    sent_at: int
    done_at: int
    report_due: int | None
    pushed: int | None
    price: int
    parts: int
    got: int


INSERT: Final = (
    "INSERT INTO outcomes (message, channel, final, status_group, status, error, sent_at, done_at, report_due, pushed,"
    " price, count, got) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def settle(world: World, message: Message, at: int) -> list[Outcome]:
    """All rows of a message that leaves at `at`, or that never left and ends at its `expires_at`."""
    settings = world.settings
    numbers = fates.draw(settings.seed, message.message_id, message.taken_before)
    price = round(settings.price * MICRO)
    if message.leaves_at is None:
        return _with_failover(world, message, numbers, _row(message, "never_left", at, message.expires_at))
    cause, price = _refused_by_zalo(world, message, at) or ("", price)
    if cause:
        done_at = at + fates.delay_ms(settings, numbers)
        return _with_failover(world, message, numbers, _row(message, cause, at, done_at))
    fate = fates.choose(settings, numbers, to=message.to, template=message.template, sender=message.sender)
    done_at = at + fates.delay_ms(settings, numbers)
    if fate in ("expired", "no_report"):
        cap = settings.validity_cap_ms
        done_at = message.expires_at if cap is None else min(message.expires_at, at + cap)
    elif done_at > message.expires_at:
        fate, done_at = "expired", message.expires_at
    got = fate in ("delivered", "silent") or (fate == "no_report" and numbers.sample < 0.5)
    zalo = _row(message, fate, at, done_at, price=price if fate in ("delivered", "silent") else 0, got=got)
    return _with_failover(world, message, numbers, zalo)


def refused(message: Message, cause: str, now: int, *, report: bool) -> Outcome:
    """The row of a message that the answer itself refused."""
    row = _row(message, cause, now, now)
    return row if report else row._replace(report_due=None)


def _row(
    message: Message, cause: str, sent_at: int, done_at: int, *, price: int = 0, got: bool = False
) -> Outcome:
    group, status, error = codes.CAUSES[cause]
    wanted = message.options.get("notify", True) and cause != "silent"
    due = done_at if wanted else None
    return Outcome(
        message.seq, ZALO, 1, group, status, error, sent_at, done_at, due, None, price, 1, int(got)
    )


def _with_failover(world: World, message: Message, numbers: fates.Draw, zalo: Outcome) -> list[Outcome]:
    settings = world.settings
    rows = []
    wants_steps = settings.intermediate_reports or message.options.get("intermediate")
    if (
        wants_steps
        and message.leaves_at is not None
        and zalo.status_group in (2, 3, 4)
        and zalo.report_due is not None
    ):
        group, status, error = codes.CAUSES["operator"]
        step = zalo.sent_at + (zalo.done_at - zalo.sent_at) // 3
        rows.append(
            zalo._replace(
                final=0,
                status_group=group,
                status=status,
                error=error,
                done_at=step,
                report_due=step,
                price=0,
                got=0,
            )
        )
    rows.append(zalo)
    failover = message.options.get("smsFailover")
    number = _failover_number(message, failover) if failover and zalo.status != 5 else None
    if failover is None or number is None:
        return rows
    sent_at = zalo.done_at
    if settings.window_binds_failover:
        sent_at = opens_at(message.options.get("window"), sent_at)
    delivered = numbers.sms < settings.sms_delivered_share
    group, status, error = codes.CAUSES["delivered" if delivered else "sms_absent"]
    done_at = sent_at + fates.delay_ms(settings, fates.Draw(0, numbers.sms, 0, 0))
    length = period_ms(failover.get("validityPeriod"), "MINUTES")
    if length is not None and done_at > sent_at + length:
        group, status, error = codes.CAUSES["validity"]
        delivered, done_at = False, sent_at + length
    parts = sms_parts(failover["text"])
    due = done_at if zalo.report_due is not None else None
    if settings.failover_reports == "final":
        rows[-1] = zalo._replace(report_due=None)
    price = round(settings.sms_price * MICRO)
    rows.append(
        Outcome(
            message.seq,
            SMS,
            1,
            group,
            status,
            error,
            sent_at,
            done_at,
            due,
            None,
            price,
            parts,
            int(delivered),
        )
    )
    return rows


def _failover_number(message: Message, failover: dict[str, Any]) -> str | None:
    for pair in failover.get("destinationMatching") or ():
        if pair["initial"] == message.to:
            return str(pair["failover"])
    return message.to if PHONE.fullmatch(message.to) and not UID.fullmatch(message.to) else None


def is_destination(to: str) -> bool:
    """Whether `to` has the form of an international phone number or of a Zalo user id."""
    return PHONE.fullmatch(to) is not None or UID.fullmatch(to) is not None


def sms_parts(body: str) -> int:
    """How many SMS a text takes: 160 or 153 of the GSM alphabet, else 70 or 67 UTF-16 units."""
    if _GSM.fullmatch(body):
        return 1 if len(body) <= 160 else -(-len(body) // 153)
    units = len(body.encode("utf-16-le", errors="surrogatepass")) // 2
    return 1 if units <= 70 else -(-units // 67)


def _refused_by_zalo(world: World, message: Message, at: int) -> tuple[str, int] | None:
    """Zalo's own reasons to refuse, in its order, or the price where it is not the usual one."""
    settings = world.settings
    if message.undecryptable:
        return "not_decrypted", 0
    tag = "TRANSACTION"
    usual = round(settings.price * MICRO)
    mode = message.options.get("sendingMode") or "REGULAR"
    if message.template is not None:
        found = contract.find(world, message.sender, message.template)
        if found is None or found.status != "ENABLE" or not _may_reach(found, message.to):
            return "bad_template", 0
        if contract.breach(found, message.values, encrypted=message.sealed, extra=settings.extra_parameters):
            return "bad_parameters", 0
        tag = found.tag
        if settings.night and tag in settings.night_tags and not found.otp and is_night(at):
            return "night", 0
        capped = found.daily_cap is not None
        if capped and not world.use(f"template:{found.id}", day_of(at), found.daily_cap):
            return "quota", 0
    if mode == "OVER_THE_LIMIT":
        if tag != "PROMOTION":
            return "bad_mode", 0
        usual = round(settings.over_limit_price * MICRO)
    if not world.use(f"daily:{message.sender}", day_of(at), settings.daily_quota):
        return "quota", 0
    if tag == "PROMOTION":
        if not world.use(f"user:{message.sender}:{message.to}", month_of(at), settings.promotion_cap):
            return "user_cap", 0
        within = mode == "OVER_THE_LIMIT" or world.use(
            f"promotion:{message.sender}", month_of(at), settings.monthly_promotion_quota
        )
        if not within and mode == "REGULAR":
            return "quota", 0
        if not within:
            usual = round(settings.over_limit_price * MICRO)
    return "", usual


def _may_reach(found: contract.Contract, to: str) -> bool:
    return not UID.fullmatch(to) or (found.uid_allowed and not found.otp)
