"""The provider's log rows, for people and as JSON: what it says of messages, without anything personal.

A masked recipient is for an interactive terminal only; text of messages is never kept, so never shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zalosync.compose.message import message_id_bytes
from zalosync.console.display import display, masked, plural
from zalosync.infobip.codes import explain_error, explain_status
from zalosync.provider import Report

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row, and what the ledger knows of its message.

    Attributes:
        report: its `recipient` holds what `mask` made of the phone.
        campaign: the name, or empty where the ledger does not know the message.
        attempt: of the message, or 0.
        state: in the ledger, or empty.
    """

    report: Report
    campaign: str = ""
    attempt: int = 0
    state: str = ""


def mask(phone: str) -> bytes:
    """A phone as a terminal may show it."""
    return masked(phone.lstrip("+")).encode()


def nothing(_phone: str) -> bytes:
    """What is shown of a phone anywhere else."""
    return b""


def logs_document(
    rows: Sequence[LogRow], *, complete: bool, asked_at: datetime | None, terminal: bool
) -> dict[str, Any]:
    """What `logs --json` prints.

    Args:
        rows: as the provider gave them.
        complete: whether there were no more than the limit.
        asked_at: the provider's clock.
        terminal: other systems' ids, which may hold anything, are for a person at a terminal only.
    """
    return {
        "rows": [_entry(row, terminal=terminal) for row in rows],
        "complete": complete,
        "provider_time": _utc(asked_at),
    }


def _entry(row: LogRow, *, terminal: bool) -> dict[str, Any]:
    report = row.report
    status = report.status
    ours = message_id_bytes(report.message_id) is not None
    return {
        "message_id": display(report.message_id, 200) if ours or terminal else "(foreign)",
        "campaign": row.campaign or None,
        "attempt": row.attempt or None,
        "state": row.state or None,
        "sent_at": _utc(report.sent_at),
        "done_at": _utc(report.done_at),
        "status": None
        if status is None
        else {"group_id": status.group_id, "id": status.id, "name": display(status.name)},
        "error_id": report.error_id,
        "words": _words(report),
        "price": None if report.price is None else report.price / MILLION,
        "currency": None if report.currency is None else display(report.currency, 3),
    }


def logs_lines(document: Mapping[str, Any], recipients: Sequence[str]) -> Iterator[str]:
    """The rows, one a line.

    Args:
        document: of `logs_document`.
        recipients: of each row, masked; empty away from a terminal.
    """
    for row, recipient in zip(document["rows"], recipients, strict=True):
        known = (
            f"{display(row['campaign'])} #{row['attempt']} ({row['state']})"
            if row["campaign"]
            else "not ours"
        )
        price = "" if row["price"] is None else f"  {row['price']:,.4f} {row['currency'] or ''}".rstrip()
        to = f"  {recipient}" if recipient else ""
        yield f"{row['sent_at'] or '-':<20}  {row['message_id']:<36}{to}  {row['words']}{price}  {known}"
    count = plural(len(document["rows"]), "row")
    yield (
        count
        if document["complete"]
        else f"{count}, and more: narrow the time, or raise --limit (1000 at most)"
    )


def _words(report: Report) -> str:
    if report.status is None:
        return "no status"
    words = explain_status(report.status.group_id, report.status.id).words
    return f"{words}: {explain_error(report.error_id).words}" if report.error_id else words


def _utc(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
