"""What an error may show of a file: short, printable, and never what may be a secret."""

import json
import re

from zalosync.errors import Problem
from zalosync.spec.document import Document, Steps, Value

_SHOWN = 60  # characters of a found value
_SECRET_NAMES = r"api[_-]?key|[a-z_-]*secret|[a-z_-]*token|passw[a-z]*|ledger|authorization"  # noqa: S105 - names of keys
_SECRET_KEY = re.compile(f"(?i)({_SECRET_NAMES})")
# A secret's key and a literal value after it, also within a mapping on one line.
_SECRET_VALUE = re.compile(
    rf"""(?ix) \b ((?:{_SECRET_NAMES}) ["']? \s* : \s+)
    (?! \{{ \s* (?:env\b|file\b|\}}) | sqlite: ) (?: "[^"]*"? | '[^']*'? | \{{[^}}]*\}}? | [^,}}\s]+ )"""
)
_USER_INFO = re.compile(r"//[^/@\s\"']+@")
_OURS = re.compile(r"""^\s*["']?apiVersion["']?\s*:\s*["']?zalosync/""")
_NEVER = frozenset({"ZS142", "ZS121", "ZS110"})  # a secret, or bytes that are not text


def is_ours(document: Document) -> bool:
    """Whether the file says that it is one of this language, so that errors may quote its lines.

    A list of specs may name any file of the project; what is in a file of another kind is not quoted.
    """
    return any(_OURS.match(line) for line in document.lines[:200])


def with_source(problem: Problem, document: Document, *, show: bool) -> Problem:
    """The problem with its source line for the caret, unless the line may hold a secret."""
    line = document.source(problem.place.line)
    if not show or not line or problem.source or problem.code in _NEVER:
        return problem
    return Problem(
        code=problem.code,
        place=problem.place,
        path=problem.path,
        message=problem.message,
        found=problem.found,
        allowed=problem.allowed,
        meant=problem.meant,
        source=masked(line),
    )


def masked(line: str) -> str:
    """A source line as it may be shown: no literal secret, no user of a URL, nothing invisible."""
    return _USER_INFO.sub("//…@", _SECRET_VALUE.sub(r"\1…", visible(line.rstrip("\r"))))


def visible(text: str) -> str:
    """The text with every invisible character but the tab replaced by `?`."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in text)


def kind_of(value: Value) -> str:
    """The kind of a value in words."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return {str: "a text", list: "a list", dict: "a mapping"}[type(value)]


def shown(value: Value, steps: Steps, document: Document) -> str:
    """A found value in words: as it is written, cut to 60 characters, or only its kind."""
    if any(isinstance(step, str) and _SECRET_KEY.fullmatch(step) for step in steps):
        return kind_of(value)
    if isinstance(value, (dict, list)) or value is None:
        return kind_of(value)
    written = document.plain.get(steps)
    text = written if written is not None else (value if isinstance(value, str) else json.dumps(value))
    text = _USER_INFO.sub("//…@", visible(text))
    return f"`{text[:_SHOWN]}…`" if len(text) > _SHOWN else f"`{text}`"
