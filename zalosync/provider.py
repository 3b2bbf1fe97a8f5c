"""What the provider said, in neutral records: the shapes that cross from `infobip` to the rest.

Only `infobip` knows URLs and JSON; it hands these records to the pure rooms (`apply.classify`,
`refresh.merge`), which decide what they prove. The status table is Infobip's published one (message
status codes; the contract's `status-codes.csv`), keyed by group **and** id, since neither alone tells:
2 stands in the group DELIVERED and is not final, 87 stands in two groups.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from zalosync.compose.message import Status

DUPLICATE_MESSAGE_ID = 23  # REJECTED_DUPLICATE_MESSAGE_ID: the provider knew the id, so it was taken
HANDED_OVER = 2  # DELIVERED_TO_OPERATOR: in the group DELIVERED, and not final
EXPIRED_DLR_UNKNOWN = 29  # may have been seen by the recipient


class Group(StrEnum):
    """Infobip's status groups by their wire names."""

    OK = "OK"
    ACCEPTED = "ACCEPTED"
    PENDING = "PENDING"
    UNDELIVERABLE = "UNDELIVERABLE"
    DELIVERED = "DELIVERED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


GROUP_BY_ID: Mapping[int, Group] = {
    0: Group.OK,
    1: Group.PENDING,
    2: Group.UNDELIVERABLE,
    3: Group.DELIVERED,
    4: Group.EXPIRED,
    5: Group.REJECTED,
}
PENDING_GROUPS = frozenset({0, 1})


class ProviderStatus(NamedTuple):
    """A status as it stood on the wire."""

    group_id: int
    group: str
    id: int
    name: str


def _known(group: int, status: Status, *ids: int) -> dict[tuple[int, int], Status]:
    return {(group, status_id): status for status_id in ids}


# (group id, status id) → what it is evidence for.
STATUSES: Mapping[tuple[int, int], Status] = {
    **_known(1, Status.ACCEPTED, 3, 7, 26),
    **_known(2, Status.UNDELIVERABLE, 4, 9, 31, 66, 96, 97, 98),
    **_known(3, Status.ACCEPTED, HANDED_OVER),
    **_known(3, Status.DELIVERED, 5),
    **_known(4, Status.EXPIRED, 15, EXPIRED_DLR_UNKNOWN, 87),
    **_known(5, Status.REJECTED, 6, 8, 10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 24, 25, 51, 52, 87, 99, 100),
    **_known(5, Status.REJECTED, *range(53, 65), 65, 68, 69, 70, 71, 73, 74, 75, 77, 83, 88, 89, 90, 91),
    **_known(5, Status.ACCEPTED, DUPLICATE_MESSAGE_ID),
}


# Failures that a campaign's `retry` may name, by Infobip's names.
RETRIABLE: Mapping[str, tuple[int, int]] = {
    "UNDELIVERABLE_REJECTED_OPERATOR": (2, 4),
    "UNDELIVERABLE_NOT_DELIVERED": (2, 9),
    "UNDELIVERABLE_NOT_SENT": (2, 31),
    "EXPIRED_EXPIRED": (4, 15),
    "REJECTED_NOT_ENOUGH_CREDITS": (5, 12),
    "REJECTED_ROUTE_NOT_AVAILABLE": (5, 19),
    "REJECTED_FLOODING_FILTER": (5, 20),
    "REJECTED_SYSTEM_ERROR": (5, 21),
    "UNDELIVERABLE_REJECTED_PLATFORM": (5, 100),
}


def status_pairs(names: Iterable[str]) -> frozenset[tuple[int, int]]:
    """The (group id, status id) of failures by their names."""
    return frozenset(RETRIABLE[name] for name in names)


# What an SMS ends with that reached nobody for certain: only then is its message worth another attempt.
NOT_RECEIVED = frozenset(
    pair
    for pair, status in STATUSES.items()
    if status in (Status.UNDELIVERABLE, Status.EXPIRED, Status.REJECTED) and pair[1] != EXPIRED_DLR_UNKNOWN
)
NO_GROUP = -1  # of a row that names no group we know
_GROUPS_OF: dict[int, list[int]] = {}
for _group, _id in STATUSES:
    _GROUPS_OF.setdefault(_id, []).append(_group)


def group_of(status: ProviderStatus) -> int:
    """The status's group; where a row names none, the only one in which its id stands, else `NO_GROUP`."""
    if status.group_id != NO_GROUP:
        return status.group_id
    groups = _GROUPS_OF.get(status.id, ())
    return groups[0] if len(groups) == 1 else NO_GROUP


def evidence_of(status: ProviderStatus) -> Status | None:
    """What a status proves, or None where its id is not in the published table."""
    return STATUSES.get((group_of(status), status.id))


@dataclass(frozen=True, slots=True)
class ProviderError:
    """The provider's own error body, in either of its two shapes.

    `violations` names properties and rules, never values.
    """

    code: str
    description: str
    violations: tuple[str, ...] = ()


class AnswerRow(NamedTuple):
    """One message's line in the answer to a send."""

    message_id: str
    destination: str | None
    status: ProviderStatus


class Failure(StrEnum):
    """How an exchange ended without a whole answer."""

    CONNECT = "connect"  # name, connection, proxy, TLS, or no free connection
    WRITE = "write"
    READ = "read"  # time-out, reset, protocol error, closed, or cut short


class Malformed(StrEnum):
    """Why a 2xx answer is not one that the provider's API gives."""

    EMPTY = "empty"
    CONTENT_TYPE = "content-type"
    TOO_LARGE = "too-large"
    JSON = "json"
    DUPLICATE_KEYS = "duplicate-keys"
    SHAPE = "shape"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One POST and what came of it.

    Attributes:
        failure: set where there is no whole answer; then `http_status` is None.
        may_have_left: whether a byte of the request may have left this process. False only on proof: the
            HTTP library's trace shows that sending the request's headers never started.
        http_status: of the final answer.
        rows: of a well-formed 2xx answer, else None.
        malformed: why a 2xx answer is not well-formed.
        error: the provider's error body, where the answer has one.
        retry_after: seconds, where the answer says so.
        date: the server's clock, where the answer says so.
        digest: keyed digest of the raw body, where there is one.
    """

    failure: Failure | None = None
    may_have_left: bool = True
    http_status: int | None = None
    rows: tuple[AnswerRow, ...] | None = None
    malformed: Malformed | None = None
    error: ProviderError | None = None
    retry_after: float | None = None
    date: datetime | None = None
    digest: bytes | None = None


class Channel(StrEnum):
    """What a report is about: the Zalo message or its SMS failover."""

    ZALO = "ZALO"
    SMS = "SMS"


class Report(NamedTuple):
    """One delivery report or log row, without anything personal. A tuple, since there are millions.

    Attributes:
        message_id: as on the wire; may be anybody's.
        channel: Zalo, or the SMS that took its place.
        status: None where the row has none.
        error_id: Infobip's error id, 0 for none.
        sent_at: aware, UTC.
        done_at: aware, UTC.
        price: per message, in millionths of `currency`.
        recipient: pseudonym of `to`, or None where the row has none.
        digest: keyed digest of the raw row, for ties and for de-duplication.
        proof: callbackData as it came, for the check of its MAC; empty in logs.
    """

    message_id: str
    channel: Channel
    status: ProviderStatus | None
    error_id: int
    sent_at: datetime | None
    done_at: datetime | None
    price: int | None
    currency: str | None
    recipient: bytes | None
    digest: bytes
    proof: str = ""
