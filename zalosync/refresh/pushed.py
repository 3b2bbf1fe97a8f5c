"""A pushed body as reports, within limits: size, depth, count. Pure."""

import re
from enum import Enum, auto
from typing import Final

from zalosync.infobip.evidence import Digest, Pseudonym, Rows, read_reports
from zalosync.infobip.evidence_xml import read_xml_reports
from zalosync.provider import Malformed

MOST_BYTES: Final = 1_000_000
MOST_REPORTS: Final = 1_000
MOST_DEPTH: Final = 10
_JSON_TYPES = frozenset({"", "application/json", "text/json"})
_XML_TYPES = frozenset({"application/xml", "text/xml"})
# Possessive, and a text without an end runs to the end: one pass, whatever the body.
_TEXTS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"[]", b"{}")  # whether they fit each other is the parser's business
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPEN = ord("{")


class Refused(Enum):
    """Why a body is not taken."""

    TYPE = auto()  # neither JSON nor XML
    DEEP = auto()
    MANY = auto()
    SHAPE = auto()  # not a page of reports


def read_push(body: bytes, content_type: str, pseudonym: Pseudonym, digest: Digest) -> Rows | Refused:
    """The reports of a push.

    Args:
        body: at most `MOST_BYTES`.
        content_type: of the header; without one it is read as JSON.
        pseudonym: of a phone as on the wire.
        digest: keyed, of a raw row.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _XML_TYPES:
        rows = read_xml_reports(body, pseudonym, digest)
    elif kind in _JSON_TYPES:
        if not _is_flat(body):
            return Refused.DEEP
        rows = read_reports(body, pseudonym, digest)
    else:
        return Refused.TYPE
    if isinstance(rows, Malformed):
        return Refused.SHAPE
    return Refused.MANY if rows.total > MOST_REPORTS else rows


def _is_flat(body: bytes) -> bool:
    """Whether JSON nests no deeper than allowed; looked at before it is parsed."""
    # What stands between quotation marks is text, unless one of them is escaped.
    bare = _TEXTS.sub(b"", body) if b"\\" in body else b"".join(body.split(b'"')[::2])
    brackets = nested = bare.translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MOST_DEPTH):
        nested = nested.replace(b"{}", b"")
    return not nested or _depth(brackets) <= MOST_DEPTH


def _depth(brackets: bytes) -> int:
    """How deep brackets nest that do not fit each other, or too deep."""
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket == _OPEN else -1
        if depth > MOST_DEPTH:
            break
    return depth
