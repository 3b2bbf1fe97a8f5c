"""Values and comments as canonical YAML text: two spaces a level, double quotes where quotes are needed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

WIDTH = 110  # of a flow mapping or list that stays on its line
_STEP = "  "

# Text that some reader of YAML takes for something else: YAML 1.1 reads 22:30 in base 60 and `no` as false.
_NOT_TEXT = re.compile(
    r"(?i)y|n|yes|no|on|off|true|false|null|\.inf|\.nan|[-+]?\.?[0-9][0-9_.,:+-]*(?:e[-+]?[0-9]+)?|0[xob].*"
)
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_SAFE = re.compile(r"(?:[^\W_]|[._/])(?:[\w ./@%+()=;<>$^~-]|:(?=[^\s,\[\]{}]))*")
_SAFE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


@dataclass(slots=True)
class Entry:
    """A key with its value, or an entry of a list, and the comments that belong to it.

    `before` holds whole lines, an empty one for a blank line; line and column count from 0; `span` is the
    key's in the source.
    """

    key: str
    value: "Node"
    line: int
    column: int
    span: tuple[int, int]
    before: list[str] = field(default_factory=list)
    beside: str = ""


@dataclass(slots=True)
class Node:
    """A value: its kind, its first and last line from 0, its span in the source, and what it holds.

    `foot` holds the comments after its last entry.
    """

    kind: Literal["scalar", "list", "mapping"]
    first: int
    last: int
    span: tuple[int, int]
    entries: list[Entry] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)
    text: str = ""
    plain: bool = False
    flow: bool = False


def text_of(root: Node) -> str:
    """The canonical text of a document, without a line end at its end."""
    if root.kind == "scalar":
        return _scalar(root)
    if not root.entries:
        return "{}" if root.kind == "mapping" else "[]"
    lines = list(_block(root, ""))
    while lines and not lines[0]:
        del lines[0]
    return "\n".join(lines)


def _block(node: Node, indent: str) -> Iterator[str]:
    for entry in node.entries:
        for line in entry.before:
            yield f"{indent}{line}" if line else ""
        head = f"{indent}- " if node.kind == "list" else f"{indent}{key_text(entry.key)}: "
        yield from _entry(entry, head, indent, is_item=node.kind == "list")
    for line in node.foot:
        yield f"{indent}{line}"


def _entry(entry: Entry, head: str, indent: str, *, is_item: bool) -> Iterator[str]:
    value, beside = entry.value, f" {entry.beside}" if entry.beside else ""
    if value.kind == "scalar":
        if _is_block_text(value):
            yield from _block_text(value.text, head, beside, indent)
        else:
            yield f"{head}{_scalar(value)}{beside}"
        return
    inline = _flow(value)
    if not value.entries or (value.flow and len(head) + len(inline) <= WIDTH):
        yield f"{head}{inline}{beside}"
        return
    inner = list(_block(value, indent + _STEP))
    while inner and not inner[0]:
        del inner[0]
    if is_item:
        # What stands above the first of its entries goes above the dash: beside it, it would be the dash's.
        while inner[0].lstrip().startswith("#") or not inner[0]:
            above = inner.pop(0).strip()
            if above:
                yield f"{indent}{above}"
        if beside:
            yield f"{indent}{entry.beside}"
        yield f"{head}{inner[0].strip()}"
        yield from inner[1:]
        return
    yield f"{head.rstrip()}{beside}"
    yield from inner


def _flow(node: Node) -> str:
    """The value on one line."""
    if node.kind == "scalar":
        return _scalar(node)
    parts = [
        _flow(entry.value) if node.kind == "list" else f"{key_text(entry.key)}: {_flow(entry.value)}"
        for entry in node.entries
    ]
    return f"[{', '.join(parts)}]" if node.kind == "list" else f"{{{', '.join(parts)}}}"


def _scalar(node: Node) -> str:
    text = node.text
    if node.plain and not _is_text(text):
        lower = text.lower()
        return lower if lower in {"true", "false", "null"} else text
    return quoted(text)


def _is_text(text: str) -> bool:
    """Whether an unquoted text is text in YAML 1.2."""
    if not text or text in {"~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE"}:
        return False
    number = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?"
    return re.fullmatch(number, text) is None


def key_text(text: str) -> str:
    """A key, quoted where some reader of YAML would take it for something else than text."""
    if _SAFE_KEY.fullmatch(text) and not _NOT_TEXT.fullmatch(text):
        return text
    return text if text in {"on", "from", "to"} else quoted(text)


def quoted(text: str) -> str:
    """The text, in double quotes unless every reader of YAML takes it for text without them."""
    safe = _SAFE.fullmatch(text) is not None and text == text.strip() and text.isprintable()
    if _MOMENT.fullmatch(text) or (safe and not _NOT_TEXT.fullmatch(text)):
        return text
    return (
        '"'
        + "".join(_ESCAPES.get(each, each if each.isprintable() else _escaped(each)) for each in text)
        + '"'
    )


def _escaped(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"  # noqa: PLR2004 - the widths of YAML's escapes


def _is_block_text(node: Node) -> bool:
    """Whether a text of several lines can stand as it is, under `|`."""
    lines = node.text.split("\n")
    return (
        len(lines) > 1
        and bool(lines[0].strip())
        and not lines[0].startswith((" ", "\t"))
        and all(line.isprintable() and line == line.rstrip() for line in lines)
    )


def _block_text(text: str, head: str, beside: str, indent: str) -> Iterator[str]:
    body = text.rstrip("\n")
    trailing = len(text) - len(body)
    sign = "|-" if trailing == 0 else "|" if trailing == 1 else "|+"
    yield f"{head}{sign}{beside}"
    for line in body.split("\n"):
        yield f"{indent}{_STEP}{line}" if line else ""
    yield from [""] * max(0, trailing - 1)
