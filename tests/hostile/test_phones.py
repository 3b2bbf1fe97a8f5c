"""Spellings made to look like a number, or to take for ever: never a phone."""

import sys
import unicodedata

import polars as pl
import pytest

from zalosync.audience.phone import Fault, normalise, normalise_column

pytestmark = [pytest.mark.hostile, pytest.mark.timeout(60)]

GOOD = "0901234567"
LETTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
SEPARATORS = set(" \u00a0.-()/")


def test_no_other_digit_is_a_digit() -> None:
    """A number with one digit of another script is no number, in both ways of reading."""
    digits = [letter for letter in LETTERS if unicodedata.category(letter) in {"Nd", "No", "Nl"}]
    spellings = ["090123456" + digit for digit in digits if not digit.isascii()]
    assert len(spellings) > 1_000
    assert {normalise(spelling) for spelling in spellings} == {Fault.CHARACTER}
    assert normalise_column(pl.Series(spellings))["phone"].null_count() == len(spellings)


def test_only_the_named_separators_are_taken_out() -> None:
    """Of all characters, invisible ones among them, seven may stand inside a number."""
    others = [letter for letter in LETTERS if letter not in SEPARATORS and not letter.isdecimal()]
    spellings = [f"0901{letter}234567" for letter in others]
    assert normalise_column(pl.Series(spellings))["phone"].null_count() == len(spellings)
    for letter in others[:: len(others) // 2_000]:
        assert normalise(f"0901{letter}234567") is Fault.CHARACTER


@pytest.mark.parametrize("category", ["Cf", "Cc", "Zs", "Zl", "Zp", "Pd", "Mn"])
def test_nothing_may_stand_around_a_number(category: str) -> None:
    """Marks, controls, spaces and dashes before or behind a number are not overlooked."""
    marks = [letter for letter in LETTERS if unicodedata.category(letter) == category]
    spellings = [text for mark in marks if mark not in SEPARATORS for text in (mark + GOOD, GOOD + mark)]
    assert {normalise(spelling) for spelling in spellings} == {Fault.CHARACTER}
    assert normalise_column(pl.Series(spellings))["phone"].null_count() == len(spellings)


LONG = {
    "digits": "9" * 4_096,
    "country codes": "84" * 2_048,
    "zeros": "0" * 4_096,
    "pluses": "+" * 4_096,
    "separators": " " * 4_095 + "x",
    "separators in a number": " ".join(GOOD) + " " * 4_000 + "x",
    "apostrophes": "'" * 4_096,
    "extensions": GOOD + ";ext=" * 800,
    "a context": GOOD + ";phone-context=" + "+84" * 1_000,
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("region", ["VN", "US", "DE"])
def test_long_spellings_are_judged_at_once(name: str, region: str) -> None:
    """Ten thousand of the longest fields that a file may have are judged within the time limit."""
    assert isinstance(normalise(LONG[name], region), Fault)
    column = pl.Series([LONG[name]] * 10_000)
    assert normalise_column(column, region)["phone"].null_count() == 10_000
