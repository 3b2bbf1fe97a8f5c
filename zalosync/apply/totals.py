"""How a run counts what became of its messages, and how it ended."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zalosync.errors import ExitCode


@dataclass(slots=True)
class Totals:
    """What became of the messages a run was to send.

    Attributes:
        cancelled: held ones, which this run was to cancel, or whose time was over.
        shrunk: planned, and left out by what lies outside of the plan: reason to count.
        stays: held ones that a run of what is due leaves held although their time has come, likewise.
    """

    to_send: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    held: int = 0
    cancelled: int = 0
    requests: int = 0
    retries: int = 0
    shrunk: Counter[str] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)

    @property
    def not_sent(self) -> int:
        """Proven not sent, or never tried."""
        settled = self.accepted + self.rejected + self.unknown + self.held + self.shrunk.total()
        return self.to_send - settled


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended."""

    totals: Totals
    code: ExitCode
    reason: str


def totals_document(totals: Totals, seconds: float) -> dict[str, Any]:
    """The counts of a run as JSON shows them."""
    return {
        "accepted": totals.accepted,
        "rejected": totals.rejected,
        "unknown": totals.unknown,
        "not_sent": totals.not_sent,
        "held": totals.held,
        "cancelled": totals.cancelled,
        "shrunk": totals.shrunk.total(),
        "requests": totals.requests,
        "retries": totals.retries,
        "seconds": round(seconds, 3),
    }


def reasons(counts: Mapping[str, int]) -> dict[str, int]:
    """Why messages were left out, or stay held, as JSON shows it."""
    return {str(reason): count for reason, count in sorted(counts.items()) if count}
