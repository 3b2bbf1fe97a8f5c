"""The gate for foreign text: what is shown cannot mislead, and is the same text where it is harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zalosync.console.display import LENGTH, display, masked, plural


@given(st.text(max_size=300), st.integers(1, 200))
def test_what_is_shown(text: str, length: int) -> None:
    """Whatever the text, what is shown is printable, on one line, and no longer than allowed."""
    shown = display(text, length)
    assert len(shown) <= length
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    assert unicodedata.is_normalized("NFC", shown)


@given(st.text(max_size=LENGTH))
def test_shown_twice(text: str) -> None:
    """Showing what was shown changes nothing."""
    assert display(display(text)) == display(text)


@pytest.mark.parametrize("text", ["đơn hàng", "order-shipped", "Tết 2027 🎉", "a b", ""])
def test_harmless(text: str) -> None:
    """Vietnamese, emoji and blanks are shown as they are."""
    assert display(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a[31mb"),
        ("a\r\nb", "ab"),
        ("a\u202eb\u202c", "ab"),
        ("a\u200bb\ufeff", "ab"),
        ("a\u2028b", "ab"),
        ("e\u0302\u0301", "ế"),
        ("a\ud800b", "ab"),
    ],
)
def test_taken_out(text: str, shown: str) -> None:
    """Controls, direction marks, invisible characters and halves of characters are taken out."""
    assert display(text) == shown


def test_long() -> None:
    """What is too long ends with a mark that it goes on."""
    assert display("x" * 200) == "x" * (LENGTH - 1) + "…"
    assert display("x" * LENGTH) == "x" * LENGTH


def test_masked() -> None:
    """Of a phone the country and the last three digits are shown."""
    assert masked("84901234567") == "+84•••••567"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 messages"), (1, "1 message"), (2, "2 messages"), (1000, "1,000 messages")]
)
def test_plural(count: int, text: str) -> None:
    """Counts and their noun agree."""
    assert plural(count, "message") == text
    assert plural(count, "reply", "replies").endswith("reply" if count == 1 else "replies")
