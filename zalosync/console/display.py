"""The gate for all foreign text: what it shows cannot move a cursor, hide a line or fake one."""

import unicodedata

LENGTH = 120


def display(text: str, length: int = LENGTH) -> str:
    """NFC, without control, format and bidirectional characters, and no longer than `length`."""
    shown = "".join(
        character
        for character in unicodedata.normalize("NFC", text)
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    )
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def masked(phone: str) -> str:
    """A phone for an interactive terminal: `+84•••••567`."""
    return f"+{phone[:2]}•••••{phone[-3:]}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 message`, `2,000 messages`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
