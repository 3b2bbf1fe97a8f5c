"""The events of a YAML text: ruamel.yaml's pure parser, with its busiest steps made quicker.

What is accepted and where it stands is ruamel.yaml's own; a test holds these events against those of the
parser as it comes. Hundreds of files are read in one run, and half of the time went into asking, sign by
sign, what could be asked once.
"""

import re
from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import StringMark, YAMLError
from ruamel.yaml.events import Event
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner
from ruamel.yaml.tokens import ScalarToken, TagToken

_LINE_ENDS = re.compile("[\n\r\ufeff]")
_NOT_A_SPACE = re.compile("[^ ]")
_NOT_WHITE = re.compile("[^ \t]")
_LINE_END = re.compile("[\0\n\r\x85\u2028\u2029]")
# What many words in one value are made of: read run by run, where the parser goes sign by sign.
_END = "\0\n\r\x85\u2028\u2029"
_WORD, _FLOW_WORD = (
    f"(?:[^{_END} \t:{signs}]|:(?![{_END} \t]))(?:[^{_END} \t:{signs}]++|:(?![{_END} \t]))*+"
    for signs in ("", r",\[\]{}")
)
_WORDS, _FLOW_WORDS = (re.compile(f"{word}(?: +(?!#){word})*+") for word in (_WORD, _FLOW_WORD))
_WHITE_INSIDE = rf"[ \t]++(?=[^ \t{_END}])"
_ESCAPES = {f"\\{letter}": text for letter, text in Scanner.ESCAPE_REPLACEMENTS.items()}
_NUMBERED = r"\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_ESCAPE = re.compile(f"{_NUMBERED}|{'|'.join(map(re.escape, _ESCAPES))}")
_SINGLE = re.compile(f"(?:[^'{_END} \t]++|''|{_WHITE_INSIDE})++")
_DOUBLE = re.compile(rf'(?:[^"\\{_END} \t]++|{_ESCAPE.pattern}|{_WHITE_INSIDE})++')


MAX_FLOW = 40  # brackets within each other: more than are accepted; the scanner looks far ahead for each
MAX_TAG = 200  # characters; none is accepted, and a longer one is not read to its end
_LONG_TAG = re.compile(f"[^ \0\n\r]{{{MAX_TAG}}}")


class TooMuchError(YAMLError):
    """What a scan stops at before an event tells it: brackets without end, or a tag without end."""

    def __init__(self, mark: StringMark, *, tag: bool) -> None:
        super().__init__("too much of one thing")
        self.mark = mark
        self.tag = tag


def events_of(text: str) -> Iterator[Event]:
    """The events of a text, one by one; nothing is built.

    Raises:
        TooMuchError: brackets stand too deep within each other, or a tag is far too long.
        YAMLError: where the text is not YAML, when the events before it were given.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Reader = _Reader
    yaml.Scanner = _Scanner
    yaml.Parser = _Parser
    return iter(yaml.parse(text))


class _Reader(Reader):
    def forward(self, length: int = 1) -> None:
        """Go on; signs without a line end among them are counted at once."""
        here = self.pointer
        there = here + length
        if there + 1 < len(self.buffer) and _LINE_ENDS.search(self.buffer, here, there) is None:
            self.pointer = there
            self.index += length
            self.column += length
        else:
            super().forward(length)


class _Scanner(Scanner):
    def check_token(self, *choices: type) -> bool:
        """Whether the next token is of one of these kinds."""
        while self.need_more_tokens():
            self.fetch_more_tokens()
        return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))

    def need_more_tokens(self) -> bool:
        """Whether the next token could still turn out to be a key."""
        if self.done:
            return False
        if not self.tokens:
            return True
        if not self.possible_simple_keys:
            return False
        self.stale_possible_simple_keys()
        return bool(self.next_possible_simple_key() == self.tokens_taken)

    def stale_possible_simple_keys(self) -> None:
        """Forget keys of lines that are over."""
        if self.possible_simple_keys:
            super().stale_possible_simple_keys()

    def scan_to_next_token(self) -> None:
        """Pass over white space, line ends and comments, each run of them at once."""
        reader = self.reader
        if reader.index == 0:
            super().scan_to_next_token()
            return
        white = _NOT_WHITE if self.flow_context else _NOT_A_SPACE
        while True:
            self._skip(white)
            if reader.peek() == "#":
                self._skip(_LINE_END)
            if not self.scan_line_break():
                return
            if not self.flow_context:
                self.allow_simple_key = True

    def fetch_flow_collection_start(self, token: type, to_push: str) -> None:
        """A bracket is opened."""
        if len(self.flow_context) >= MAX_FLOW:
            raise TooMuchError(self.reader.get_mark(), tag=False)
        super().fetch_flow_collection_start(token, to_push)

    def scan_tag(self) -> TagToken:
        """A tag, which the caller refuses."""
        reader = self.reader
        if _LONG_TAG.match(reader.buffer, reader.pointer) is not None:
            raise TooMuchError(reader.get_mark(), tag=True)
        tag: TagToken = super().scan_tag()
        return tag

    def scan_plain(self) -> ScalarToken:
        """An unquoted text, its words on one line at once."""
        reader, indent = self.reader, self.indent + 1
        words = _FLOW_WORDS if self.flow_level else _WORDS
        start = end = reader.get_mark()
        read: list[str] = []
        spaces: list[str] = []
        while run := words.match(reader.buffer, reader.pointer) if reader.peek() != "#" else None:
            self.allow_simple_key = False
            read += [*spaces, run.group()]
            reader.forward(len(run.group()))
            end = reader.get_mark()
            spaces = self.scan_plain_spaces(indent, start)
            if not spaces or (not self.flow_level and reader.column < indent):
                break
        return ScalarToken("".join(read), True, start, end)

    def scan_flow_scalar_non_spaces(self, double: bool, start_mark: StringMark) -> list[str]:  # noqa: FBT001 - the parser's
        """The next part of a quoted text, its words and escapes on one line at once."""
        reader, run = self.reader, _DOUBLE if double else _SINGLE
        read: list[str] = []
        while True:
            if found := run.match(reader.buffer, reader.pointer):
                text = found.group()
                reader.forward(len(text))
                read.append(_ESCAPE.sub(_unescaped, text) if double else text.replace("''", "'"))
            elif double and reader.peek() == "\\" and reader.peek(1) in _END[1:]:
                reader.forward()
                self.scan_line_break()
                read += self.scan_flow_scalar_breaks(double, start_mark)
            elif double and reader.peek() == "\\":
                return [
                    *read,
                    *super().scan_flow_scalar_non_spaces(double, start_mark),
                ]  # an error, in its words
            else:
                return read

    def _skip(self, until: re.Pattern[str]) -> None:
        reader = self.reader
        found = until.search(reader.buffer, reader.pointer)
        if found is not None and found.start() > reader.pointer:
            reader.forward(found.start() - reader.pointer)


def _unescaped(found: re.Match[str]) -> str:
    """What an escape of a quoted text stands for."""
    text = found.group()
    return _ESCAPES.get(text) or chr(int(text.lstrip("\\xuU"), 16))


class _Parser(Parser):
    _own_scanner: Scanner | None = None

    @property
    def scanner(self) -> Scanner:
        """The scanner, looked up once."""
        if self._own_scanner is None:
            self._own_scanner = super().scanner
        return self._own_scanner
