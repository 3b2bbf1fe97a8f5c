"""The sentences of a Markdown document: each of its prose, and each line of its code blocks."""

import re
from collections.abc import Iterator

_FENCE = "```"
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`*“\"({])")
_BULLET = re.compile(r"^\s*(?:[-*]|[0-9]+\.) ")


def sentences(markdown: str) -> list[str]:
    """Every sentence in its order, white space as one space; headings and fences are none."""
    return [sentence for block in _blocks(markdown) for sentence in block if sentence]


def _blocks(markdown: str) -> Iterator[list[str]]:
    paragraph: list[str] = []
    fenced = False
    for line in [*markdown.splitlines(), ""]:
        if line.startswith(_FENCE):
            fenced = not fenced
        if fenced and not line.startswith(_FENCE):
            yield [_plain(line)]
            continue
        ends = not line.strip() or line.startswith(("#", _FENCE)) or _BULLET.match(line)
        if ends:
            yield _END.split(_plain(" ".join(paragraph)))
            paragraph = []
        if not line.startswith(("#", _FENCE)):
            paragraph.append(_BULLET.sub("", line, count=1))


def _plain(text: str) -> str:
    return " ".join(text.split())


def code_blocks(markdown: str) -> list[str]:
    """What stands between fences, block by block, without the last line end."""
    return [block.partition("\n")[2] for block in markdown.split(f"\n{_FENCE}")[1::2]]
