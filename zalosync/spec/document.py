"""One YAML file as plain values with a position for each: read once, refused early, nothing expanded.

The events of ruamel.yaml's pure parser (YAML 1.2) are turned straight into values and positions, so that
an alias bomb is refused at its first anchor and a deep or long file at its limit, before anything is
built. Numbers and booleans are recognised here by the YAML 1.2 core schema, with their written form kept:
an unquoted `0901234567` can then be told from a number.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from zalosync.errors import Place, Problem
from zalosync.spec.events import TooMuchError, events_of

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_NODES = 10_000
MAX_LINES = 50_000
MAX_LINE = 20_000  # characters; the parser's time for some signs grows with the square of a line's length
MAX_PROBLEMS = 100  # of one file as YAML; more are not looked for
AGAIN = " (again)"  # stands after a key that is there twice, in the steps to its second value
SHOWN_LINE = 160  # characters of a source line that an error may show

TAGS = "tags (`!…`) are not accepted; remove it"
DEPTH = f"values are nested more than {MAX_DEPTH} deep"

Steps = tuple[str | int, ...]
Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

_NUMBER_CHARACTERS = 40  # a longer run of digits is text: no field holds such a number
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# What YAML allows, less what some tools take for a line end, turns text around, or marks a byte order.
_FORBIDDEN = re.compile(
    "\r(?!\n)|[^\t\n\r\u0020-\u007e\u00a0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\ufeff-\ufffd\U00010000-\U0010ffff]"
)
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content and where each part of it stands.

    Attributes:
        file: path from the project root.
        lines: the source, for the caret.
        value: the content; a file that could not be parsed has None.
        keys: steps → line and column, from 1, of the key or list entry.
        values: steps → line and column, from 1, of the value.
        plain: steps → the written form of unquoted numbers, booleans and nulls.
        problems: what is wrong with it as YAML.
        parsed: whether the whole file could be read.
    """

    file: str
    lines: tuple[str, ...]
    value: Value = None
    keys: Mapping[Steps, tuple[int, int]] = field(default_factory=dict, repr=False)
    values: Mapping[Steps, tuple[int, int]] = field(default_factory=dict, repr=False)
    plain: Mapping[Steps, str] = field(default_factory=dict, repr=False)
    problems: tuple[Problem, ...] = ()
    parsed: bool = False

    def place(self, steps: Steps, *, key: bool = False) -> Place:
        """Where the value (or its key) at these steps stands; the nearest key above it where it is not."""
        while steps:
            table = self.keys if key else self.values
            found = table.get(steps) or self.keys.get(steps) or self.values.get(steps)
            if found is not None:
                return Place(self.file, *found)
            steps, key = steps[:-1], True
        return Place(self.file, *self.values.get((), (1, 1)))

    def source(self, line: int) -> str:
        """The source line, from 1, cut to what an error may show; empty past the end."""
        return self.lines[line - 1][:SHOWN_LINE] if 0 < line <= len(self.lines) else ""

    def at(self, steps: Steps) -> Value:
        """The value at these steps, or None where there is none."""
        here: Value = self.value
        for step in steps:
            if isinstance(here, dict):
                here = here.get(str(step))
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
            else:
                return None
        return here


