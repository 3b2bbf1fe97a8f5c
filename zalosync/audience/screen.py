"""The tests a row must pass before it may become a message, in a fixed order; the first that fails decides.

This module holds the tests that need one row only: unreadable, invalid phone, not `where`, no consent,
suppressed. Duplicate keys, values that do not fit and frequency caps need the whole audience, the template's
contract or the ledger, and are decided by the plan with the same `Reason`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import polars as pl

from zalosync.audience.phone import normalise_column

PHONE_COLUMN = "__phone"  # String, null where the row has no phone of the region
REPAIRS_COLUMN = "__repairs"  # UInt8, a mask over `phone.REPAIRS`
REASON_COLUMN = "__reason"  # UInt8, a `Reason`


class Reason(IntEnum):
    """Why a row is skipped; the order is the order of the waterfall. Numbers are stored in plans."""

    KEPT = 0
    UNREADABLE = 1
    INVALID_PHONE = 2
    NOT_WHERE = 3
    NO_CONSENT = 4
    SUPPRESSED = 5
    DUPLICATE_KEY = 6
    INVALID_VALUES = 7
    FREQUENCY_CAP = 8

    @property
    def word(self) -> str:
        """The name used in output and JSON."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Rules:
    """What one campaign asks of a row.

    Args:
        phone: the column with the destination.
        region: how national numbers are read, such as `VN`.
        consent: a column that must hold more than white space, or None.
        where: rows to a Boolean series of the same height (null: the row could not be judged), or None.
        suppressed: normalised phones that must not be messaged, or None. They are kept sorted, so that
            each chunk costs a search per row and not a table of the whole list.
    """

    phone: str
    region: str = "VN"
    consent: str | None = None
    where: Callable[[pl.DataFrame], pl.Series] | None = None
    suppressed: pl.Series | None = None

    def __post_init__(self) -> None:
        if self.suppressed is not None:
            object.__setattr__(self, "suppressed", self.suppressed.drop_nulls().sort())


def screen(frame: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The rows with their normalised phone, its repairs and the reason to skip them (0: kept).

    Args:
        frame: raw rows, all columns String; an empty string and null are both "nothing".
        rules: the columns named must be in `frame`.

    Returns:
        The same rows in the same order, with the columns `__phone`, `__repairs` and `__reason` added.
    """
    phones = normalise_column(frame[rules.phone], rules.region)
    wanted = rules.where(frame) if rules.where else pl.repeat(value=True, n=frame.height, eager=True)
    tests: list[tuple[Reason, pl.Series]] = [
        (Reason.UNREADABLE, wanted.is_null()),
        (Reason.INVALID_PHONE, phones["phone"].is_null()),
        (Reason.NOT_WHERE, ~wanted),
    ]
    if rules.consent is not None:
        given = frame[rules.consent].str.strip_chars()
        tests.append((Reason.NO_CONSENT, given.is_null() | (given == "")))
    if rules.suppressed is not None:
        tests.append((Reason.SUPPRESSED, _among(rules.suppressed, phones["phone"])))
    reason = pl.lit(Reason.KEPT, pl.UInt8)
    for kind, failed in reversed(tests):
        reason = pl.when(failed.fill_null(value=False)).then(pl.lit(kind, pl.UInt8)).otherwise(reason)
    return frame.with_columns(
        phones["phone"].alias(PHONE_COLUMN),
        phones["repairs"].alias(REPAIRS_COLUMN),
        reason.alias(REASON_COLUMN),
    )


def _among(known: pl.Series, phones: pl.Series) -> pl.Series:
    """For each phone whether it is in the sorted list; null where there is no phone."""
    if known.is_empty():
        return pl.repeat(value=False, n=phones.len(), dtype=pl.Boolean, eager=True)
    place = known.search_sorted(phones).clip(0, known.len() - 1)
    return known.gather(place) == phones
