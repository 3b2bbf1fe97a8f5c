"""Values against the template's contract and the key's budget, by table."""

import polars as pl
import pytest

from zalosync.compose.values import Limits, byte_budget, misfits

NAME = Limits(required=True, min_length=2, max_length=5)


@pytest.mark.parametrize(
    ("value", "limits", "budget", "why"),
    [
        ("Lan", NAME, None, None),
        (None, NAME, None, "broken"),
        (None, Limits(), None, "broken"),
        ("", NAME, None, "missing"),
        (" \u00a0", NAME, None, "missing"),
        ("L", NAME, None, "too-short"),
        ("Lâ", NAME, None, None),
        ("Đặng!", NAME, None, None),
        ("Đặng!!", NAME, None, "too-long"),
        ("", Limits(min_length=3), None, None),
        ("ab", Limits(min_length=3), None, "too-short"),
        ("x" * 446, Limits(), 446, None),
        ("x" * 447, Limits(), 446, "over-budget"),
        ("ặ" * 148, Limits(), 446, None),
        ("ặ" * 149, Limits(), 446, "over-budget"),
        ("x" * 447, Limits(max_length=446), 446, "too-long"),
        ("anything", Limits(), None, None),
    ],
)
def test_one_value(value: str | None, limits: Limits, budget: int | None, why: str | None) -> None:
    """Each limit one below, on and above: characters for the contract, bytes for the key."""
    (row,) = misfits(pl.DataFrame({"p": [value]}, schema={"p": pl.String}), {"p": limits}, budget).to_dicts()
    assert row == {"ok": why is None, "why": why, "parameter": None if why is None else "p"}


def test_the_first_misfit_of_a_row_is_named() -> None:
    """Parameters are judged in the order of the values, one word for a row."""
    values = pl.DataFrame({"a": ["x", "xxx", "x"], "b": ["", "", "y"]})
    found = misfits(values, {"b": Limits(required=True), "a": Limits(max_length=2)}, None)
    assert found.columns == ["ok", "why", "parameter"]
    assert found.rows() == [(False, "missing", "b"), (False, "too-long", "a"), (True, None, None)]


def test_a_required_parameter_without_a_value_is_missing_everywhere() -> None:
    """A campaign that forgets a required parameter fits no row; an optional one may be left out."""
    values = pl.DataFrame({"a": ["x", "y"]})
    found = misfits(values, {"gone": Limits(required=True), "spare": Limits(min_length=3)}, None)
    assert found.rows() == [(False, "missing", "gone")] * 2


def test_shapes_hold_for_no_rows_and_no_limits() -> None:
    """Height and types are the same with nothing to judge."""
    none = misfits(pl.DataFrame({"a": []}, schema={"a": pl.String}), {"a": NAME}, 446)
    assert none.schema == {"ok": pl.Boolean, "why": pl.String, "parameter": pl.String}
    assert none.height == 0
    assert misfits(pl.DataFrame({"a": ["x"] * 3}), {}, None)["ok"].to_list() == [True] * 3


def test_budgets_of_real_keys() -> None:
    """RSA-OAEP with SHA-256 leaves 190, 318 and 446 bytes."""
    assert [byte_budget(bits) for bits in (2048, 3072, 4096)] == [190, 318, 446]
