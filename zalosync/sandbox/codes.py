"""Statuses, errors and causes by number: the tables an answer is filled from.

Numbers and names are Infobip's public status and error codes; which code a failure at Zalo gets is not
published, so `CAUSES` is our suggestion and the one place to change it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """A status or an error as it stands in a row: group, number, name, text."""

    group_id: int
    group: str
    id: int
    name: str
    text: str
    permanent: bool = False

    def status(self) -> dict[str, object]:
        """The `status` object of a response, report or log row."""
        return {
            "groupId": self.group_id,
            "groupName": self.group,
            "id": self.id,
            "name": self.name,
            "description": self.text,
        }

    def error(self) -> dict[str, object]:
        """The `error` object of a report or log row."""
        return {**self.status(), "permanent": self.permanent}


PENDING, DELIVERED = 1, 3
GROUPS: Final = {1: "PENDING", 2: "UNDELIVERABLE", 3: "DELIVERED", 4: "EXPIRED", 5: "REJECTED"}

_STATUSES: Final = (
    (1, 3, "PENDING_WAITING_DELIVERY", "Message has been processed and sent to the next instance"),
    (1, 7, "PENDING_ENROUTE", "Message sent to next instance"),
    (1, 26, "PENDING_ACCEPTED", "Pending Accepted"),
    (2, 4, "UNDELIVERABLE_REJECTED_OPERATOR", "Message rejected by operator"),
    (2, 9, "UNDELIVERABLE_NOT_DELIVERED", "Message sent not delivered"),
    (2, 31, "UNDELIVERABLE_NOT_SENT", "Message was not sent"),
    (3, 2, "DELIVERED_TO_OPERATOR", "Message delivered to operator"),
    (3, 5, "DELIVERED_TO_HANDSET", "Message delivered to handset"),
    (4, 15, "EXPIRED_EXPIRED", "Message expired"),
    (4, 29, "EXPIRED_DLR_UNKNOWN", "Expired DLR Unknown"),
    (4, 87, "SIGNALS_BLOCKED", "Message was blocked by the anti-fraud filter"),
    (5, 6, "REJECTED_NETWORK", "Network is forbidden"),
    (5, 8, "REJECTED_PREFIX_MISSING", "Number prefix missing"),
    (5, 10, "REJECTED_DND", "Destination is on a do-not-disturb list"),
    (5, 11, "REJECTED_SOURCE", "Invalid Source address"),
    (5, 12, "REJECTED_NOT_ENOUGH_CREDITS", "Not enough credits"),
    (5, 13, "REJECTED_SENDER", "Sender is blocklisted"),
    (5, 14, "REJECTED_DESTINATION_BLOCKLISTED", "Destination is blocklisted"),
    (5, 18, "REJECTED_DESTINATION_NOT_REGISTERED", "Destination not registered"),
    (5, 20, "REJECTED_FLOODING_FILTER", "Too many messages to this destination"),
    (5, 21, "REJECTED_SYSTEM_ERROR", "Message rejected by a system error"),
    (5, 23, "REJECTED_DUPLICATE_MESSAGE_ID", "Message ID was already used"),
    (5, 51, "MISSING_TO", "The destination address is missing"),
    (5, 52, "REJECTED_DESTINATION", "Invalid destination address"),
    (5, 100, "UNDELIVERABLE_REJECTED_PLATFORM", "Message rejected by the platform"),
)

# Keyed by (group, number): number 87 stands in two groups, so the number alone is not a key.
STATUSES: Final[dict[tuple[int, int], Code]] = {
    (group, number): Code(group, GROUPS[group], number, name, text) for group, number, name, text in _STATUSES
}

_ERRORS: Final = (
    (0, "OK", 0, "NO_ERROR", "No Error", False),
    (2, "USER_ERRORS", 351, "EC_INVALID_DESTINATION_ADDRESS", "Invalid destination address", False),
    (2, "USER_ERRORS", 603, "EC_CONTENT_BLOCKED", "User opted out", True),
    (2, "USER_ERRORS", 4100, "EC_MESSAGE_CANCELED", "Message cancelled", True),
    (2, "USER_ERRORS", 4101, "EC_VALIDITY_EXPIRED", "Validity period expired", True),
    (1, "HANDSET_ERRORS", 27, "EC_ABSENT_SUBSCRIBER", "Absent Subscriber", False),
    (1, "HANDSET_ERRORS", 7002, "EC_UNKNOWN_USER", "Unknown user", True),
    (1, "HANDSET_ERRORS", 7003, "EC_BLOCKED_USER", "User blocked the sender", True),
    (1, "HANDSET_ERRORS", 7006, "EC_BAD_REQUEST", "Bad request", True),
    (1, "HANDSET_ERRORS", 7008, "EC_INVALID_TEMPLATE_ARGS", "Invalid template arguments", True),
    (1, "HANDSET_ERRORS", 7009, "EC_INVALID_TEMPLATE", "Invalid template", True),
    (1, "HANDSET_ERRORS", 7019, "EC_PROVIDER_BILLING_ERROR", "Billing problem at the provider", True),
    (1, "HANDSET_ERRORS", 7024, "EC_NOT_ALLOWED_SENDING_TIME", "Sending is not allowed at this time", False),
    (
        1,
        "HANDSET_ERRORS",
        7025,
        "EC_UNSUPPORTED_MOBILE_APP_VERSION",
        "Application of the user is too old",
        True,
    ),
    (1, "HANDSET_ERRORS", 7026, "EC_MESSAGE_TYPE_EXHAUSTED", "Quota of this message type is used up", True),
    (1, "HANDSET_ERRORS", 7032, "EC_FREQUENCY_CAPPING", "Too many messages to this user", True),
    (2, "USER_ERRORS", 7050, "EC_PROVIDER_INTERNAL_ERROR", "Internal error at the provider", False),
    (2, "USER_ERRORS", 7052, "EC_PROVIDER_DR_ERROR", "No delivery report from the provider", True),
    (3, "OPERATOR_ERRORS", 7081, "EC_CONFIGURATION_ERROR", "Sender is not configured", True),
    (3, "OPERATOR_ERRORS", 7280, "EC_DUPLICATE_REQUEST", "Duplicate request", True),
)
ERRORS: Final[dict[int, Code]] = {
    number: Code(group, group_name, number, name, text, permanent)
    for group, group_name, number, name, text, permanent in _ERRORS
}

# Cause -> (status group, status, error): our reading of which code a failure gets (nothing of this is
# published).
CAUSES: Final[dict[str, tuple[int, int, int]]] = {
    "delivered": (3, 5, 0),
    "operator": (3, 2, 0),  # handed over; the only intermediate state that is reported
    "bad_phone": (5, 52, 351),
    "missing_to": (5, 51, 351),
    "malformed": (5, 100, 7006),
    "no_account": (2, 9, 7002),
    "old_app": (2, 9, 7025),
    "provider_error": (2, 9, 7050),
    "refused": (2, 9, 7003),
    "bad_template": (2, 9, 7009),
    "bad_parameters": (2, 9, 7008),
    "not_decrypted": (2, 9, 7008),
    "night": (2, 9, 7024),
    "quota": (2, 9, 7026),
    "bad_mode": (2, 9, 7006),
    "user_cap": (2, 9, 7032),
    "provider_billing": (2, 9, 7019),
    "no_credit": (5, 12, 0),
    "validity": (4, 15, 4101),
    "never_left": (4, 15, 4100),
    "no_report": (4, 29, 7052),
    "expired": (4, 15, 4101),
    "dnd": (5, 10, 603),
    "silent": (3, 5, 0),
    "duplicate": (5, 23, 7280),
    "unknown_sender": (5, 11, 7081),
    "flooding": (5, 20, 0),
    "system_error": (5, 21, 0),
    "sms_absent": (2, 9, 27),
}


def of(cause: str, wanted: Mapping[str, tuple[int, int, int]]) -> tuple[int, int, int]:
    """Status group, status and error of a cause: as a switch wants them, else ours."""
    return wanted.get(cause, CAUSES[cause]) if wanted else CAUSES[cause]
