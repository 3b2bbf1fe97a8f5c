"""Encoding, units and segments of an SMS, by table."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zalosync.compose.sms import (
    GSM_BASIC,
    GSM_EXTENSION,
    Encoding,
    Segments,
    fold_ascii,
    fold_column,
    measure,
    segments_column,
)

GSM, UCS = Encoding.GSM_7, Encoding.UCS_2
TABLE = [
    ("", GSM, 0, 0),
    ("a", GSM, 1, 1),
    ("a" * 160, GSM, 160, 1),
    ("a" * 161, GSM, 161, 2),
    ("a" * 306, GSM, 306, 2),
    ("a" * 307, GSM, 307, 3),
    ("€" * 80, GSM, 160, 1),
    ("€" * 81, GSM, 162, 2),
    ("a" * 152 + "€" + "a" * 152, GSM, 306, 3),  # the euro would lie across the parts: 152, 154 …
    ("a" * 151 + "€" + "a" * 153, GSM, 306, 2),
    ("€" * 153, GSM, 306, 3),  # 76 to a part, one septet left over each time
    ("à" * 160, GSM, 160, 1),
    ("á", UCS, 1, 1),
    ("đ", UCS, 1, 1),
    ("ơ" * 70, UCS, 70, 1),
    ("ơ" * 71, UCS, 71, 2),
    ("ơ" * 134, UCS, 134, 2),
    ("ơ" * 135, UCS, 135, 3),
    ("🎉" * 35, UCS, 70, 1),
    ("🎉" * 36, UCS, 72, 2),
    ("🎉" * 66, UCS, 132, 2),
    ("🎉" * 67, UCS, 134, 3),  # 33 pairs to a part
    ("ơ" * 66 + "🎉" + "ơ" * 66, UCS, 134, 3),
    ("ơ" * 65 + "🎉" + "ơ" * 67, UCS, 134, 2),
    ("`", UCS, 1, 1),
    ("\t", UCS, 1, 1),
    ("line\nbreak", GSM, 10, 1),
    ("[x]", GSM, 5, 1),
]


@pytest.mark.parametrize(("text", "encoding", "units", "segments"), TABLE)
def test_measure(text: str, encoding: Encoding, units: int, segments: int) -> None:
    """Limits at one below, on and above, and no character split over two parts."""
    assert measure(text) == Segments(encoding, units, segments)


def test_segments_of_a_column_are_those_of_its_texts() -> None:
    """The columnar count is the same count, null for null."""
    texts: list[str | None] = [text for text, *_ in TABLE]
    column = segments_column(pl.Series("sms", [*texts, None], dtype=pl.String))
    assert column.dtype == pl.UInt16
    assert column.name == "sms"
    assert column.to_list() == [segments for *_, segments in TABLE] + [None]


@given(
    st.lists(st.one_of(st.none(), st.text("aZ_^€`\U0001f600é\n", max_size=12)), max_size=4),
    st.integers(1, 40),
)
def test_segments_of_any_column(parts: list[str | None], times: int) -> None:
    """Short or long, plain or not: what a column takes is what each of its texts takes."""
    texts = [None if part is None else part * times for part in parts]
    wanted = [None if text is None else measure(text).segments for text in texts]
    assert segments_column(pl.Series(texts, dtype=pl.String)).to_list() == wanted


def test_segments_of_no_rows() -> None:
    """An empty column stays empty."""
    assert segments_column(pl.Series("x", [], dtype=pl.String)).to_list() == []


def test_the_alphabet_is_whole() -> None:
    """128 characters less the escape, and ten of the extension table, none of them twice."""
    assert len(set(GSM_BASIC)) == len(GSM_BASIC) == 127
    assert len(set(GSM_EXTENSION)) == len(GSM_EXTENSION) == 10
    assert not set(GSM_BASIC) & set(GSM_EXTENSION)
    for character in GSM_BASIC:
        assert measure(character) == Segments(GSM, 1, 1)
    for character in GSM_EXTENSION:
        assert measure(character) == Segments(GSM, 2, 1)


def test_folding_makes_vietnamese_cheap() -> None:
    """A folded text needs GSM-7 only, in a column as well as alone."""
    text = "Đơn hàng DH-01 đã được gửi đi. Cảm ơn Quý khách `Ánh`!"
    assert fold_ascii(text) == "Don hang DH-01 da duoc gui di. Cam on Quy khach 'Anh'!"
    assert measure(fold_ascii(text)).encoding is GSM
    for rare in ([], ["王 e\u0301 ﬁ", "a\nb"]):
        texts = [text, "plain `x`", None, "", "‘Ơ’ – 5€•₫", *rare]
        column = fold_column(pl.Series("sms", texts, dtype=pl.String))
        assert column.to_list() == [None if each is None else fold_ascii(each) for each in texts]
        assert column.name == "sms"


def test_each_character_is_folded_the_same_in_columns() -> None:
    """All of the Basic Multilingual Plane, alone and between letters."""
    points = [chr(point) for point in range(0x10000) if not 0xD800 <= point <= 0xDFFF]
    texts = [*points, *(f"a{point}ơ" for point in points)]
    assert fold_column(pl.Series(texts)).to_list() == [fold_ascii(text) for text in texts]


def test_every_folded_character_is_gsm() -> None:
    """Whatever comes in, what comes out of the fold is of the default alphabet."""
    for start in range(0, 0x30000, 0x400):
        points = [
            p for p in range(max(start, 0x20), start + 0x400) if not 0xD800 <= p <= 0xDFFF and p != 0x7F
        ]
        assert measure(fold_ascii("".join(map(chr, points)))).encoding is GSM