def path_text(steps: Steps) -> str:
    """The YAML path as people write it: `spec.audience.exclude[0]`."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{"".join(c if c.isprintable() else "?" for c in step)[:60]}"]'
    return text


def place_of(document: Document, path: str | Steps) -> Place:
    """Where a path such as `spec.audience.path[0]` stands in its file."""
    return document.place(parse_path(path) if isinstance(path, str) else path)


def parse_path(path: str) -> Steps:
    """The steps of a path as `path_text` writes it."""
    steps: list[str | int] = []
    for quoted, index, plain in re.findall(r'\["([^"]*)"\]|\[([0-9]+)\]|([^.\[]+)', path):
        steps.append(int(index) if index else quoted or plain)
    return tuple(steps)


def read_document(data: bytes, file: str) -> Document:
    """Read one YAML file. Never raises for what the file holds: see `problems` and `parsed`."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        return _refused(file, (), "ZS110", line, column, "the file is not UTF-8; save it as UTF-8")
    lines = tuple(text.split("\n"))
    if len(data) > MAX_BYTES:
        message = f"the file is too large: at most {MAX_BYTES:,} bytes are accepted, it has {len(data):,}"
        return _refused(file, (), "ZS106", 1, 1, message)
    if len(lines) > MAX_LINES:
        return _refused(
            file, (), "ZS118", MAX_LINES, 1, f"the file has more than {MAX_LINES:,} lines; split it"
        )
    long = next((number for number, line in enumerate(lines, 1) if len(line) > MAX_LINE), None)
    if long is not None:
        message = f"the line has more than {MAX_LINE:,} characters; break it"
        return _refused(file, (), "ZS118", long, MAX_LINE + 1, message)
    bad = _FORBIDDEN.search(text) or re.search(_BOM, text)
    if bad is not None:
        line = text.count("\n", 0, bad.start()) + 1
        column = bad.start() - text.rfind("\n", 0, bad.start())
        name = "a byte-order mark" if bad.group() == _BOM else f"the character U+{ord(bad.group()):04X}"
        return _refused(file, (), "ZS121", line, column, f"{name} must not stand in a spec; remove it")
    builder = _Builder(file, lines)
    try:
        builder.read(events_of(text))
    except _Stop:
        pass
    except TooMuchError as error:
        line, column = error.mark.line + 1, error.mark.column + 1
        builder.add("ZS113" if error.tag else "ZS117", line, column, TAGS if error.tag else DEPTH)
    except MarkedYAMLError as error:
        builder.syntax(error)
    except (YAMLError, ValueError, RecursionError) as error:
        builder.add("ZS111", 1, 1, f"this is not YAML that can be read ({type(error).__name__})")
    return builder.document()


def _refused(file: str, lines: tuple[str, ...], code: str, line: int, column: int, message: str) -> Document:
    problem = Problem(code=code, place=Place(file, line, column), path="", message=message)
    return Document(file=file, lines=lines, problems=(problem,))


class _Stop(Exception):
    """A limit was passed; what was read so far is not used."""


