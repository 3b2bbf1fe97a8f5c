"""Delivery reports and log rows as neutral records, without anything personal: pure functions.

Rows are read one by one and forgivingly: a page of reports is handed out only once, so one odd row must
not cost the others. Every field but the message id may be missing. A status whose id nobody published is
kept.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

import orjson

from zalosync.infobip.answer import is_code, no_constant
from zalosync.provider import GROUP_BY_ID, NO_GROUP, Channel, Group, Malformed, ProviderStatus, Report

Digest = Callable[[bytes], bytes]
Pseudonym = Callable[[str], bytes]

_LONGEST_ID = 200  # characters of a messageId, by the schema
_MILLION = Decimal(1_000_000)
_MOST_MILLIONTHS = 10**12  # for a message: the ledger sums them, and millions of these fit into 64 bits
_GROUP_IDS = {group.value: group_id for group_id, group in GROUP_BY_ID.items()} | {Group.ACCEPTED.value: 0}


@dataclass(frozen=True, slots=True)
class Rows:
    """What one page held.

    Attributes:
        reports: in the page's order.
        left_out: rows that cannot be anybody's, most for want of a usable message id.
    """

    reports: tuple[Report, ...]
    left_out: int = 0

    @property
    def total(self) -> int:
        """Rows in the page, those left out included: what a limit is compared with."""
        return len(self.reports) + self.left_out


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to a call for reports or logs.

    Attributes:
        rows: in the page's order.
        left_out: rows without a usable message id.
        complete: there were fewer rows than the limit, so that nothing was cut off.
        date: the server's clock: it decides how old evidence is.
        throttled: seconds to wait, where the provider refused the call for its rate; then there are no rows.
        digest: keyed, of the raw body.
    """

    rows: tuple[Report, ...]
    left_out: int
    complete: bool
    date: datetime | None
    throttled: float | None
    digest: bytes


def read_reports(body: bytes, pseudonym: Pseudonym, digest: Digest) -> Rows | Malformed:
    """A page of delivery reports, pulled or pushed as JSON.

    Args:
        body: `{"results": [...]}`.
        pseudonym: of `to` as it stands on the wire.
        digest: keyed; of a row's JSON with its keys in order, so that the order they came in is nothing.
    """
    results = _results(body)
    return results if isinstance(results, Malformed) else report_rows(results, pseudonym, digest)


def report_rows(results: Iterable[object], pseudonym: Pseudonym, digest: Digest) -> Rows:
    """The same for rows that are taken out of their page already, as those of an XML push are."""
    return _rows(results, pseudonym, digest, with_proof=True)


def read_logs(body: bytes, pseudonym: Pseudonym, digest: Digest) -> Rows | Malformed:
    """A page of log rows. They have no channel (they are Zalo's) and no callbackData."""
    results = _results(body)
    return results if isinstance(results, Malformed) else _rows(results, pseudonym, digest, with_proof=False)


def _results(body: bytes) -> list[object] | Malformed:
    if not body.strip():
        return Malformed.EMPTY
    try:
        page = orjson.loads(body)
    except orjson.JSONDecodeError:
        page = _with_odd_numbers(body)
    if isinstance(page, Malformed):
        return page
    results = page.get("results") if isinstance(page, dict) else None
    return results if isinstance(results, list) else Malformed.SHAPE


def _with_odd_numbers(body: bytes) -> Any:
    """The same by a reader that takes numbers of any size: one such row must not cost the others."""
    try:
        return json.loads(body, parse_constant=no_constant)
    except (ValueError, RecursionError):
        return Malformed.JSON


def _rows(results: Iterable[object], pseudonym: Pseudonym, digest: Digest, *, with_proof: bool) -> Rows:
    reports: list[Report] = []
    left_out = 0
    for row in results:
        message_id = row.get("messageId") if isinstance(row, dict) else None
        if not isinstance(row, dict) or type(message_id) is not str or not 0 < len(message_id) <= _LONGEST_ID:
            left_out += 1
            continue
        try:
            raw = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:  # nested deeper than can be written: no report of the provider's
            left_out += 1
            continue
        reports.append(_report(message_id, row, pseudonym, digest(raw), with_proof=with_proof))
    return Rows(tuple(reports), left_out)


def _report(
    message_id: str, row: dict[str, Any], pseudonym: Pseudonym, digest: bytes, *, with_proof: bool
) -> Report:
    price, currency = _price(row.get("price"))
    to, channel, proof = row.get("to"), row.get("channel"), row.get("callbackData")
    error = row.get("error")
    error_id = error.get("id") if type(error) is dict else None
    return Report(
        message_id=message_id,
        channel=Channel.SMS if type(channel) is str and "SMS" in channel.upper() else Channel.ZALO,
        status=_status(row.get("status")),
        error_id=error_id if is_code(error_id) else 0,
        sent_at=read_time(row.get("sentAt")),
        done_at=read_time(row.get("doneAt")),
        price=price,
        currency=currency,
        recipient=pseudonym(to) if type(to) is str and to else None,
        digest=digest,
        proof=proof if with_proof and type(proof) is str else "",
    )


def _status(status: Any) -> ProviderStatus | None:
    """As it stood, or None where it has no id."""
    if type(status) is not dict:
        return None
    group_id, group = status.get("groupId"), status.get("groupName")
    status_id, name = status.get("id"), status.get("name")
    if not is_code(status_id):
        return None
    if type(group) is not str:
        group = ""
    if not is_code(group_id):
        group_id = _GROUP_IDS.get(group, NO_GROUP)
    return _known_status(group_id, group, status_id, name if type(name) is str else "")


@lru_cache(maxsize=1024)
def _known_status(group_id: int, group: str, status_id: int, name: str) -> ProviderStatus:
    """One record per status: there are a few dozen, and millions of rows."""
    return ProviderStatus(group_id, group, status_id, name)


def read_time(text: Any) -> datetime | None:
    """An aware UTC moment from `…+0000`, `…+01:00` or `…Z`; None without an offset: nobody can place it."""
    if type(text) is not str:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is UTC:
            return moment
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _price(price: Any) -> tuple[int | None, str | None]:
    if type(price) is not dict:
        return None, None
    amount, currency = price.get("pricePerMessage"), price.get("currency")
    known = type(amount) in {int, float}
    return _millionths(amount) if known else None, currency if type(currency) is str else None


@lru_cache(maxsize=4096)
def _millionths(amount: float) -> int | None:
    """Through the shortest decimal spelling, which is what the provider wrote; never by float arithmetic."""
    exact = Decimal(str(amount)) * _MILLION
    if not exact.is_finite() or not 0 <= exact < _MOST_MILLIONTHS:
        return None
    return int(exact.to_integral_value(ROUND_HALF_EVEN))
