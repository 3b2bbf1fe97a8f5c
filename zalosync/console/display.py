"""The gate for all foreign text: what it shows cannot move a cursor, hide a line or fake one."""

import re
import unicodedata

LENGTH = 120
_COMMAND = re.compile(r"^\s*::|##(?=\w*\[)", re.MULTILINE)


def display(text: str, length: int = LENGTH) -> str:
    """NFC, without control, format and bidirectional characters, and no longer than `length`."""
    shown = "".join(
        character
        for character in unicodedata.normalize("NFC", text)
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    )
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def inert(text: str) -> str:
    """The same lines with nothing in them that a CI system takes for a command; as long as before.

    GitHub's runner trims what stands before `::`, and finds `##[` anywhere in a line; Azure's finds `##vso[`.
    """
    return _COMMAND.sub(lambda found: found[0].replace("::", "：:").replace("##", "#＃"), text)  # noqa: RUF001


def masked(phone: str) -> str:
    """A phone for an interactive terminal: `+84•••••567`."""
    return f"+{phone[:2]}•••••{phone[-3:]}"


def plural(count: int, one: str, many: str = "") -> str:
    """`1 message`, `2,000 messages`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
