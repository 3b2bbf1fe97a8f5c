"""The SMS that goes out when Zalo failed or the period passed: number, parts, outcome, price."""

import re
from collections.abc import Iterator
from typing import Any, Final

from zalosync.sandbox import codes, fates
from zalosync.sandbox.message import MICRO, SMS, Message, Outcome, is_phone, is_user_id
from zalosync.sandbox.schedule import opens_at, period_ms
from zalosync.sandbox.validate import Violation
from zalosync.sandbox.world import World

_GSM: Final = re.compile(r"[A-Za-z0-9 \r\n@!\"#$%&'()*+,\-./:;<=>?¡¿_£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉÄÖÑÜ§äöñüà]*")
_GSM_ONE, _GSM_EACH = 160, 153  # characters of one SMS, and of each part of a longer one
_UCS2_ONE, _UCS2_EACH = 70, 67  # UTF-16 units


def sms(world: World, message: Message, numbers: fates.Draw, failed: Outcome) -> Outcome | None:
    """The failover SMS after a failed Zalo message, or None where there is no text or no number for it."""
    wish = message.options.get("smsFailover")
    if wish is None or _number(message.to, wish) is None:
        return None
    settings = world.settings
    sent_at = failed.done_at
    if settings.window_binds_failover:
        sent_at = opens_at(message.options.get("window"), sent_at, settings)
    cause = "delivered" if numbers.sms < settings.sms_delivered_share else "sms_absent"
    done_at = sent_at + fates.delay_ms(settings, fates.Draw(0, numbers.sms, 0, 0))
    length = period_ms(wish.get("validityPeriod"), "MINUTES")
    if length is not None and done_at > sent_at + length:
        cause, done_at = "validity", sent_at + length
    group, status, error = codes.of(cause, settings.codes)
    parts = sms_parts(wish["text"])
    return Outcome(
        message=message.seq,
        channel=SMS,
        final=1,
        status_group=group,
        status=status,
        error=error,
        sent_at=sent_at,
        done_at=done_at,
        report_due=None if failed.report_due is None else done_at,
        pushed=None,
        price=round(settings.sms_price * MICRO) * parts,
        parts=parts,
        got=int(cause == "delivered"),
    )


def _number(to: str, wish: dict[str, Any]) -> str | None:
    """The number it goes to: the matching one, else the destination itself if that is a phone."""
    for pair in wish.get("destinationMatching") or ():
        if pair["initial"] == to:
            return str(pair["failover"])
    return to if is_phone(to) and not is_user_id(to) else None


def without_number(entries: list[dict[str, Any]]) -> Iterator[Violation]:
    """Messages whose failover could go nowhere, for the switch that refuses them."""
    for index, entry in enumerate(entries):
        wish = (entry.get("options") or {}).get("smsFailover")
        if wish and any(_number(each["to"], wish) is None for each in entry["destinations"]):
            path = f"messages[{index}].options.smsFailover.destinationMatching"
            yield path, "must name a number for each user id"


def sms_parts(body: str) -> int:
    """How many SMS a text takes: 160 or 153 characters of the GSM alphabet, else 70 or 67 UTF-16 units."""
    if _GSM.fullmatch(body):
        return 1 if len(body) <= _GSM_ONE else -(-len(body) // _GSM_EACH)
    units = len(body.encode("utf-16-le", errors="surrogatepass")) // 2
    return 1 if units <= _UCS2_ONE else -(-units // _UCS2_EACH)