class _Builder:
    """Builds one document from the parser's events."""

    def __init__(self, file: str, lines: tuple[str, ...]) -> None:
        self._file = file
        self._lines = lines
        self._events: Iterator[Event] = iter(())
        self._problems: list[Problem] = []
        self._keys: dict[Steps, tuple[int, int]] = {}
        self._values: dict[Steps, tuple[int, int]] = {}
        self._plain: dict[Steps, str] = {}
        self._nodes = 0
        self._value: Value = None
        self._parsed = False

    def document(self) -> Document:
        return Document(
            file=self._file,
            lines=self._lines,
            value=self._value,
            keys=self._keys,
            values=self._values,
            plain=self._plain,
            problems=tuple(self._problems),
            parsed=self._parsed,
        )

    def add(self, code: str, line: int, column: int, message: str, steps: Steps = ()) -> None:
        place = Place(self._file, line, column)
        self._problems.append(Problem(code=code, place=place, path=path_text(steps), message=message))

    def note(self, code: str, line: int, column: int, message: str, steps: Steps = ()) -> None:
        self.add(code, line, column, message, steps)
        if len(self._problems) >= MAX_PROBLEMS:
            raise _Stop

    def syntax(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        what = str(error.problem or error.context or "unreadable").strip()
        context = f" {error.context}" if error.problem and error.context else ""
        text = self._lines[line - 1] if line <= len(self._lines) else ""
        mend = ""
        if "\t" in text[: column + 1]:
            mend = "; indent with spaces, not with tabs"
        elif "mapping values are not allowed" in what:
            mend = "; a text with `: ` in it stands in quotes, and a key is indented like its neighbours"
        elif "block end" in what or "<block" in what:
            mend = "; check the indentation of this line and the one above"
        self.add("ZS111", line, column, f"this is not valid YAML: {what}{context}{mend}")

    def read(self, events: Iterator[Event]) -> None:
        self._events = events
        documents = 0
        for event in events:
            if not isinstance(event, DocumentStartEvent):
                continue
            documents += 1
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if documents > 1:
                self.note("ZS116", line, column, "a file holds one document; move this one to its own file")
                raise _Stop
            if event.version is not None or event.tags:
                self.note("ZS114", max(1, line - 1), 1, "directives (`%…`) are not accepted; remove the line")
            self._value = self._node(next(events), (), 1)
        if not documents:
            self.note("ZS120", 1, 1, "the file is empty")
            raise _Stop
        self._parsed = True

    def _node(self, event: Event, steps: Steps, depth: int) -> Value:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        self._values[steps] = (line, column)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self.note("ZS118", line, column, f"the file holds more than {MAX_NODES:,} values; split it")
            raise _Stop
        if isinstance(event, AliasEvent):
            self.note(
                "ZS112",
                line,
                column,
                f"aliases (`*{event.anchor}`) are not accepted; repeat the value",
                steps,
            )
            return None
        assert isinstance(event, NodeEvent)
        if event.anchor is not None:
            self.note(
                "ZS112",
                line,
                column,
                f"anchors (`&{event.anchor}`) are not accepted; repeat the value",
                steps,
            )
        if getattr(event, "ctag", None) is not None:
            self.note("ZS113", line, column, TAGS, steps)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, steps)
        if depth > MAX_DEPTH:
            self.note("ZS117", line, column, DEPTH, steps[:8])
            raise _Stop
        if isinstance(event, SequenceStartEvent):
            return self._sequence(steps, depth)
        assert isinstance(event, MappingStartEvent)
        return self._mapping(steps, depth)

    def _sequence(self, steps: Steps, depth: int) -> Value:
        items: list[Value] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            items.append(self._node(event, (*steps, len(items)), depth + 1))
        return items

    def _mapping(self, steps: Steps, depth: int) -> Value:
        items: dict[str, Value] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            key = self._key(event, steps, depth)
            at = (*steps, key)
            if key in items:
                first = self._keys[at][0]
                self.note(
                    "ZS119", line, column, f"this key stands twice, first in line {first}; keep one", at
                )
                at = (*steps, key + AGAIN)
            self._keys[at] = (line, column)
            value = self._node(next(self._events), at, depth + 1)
            items.setdefault(key, value)
        return items

    def _key(self, event: Event, steps: Steps, depth: int) -> str:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if not isinstance(event, ScalarEvent):
            rest = self._lines[line - 1][column - 1 :] if line <= len(self._lines) else ""
            before = (
                self._lines[line - 1][max(0, column - 2) : column - 1] if line <= len(self._lines) else ""
            )
            template = rest.startswith("{") and (before == "{" or rest.startswith("{{"))
            column -= template and before == "{"
            self._node(event, (*steps, "?"), depth + 1)
            message = (
                'a template must stand in quotes: write "{{ … }}"'
                if template
                else "a key must be text, not a list or a mapping"
            )
            self.note("ZS122", line, column, message, steps)
            return "?"
        key = self._scalar(event, (*steps, "?"), is_key=True)
        self._nodes += 1
        if event.value == "<<" and event.style is None:
            self.note("ZS115", line, column, "merge keys (`<<`) are not accepted; repeat the values", steps)
        elif not isinstance(key, str):
            self.note(
                "ZS122", line, column, f'a key must be text; write it in quotes: "{event.value}"', steps
            )
        if event.anchor is not None or event.ctag is not None:
            code, what = ("ZS112", "anchors") if event.anchor is not None else ("ZS113", "tags")
            self.note(code, line, column, f"{what} are not accepted; remove it", (*steps, event.value))
        return str(event.value)

    def _scalar(self, event: ScalarEvent, steps: Steps, *, is_key: bool = False) -> Value:
        text = str(event.value)
        if event.style is not None or event.ctag is not None:
            return text
        value = _plain(text)
        if not isinstance(value, str) and not is_key:
            self._plain[steps] = text
        return value


def _plain(text: str) -> Value:
    """An unquoted scalar by the YAML 1.2 core schema; infinities and not-a-number stay text."""
    if not text or text[0] in "-+.0123456789":
        if len(text) > _NUMBER_CHARACTERS:
            return text
        if _INTEGER.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    return text
