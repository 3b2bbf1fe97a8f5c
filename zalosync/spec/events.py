"""The events of a YAML text: ruamel.yaml's pure parser, with its busiest steps made quicker.

What is accepted and where it stands is ruamel.yaml's own; a test holds these events against those of the
parser as it comes. Hundreds of files are read in one run, and half of the time went into asking, sign by
sign, what could be asked once.
"""

import re
from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.events import Event
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner

_LINE_ENDS = re.compile("[\n\r\ufeff]")
_NOT_A_SPACE = re.compile("[^ ]")
_NOT_WHITE = re.compile("[^ \t]")
_LINE_END = re.compile("[\0\n\r\x85\u2028\u2029]")


def events_of(text: str) -> Iterator[Event]:
    """The events of a text, one by one; nothing is built.

    Raises:
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

    def _skip(self, until: re.Pattern[str]) -> None:
        reader = self.reader
        found = until.search(reader.buffer, reader.pointer)
        if found is not None and found.start() > reader.pointer:
            reader.forward(found.start() - reader.pointer)


class _Parser(Parser):
    _own_scanner: Scanner | None = None

    @property
    def scanner(self) -> Scanner:
        """The scanner, looked up once."""
        if self._own_scanner is None:
            self._own_scanner = super().scanner
        return self._own_scanner
