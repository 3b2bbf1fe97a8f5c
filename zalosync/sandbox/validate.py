"""Shapes compiled to checkers: fast where a value is right, exact where it is wrong.

A checker takes a parsed JSON value and gives None, or the list of its violations with their path below that
value. Paths are put together only when something is wrong, so a right value costs no string work.
"""

import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

Violation = tuple[str, str]  # (path such as messages[0].destinations, text)
Checker = Callable[[Any], "list[Violation] | None"]

INT32 = (-(2**31), 2**31 - 1)
INT64 = (-(2**63), 2**63 - 1)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})")


def text(minimum: int = 0, maximum: int | None = None, pattern: str | None = None) -> Checker:
    """A string of `minimum` to `maximum` characters that matches `pattern` whole."""
    if minimum == 0 and maximum is None and pattern is None:
        return any_text
    compiled = re.compile(pattern) if pattern else None
    most = sys.maxsize if maximum is None else maximum

    def check(value: Any) -> list[Violation] | None:
        if type(value) is str and minimum <= len(value) <= most and compiled is None:
            return None
        if type(value) is not str:
            return [("", "must be a string")]
        if len(value) < minimum:
            return [("", "must not be blank" if minimum == 1 else f"size must be at least {minimum}")]
        if maximum is not None and len(value) > maximum:
            return [("", f"size must be between {minimum} and {maximum}")]
        if compiled and not compiled.fullmatch(value):
            return [("", f"must match {compiled.pattern}")]
        return None

    return check


def any_text(value: Any) -> list[Violation] | None:
    """Any string."""
    return None if type(value) is str else [("", "must be a string")]


def integer(minimum: int = INT32[0], maximum: int = INT32[1]) -> Checker:
    """A whole number within the bounds; true and false are no numbers."""

    def check(value: Any) -> list[Violation] | None:
        if type(value) is not int:
            return [("", "must be an integer")]
        if not minimum <= value <= maximum:
            return [("", f"must be between {minimum} and {maximum}")]
        return None

    return check


def boolean(value: Any) -> list[Violation] | None:
    """True or false."""
    return None if value is True or value is False else [("", "must be true or false")]


def anything(_value: Any) -> list[Violation] | None:
    """Any JSON value."""
    return None


def one_of(*names: str) -> Checker:
    """One of the names, spelled exactly."""
    allowed = frozenset(names)
    told = "must be one of " + ", ".join(names)

    def check(value: Any) -> list[Violation] | None:
        return None if type(value) is str and value in allowed else [("", told)]

    return check


def date_time(value: Any) -> list[Violation] | None:
    """A date and time with an offset, written +0000, +00:00 or Z."""
    return None if type(value) is str and parse_date(value) is not None else [("", "must be a date and time")]


def parse_date(value: str) -> int | None:
    """Milliseconds since 1970 of `2026-12-01T02:00:00.000+0000` and its usual spellings, else None."""
    if not _DATE.fullmatch(value):
        return None
    try:
        return round(datetime.fromisoformat(value).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def array(item: Checker, minimum: int = 0, maximum: int | None = None) -> Checker:
    """A list of `minimum` to `maximum` items, each as `item` wants it."""

    def check(value: Any) -> list[Violation] | None:
        if type(value) is not list:
            return [("", "must be an array")]
        if len(value) < minimum:
            return [("", "must not be empty" if minimum == 1 else f"size must be at least {minimum}")]
        if maximum is not None and len(value) > maximum:
            return [("", f"size must be between {minimum} and {maximum}")]
        found: list[Violation] | None = None
        for index, each in enumerate(value):
            wrong = item(each)
            if wrong:
                found = found or []
                found.extend((join(f"[{index}]", path), said) for path, said in wrong)
        return found

    return check


class Manner(NamedTuple):
    """How objects are read where the schema leaves it open: unknown names, null for what may be absent."""

    unknown_names: bool = True
    nulls: bool = False


USUAL = Manner()


def record(
    fields: Mapping[str, Checker],
    required: tuple[str, ...] = (),
    *,
    manner: Manner,
    rule: Checker | None = None,
) -> Checker:
    """An object with known fields; `rule` sees the whole once its fields are right."""
    known = fields.get
    needed = frozenset(required)
    refuse_unknown, refuse_nulls = not manner.unknown_names, not manner.nulls

    def check(value: Any) -> list[Violation] | None:
        if type(value) is not dict:
            return [("", "must be an object")]
        found: list[Violation] = []
        for name, each in value.items():
            checker = known(name)
            if checker is None:
                if refuse_unknown:
                    found.append((name, "is not a known property"))
            elif each is not None:
                wrong = checker(each)
                if wrong:
                    found.extend((join(name, path), said) for path, said in wrong)
            elif refuse_nulls or name in needed:
                found.append((name, "must not be null"))
        if not needed <= value.keys():
            found.extend((name, "must not be null") for name in required if name not in value)
        if rule is not None and not found:
            return rule(value)
        return found or None

    return check


def mapping(item: Checker) -> Checker:
    """An object with free names, each value as `item` wants it."""

    def check(value: Any) -> list[Violation] | None:
        if type(value) is not dict:
            return [("", "must be an object")]
        if item is anything:
            return None
        found: list[Violation] = []
        for name, each in value.items():
            wrong = item(each)
            if wrong:
                found.extend((join(name, path), said) for path, said in wrong)
        return found or None

    return check


def by_type(kinds: Mapping[str, Checker]) -> Checker:
    """An object whose `type` says which of the shapes it must have."""
    told = "must be one of " + ", ".join(kinds)

    def check(value: Any) -> list[Violation] | None:
        if type(value) is not dict:
            return [("", "must be an object")]
        kind = value.get("type")
        shape = kinds.get(kind) if type(kind) is str else None
        if shape is not None:
            return shape(value)
        return [("type", "must not be null" if kind is None else told)]

    return check


def join(head: str, tail: str) -> str:
    """`messages` and `[0].to` make `messages[0].to`."""
    if not tail:
        return head
    return head + tail if tail.startswith("[") else f"{head}.{tail}"
