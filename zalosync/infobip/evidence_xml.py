"""Pushed delivery reports in their XML form, for accounts that ask for it: a pure function.

A document is `<ZaloReportRequest><results><results>…</results>…</results></ZaloReportRequest>`, with the
fields of the JSON form as elements. Numbers become numbers again, so that a report pushed in both forms is
the same report. Document types are refused, and with them entities of any kind.
"""

from typing import Any
from xml.parsers import expat

from zalosync.infobip.evidence import Digest, Pseudonym, Rows, report_rows
from zalosync.provider import Malformed

_DEEPEST = 8  # elements within elements; a report needs five
_MOST = 200_000  # elements in a document: 2,000 reports, the largest push, have 60,000
_INTEGERS = frozenset({"groupId", "id", "messageCount"})
_NUMBERS = frozenset({"pricePerMessage"})
_WORDS = {"true": True, "false": False}


class _RefusedError(ValueError):
    """The document is XML, and not one that we read."""


def read_xml_reports(body: bytes, pseudonym: Pseudonym, digest: Digest) -> Rows | Malformed:
    """The rows of a pushed document, as `evidence.read_reports` gives those of JSON."""
    if not body.strip():
        return Malformed.EMPTY
    tree = _Tree()
    try:
        tree.read(body)
    except (expat.ExpatError, _RefusedError, ValueError, LookupError):
        return Malformed.SHAPE
    return report_rows(tree.rows, pseudonym, digest)


class _Tree:
    """Collects the rows while the document is read; nothing above a row is kept."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._path: list[str] = []
        self._open: list[dict[str, Any]] = []
        self._text: list[str] = []
        self._elements = 0

    def read(self, body: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.buffer_text = True
        parser.Parse(body, True)

    def _refuse(self, *_: object) -> None:
        raise _RefusedError

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._elements += 1
        self._path.append(name)
        if len(self._path) > _DEEPEST or self._elements > _MOST:
            raise _RefusedError
        if self._path[1:2] not in ([], ["results"]):
            raise _RefusedError
        self._open.append({})
        self._text.clear()

    def _end(self, name: str) -> None:
        fields = self._open.pop()
        value = fields or _value(name, "".join(self._text))
        self._text.clear()
        self._path.pop()
        if len(self._path) == 2 and name == "results":  # noqa: PLR2004 - root and wrapper
            self.rows.append(fields)
        elif self._open:
            self._open[-1][name] = value


def _value(name: str, text: str) -> object:
    """A leaf's text as JSON would have it; what is not a number stays text, and is then no number."""
    text = text.strip()
    if name in _INTEGERS and text.removeprefix("-").isdecimal() and len(text) < 12:  # noqa: PLR2004 - 32 bits
        return int(text)
    if name in _NUMBERS:
        try:
            return float(text)
        except ValueError:
            return text
    return _WORDS.get(text, text) if name == "permanent" else text
