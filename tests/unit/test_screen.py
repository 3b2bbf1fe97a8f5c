"""The tests a row must pass, their order, and that nobody is lost."""

import polars as pl
import pytest

from zalosync.audience.screen import Reason, Rules, screen

ROWS = pl.DataFrame(
    {
        "phone": ["0901234567", "x", "0901234568", "0901234569", "0901234570", "", "0901234571"],
        "status": ["shipped", "pending", "pending", "shipped", "shipped", "?", "shipped"],
        "consent": ["yes", "", "", " \t", "yes", "", "yes"],
    }
)


def _where(frame: pl.DataFrame) -> pl.Series:
    return frame.select(
        pl.when(pl.col("status") == "?").then(None).otherwise(pl.col("status") == "shipped")
    ).to_series()


RULES = Rules(
    phone="phone",
    consent="consent",
    where=_where,
    suppressed=pl.Series(["84999999999", "84901234570", "84900000000"]),
)


def test_the_first_test_that_fails_decides() -> None:
    """A row is skipped for one reason, the first in the fixed order."""
    assert [Reason(reason) for reason in screen(ROWS, RULES)["__reason"]] == [
        Reason.KEPT,
        Reason.INVALID_PHONE,  # and not `where`, and no consent
        Reason.NOT_WHERE,  # and no consent
        Reason.NO_CONSENT,  # white space is no consent
        Reason.SUPPRESSED,
        Reason.UNREADABLE,  # `where` could not judge it; its phone is empty too
        Reason.KEPT,
    ]


def test_rows_keep_their_order_and_columns() -> None:
    """Screening adds three typed columns and changes nothing else."""
    screened = screen(ROWS, RULES)
    assert screened.select(ROWS.columns).equals(ROWS)
    added = {"__phone": pl.String, "__repairs": pl.UInt8, "__reason": pl.UInt8}
    assert dict(list(screened.schema.items())[3:]) == added
    assert screened["__phone"].to_list()[:3] == ["84901234567", None, "84901234568"]
    assert screened["__repairs"].to_list()[:3] == [8, 0, 8]


def test_each_rule_may_be_absent() -> None:
    """Without `where`, consent and suppressions only the phone decides."""
    assert screen(ROWS, Rules(phone="phone"))["__reason"].to_list() == [0, 2, 0, 0, 0, 2, 0]


def test_a_null_consent_is_none() -> None:
    """What is not there is not a yes."""
    frame = pl.DataFrame({"phone": ["0901234567"], "consent": pl.Series([None], dtype=pl.String)})
    assert screen(frame, Rules(phone="phone", consent="consent"))["__reason"].to_list() == [Reason.NO_CONSENT]


@pytest.mark.parametrize("suppressed", [[], [None], ["84901234567", None]])
def test_suppression_lists_of_any_size_work(suppressed: list[str | None]) -> None:
    """An empty list suppresses nobody; a null in one is nobody."""
    rules = Rules(phone="phone", suppressed=pl.Series(suppressed, dtype=pl.String))
    reasons = screen(ROWS, rules)["__reason"].to_list()
    assert reasons[0] == (Reason.SUPPRESSED if "84901234567" in suppressed else Reason.KEPT)
    assert reasons[1] == Reason.INVALID_PHONE


def test_no_rows_are_screened_to_no_rows() -> None:
    """An empty chunk keeps its shape."""
    screened = screen(ROWS.clear(), RULES)
    assert screened.height == 0
    assert screened.width == ROWS.width + 3


def test_reasons_have_the_words_of_the_waterfall() -> None:
    """Words are lower case with hyphens; numbers and order are fixed, since plans store them."""
    assert [(reason.value, reason.word) for reason in Reason] == [
        (0, "kept"),
        (1, "unreadable"),
        (2, "invalid-phone"),
        (3, "not-where"),
        (4, "no-consent"),
        (5, "suppressed"),
        (6, "duplicate-key"),
        (7, "invalid-values"),
        (8, "frequency-cap"),
    ]
