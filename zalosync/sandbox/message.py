"""The two records of a message's life: what was accepted, and what came of it."""

import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

ZALO: Final = 0
SMS: Final = 1
CHANNELS: Final = ("ZALO_NOTIFICATION_SERVICE", "SMS")
MICRO: Final = 1_000_000  # prices are kept in millionths of the currency
_PHONE: Final = re.compile(r"[1-9][0-9]{7,14}")
_UID: Final = re.compile(r"[0-9]{16,20}")


@dataclass(slots=True)
class Message:
    """One message as the life after acceptance needs it."""

    seq: int
    message_id: str
    sender: str
    to: str
    template: int | None
    taken_before: int
    accepted_at: int
    leaves_at: int | None  # None: it never leaves, and ends at expires_at
    expires_at: int
    options: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)  # templateData, plain where it could be opened
    sealed: bool = False  # the values are still encrypted
    undecryptable: bool = False


class Outcome(NamedTuple):
    """One row of the table `outcomes`, without its number; times in milliseconds, price in millionths."""

    message: int
    channel: int
    final: int
    status_group: int
    status: int
    error: int
    sent_at: int
    done_at: int  # logs show it from here on
    report_due: int | None  # a pull hands it out from here on; None: no report, or it was handed out
    pushed: int | None  # 0: to be pushed; None: not by push
    price: int
    parts: int
    got: int  # whether it really arrived: the oracle's truth


INSERT: Final = (
    "INSERT INTO outcomes (message, channel, final, status_group, status, error, sent_at, done_at,"
    " report_due, pushed, price, count, got) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def is_phone(to: str) -> bool:
    """Whether `to` has the form of an international phone number without its plus."""
    return _PHONE.fullmatch(to) is not None


def is_user_id(to: str) -> bool:
    """Whether `to` has the form of a Zalo user id (19 digits in every example)."""
    return _UID.fullmatch(to) is not None


def is_destination(to: str) -> bool:
    """Whether `to` can be a destination at all."""
    return is_phone(to) or is_user_id(to)
