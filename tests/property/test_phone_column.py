"""Phones: the columnar way equals the reference, and a phone stays what it is."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from zalosync.audience.phone import Fault, Phone, normalise, normalise_column

_PREFIXES = (
    "",
    "0",
    "84",
    "+84",
    "0084",
    "840",
    "+840",
    "00840",
    "+",
    "00",
    "0 ",
    "'0",
    "'84",
    "(+84) ",
    "1",
    "+1",
)
_STEMS = (
    "90",
    "99",
    "32",
    "52",
    "59",
    "70",
    "81",
    "84",
    "121",
    "140",
    "168",
    "162",
    "182",
    "199",
    "24",
    "1800",
)
_NOISE = st.sampled_from([*" .-()/'+x09", "\u00a0", "\u200b", "\u0661", "\uff11", "\n"])


@st.composite
def spellings(draw: st.DrawFn) -> str:
    """Something near a Vietnamese number: the edges of each rule are dense here."""
    digits = st.text("0123456789", min_size=5, max_size=8)
    text = draw(st.sampled_from(_PREFIXES)) + draw(st.sampled_from(_STEMS)) + draw(digits)
    for noise in draw(st.lists(_NOISE, max_size=3)):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + noise + text[place:]
    return text


def _expected(spelling: str, region: str) -> tuple[str | None, int]:
    result = normalise(spelling, region)
    return (None, 0) if isinstance(result, Fault) else (result.digits, result.repairs)


@given(st.lists(spellings() | st.text(max_size=20), min_size=1, max_size=200))
@settings(max_examples=150)
def test_a_column_equals_the_reference(column: list[str]) -> None:
    """For any spellings the columnar way gives what the reference gives."""
    assert normalise_column(pl.Series(column)).rows() == [_expected(text, "VN") for text in column]


@given(
    st.lists(spellings(), min_size=1, max_size=20),
    st.sampled_from(["TH", "SG", "US", "GB", "DE", "AR", "IT", "KH", "CN", "BR"]),
)
@settings(max_examples=60)
def test_other_regions_equal_the_reference_too(column: list[str], region: str) -> None:
    """The same promise for regions that the library reads."""
    assert normalise_column(pl.Series(column), region).rows() == [_expected(text, region) for text in column]


@given(spellings(), st.sampled_from(["VN", "VN", "TH", "SG", "US", "GB", "DE", "AR", "IT", "KH", "CN", "BR"]))
@settings(max_examples=500)
def test_normalising_twice_changes_nothing(spelling: str, region: str) -> None:
    """A normalised phone is its own normal form, with or without a plus, and needs no repair."""
    phone = normalise(spelling, region)
    if isinstance(phone, Phone):
        assert phone.digits.isascii()
        assert phone.digits.isdigit()
        assert normalise(phone.digits, region) == Phone(phone.digits, 0)
        assert normalise("+" + phone.digits, region) == Phone(phone.digits, 0)
