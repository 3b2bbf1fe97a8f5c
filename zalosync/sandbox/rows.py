"""How a stored outcome reads in a log, in a pulled report and in a pushed one."""

import re
from typing import Any, Final

import orjson

from zalosync.sandbox import codes
from zalosync.sandbox.message import CHANNELS, MICRO
from zalosync.sandbox.schedule import stamp

# One outcome with its message, as the reports need it.
REPORT_COLUMNS: Final = (
    "o.id, m.bulk_id, m.message_id, m.recipient, o.channel, o.sent_at, o.done_at, o.count, o.price,"
    " o.status_group, o.status, o.error, m.options"
)


_VIETNAMESE: Final = re.compile(r"84[0-9]{9}")


def report(row: tuple[Any, ...], currency: str) -> dict[str, Any]:
    """A delivery report; entity and application stand flat in it."""
    _, bulk_id, message_id, to, channel, sent_at, done_at, count, price, group, status, error, raw = row
    options = orjson.loads(raw) if raw else {}
    found = {
        "bulkId": bulk_id,
        "messageId": message_id,
        "to": to,
        "channel": CHANNELS[channel],
        "sentAt": stamp(sent_at),
        "doneAt": stamp(done_at),
        "messageCount": count,
        "mccMnc": mcc_mnc(to),
        "callbackData": options.get("callbackData"),
        "price": {"pricePerMessage": price / MICRO, "currency": currency},
        "status": codes.STATUSES[(group, status)].status(),
        "error": codes.ERRORS[error].error(),
        "entityId": options.get("entityId"),
        "applicationId": options.get("applicationId"),
    }
    return {name: value for name, value in found.items() if value is not None}


def mcc_mnc(to: str) -> str | None:
    """Network of a Vietnamese number (all get the same one), else nothing."""
    return "45201" if _VIETNAMESE.fullmatch(to) else None
