"""The canonical form of a spec: one order of keys, one indentation, one way to quote; comments stay.

A file is written anew from its values and its comments, then read again: if one value or one comment came
out otherwise, the file is left as it was and the bug is named.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal

from ruamel.yaml.events import (
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from zalosync.errors import InternalError, SpecError
from zalosync.spec.document import Document, Steps, read_document
from zalosync.spec.emit import Entry, Node, text_of
from zalosync.spec.events import events_of
from zalosync.spec.outline import keys_at
from zalosync.spec.schema import KINDS
from zalosync.spec.values import Shape

_SIGN = re.compile(r"(?:(?<=\s)|^)#", re.MULTILINE)


def formatted(data: bytes, file: str) -> str:
    """The canonical text of a spec.

    Args:
        data: the file.
        file: its path, for errors.

    Raises:
        SpecError: it is not YAML that this language accepts.
        InternalError: formatting would change what it says; the file is to be left as it is.
    """
    document = read_document(data, file)
    if document.problems:
        raise SpecError(list(document.problems))
    source = data.decode().replace("\r\n", "\n")
    root = tree_of(source)
    head = _attach(source, root)
    _order(root, (), _model(document))
    body = text_of(root)
    text = "\n".join([*head, body]) + "\n"
    again = read_document(text.encode(), file)
    if again.problems or again.value != document.value or _words(text) != _words(source):
        raise InternalError(f"{file}: formatting would change the file; it is left as it is")
    return text


def _words(source: str) -> list[str]:
    """Every comment, in no order: none may be lost or made."""
    return sorted(text for _, _, text, _ in _comments(source, tree_of(source)))


def _model(document: Document) -> type[Shape] | None:
    kind = document.at(("kind",))
    if isinstance(kind, str):
        return KINDS.get(kind.lower())
    if document.at(("templates",)) is not None:
        return KINDS["templates-lock"]
    return KINDS["prices"] if document.at(("currency",)) is not None else None


# -- the tree -------------------------------------------------------------------------------------------


def tree_of(source: str) -> Node:
    """The values of a file that is YAML of this language, with their places; comments are not attached."""
    events = events_of(source)
    for event in events:
        if isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent)):
            return _node(event, events)
    raise InternalError("an empty file has no form")


def _node(event: Event, events: Iterator[Event]) -> Node:
    start, first = event.start_mark, event.start_mark.line
    if isinstance(event, ScalarEvent):
        lines = event.end_mark.line - (1 if event.end_mark.column == 0 and event.style in {"|", ">"} else 0)
        span = (start.index, event.end_mark.index)
        plain = event.style is None
        return Node("scalar", first, max(first, lines), span, text=str(event.value), plain=plain)
    entries: list[Entry] = []
    assert isinstance(event, (SequenceStartEvent, MappingStartEvent))
    flow = bool(event.flow_style)
    kind: Literal["list", "mapping"]
    closing: type[Event]
    if isinstance(event, SequenceStartEvent):
        kind, closing = "list", SequenceEndEvent
    else:
        kind, closing = "mapping", MappingEndEvent
    while not isinstance(inner := next(events), closing):
        line, column = inner.start_mark.line, inner.start_mark.column
        if kind == "list":
            value = _node(inner, events)
            entries.append(Entry("", value, line, column if flow else start.column, (0, 0)))
        else:
            assert isinstance(inner, ScalarEvent)
            span = (inner.start_mark.index, inner.end_mark.index)
            entries.append(Entry(str(inner.value), _node(next(events), events), line, column, span))
    end = inner.end_mark if flow else start
    last = end.line if flow else max((entry.value.last for entry in entries), default=first)
    return Node(kind, first, last, (start.index, end.index if flow else start.index), entries, flow=flow)


def _scalars(node: Node) -> Iterator[Node]:
    if node.kind == "scalar":
        yield node
    for entry in node.entries:
        yield from _scalars(entry.value)


def _key_spans(node: Node) -> Iterator[tuple[int, int]]:
    for entry in node.entries:
        yield entry.span
        yield from _key_spans(entry.value)


def _entries(node: Node, above: tuple[Entry, ...] = ()) -> Iterator[tuple[Entry, tuple[Entry, ...]]]:
    """Every entry that has a line, in the order of the file, with those that hold it, outermost first."""
    for entry in node.entries:
        yield entry, above
        if not entry.value.flow:
            yield from _entries(entry.value, (*above, entry))


# -- comments -------------------------------------------------------------------------------------------


def _comments(source: str, root: Node) -> list[tuple[int, int, str, bool]]:
    """Every comment: line and column from 0, text, and whether it has the line to itself."""
    spans: list[tuple[int, int]] = []
    for node in _scalars(root):
        begin, end = node.span
        if source[begin : begin + 1] in {"|", ">"} and not node.plain:
            begin = source.find("\n", begin)  # a comment may stand beside the sign
        spans.append((begin, end))
    spans = sorted([*spans, *(span for span in _key_spans(root) if span != (0, 0))])
    begins = [begin for begin, _ in spans]
    found: list[tuple[int, int, str, bool]] = []
    after = 0
    while (match := _SIGN.search(source, after)) is not None:
        at = match.start()
        nearest = bisect_right(begins, at) - 1
        if nearest >= 0 and at < spans[nearest][1]:
            after = at + 1  # a sign within a text
            continue
        start = source.rfind("\n", 0, at) + 1
        end = source.find("\n", at)
        after = len(source) if end < 0 else end
        text, before = source[at:after].rstrip(), source[start:at]
        found.append((source.count("\n", 0, at), at - start, text, not before.strip()))
    return found


def _attach(source: str, root: Node) -> list[str]:
    """Give each comment and each blank line to the entry it belongs to; what stands above all is the head."""
    lines = source.split("\n")
    comments = _comments(source, root)
    root.flow = False
    _leave_blanks_after(root, source, lines)
    for line, _, _, _ in comments:
        _open(root, line)
    entries = list(_entries(root))
    head: list[str] = []
    alone = {line: (column, text) for line, column, text, own_line in comments if own_line}
    for line, _, text, own_line in comments:
        if not own_line:
            _beside(entries, line, text)
    first = entries[0][0].line if entries else len(lines)
    for line, (column, text) in sorted(alone.items()):
        following = next((entry for entry, _ in entries if entry.line > line), None)
        if line < first:
            head.append(text)
        elif following is not None and following.column >= column - 1:
            following.before.append(text)
        else:
            _holder(root, entries, line, column).foot.append(text)
    for entry, _ in entries:
        above = entry.line - 1
        while above in alone:
            above -= 1
        blank = above >= 0 and above >= first and not lines[above].strip()
        if blank and not _inside_scalar(root, above):
            entry.before.insert(0, "")
    return head


def _beside(entries: Sequence[tuple[Entry, tuple[Entry, ...]]], line: int, text: str) -> None:
    here = [entry for entry, _ in entries if entry.line == line]
    ending = [entry for entry, _ in entries if entry.value.last == line]
    if not here and not ending:  # beside the dash of an entry that begins on a later line
        later = next((entry for entry, _ in entries if entry.line > line), entries[-1][0])
        later.before.append(text)
        return
    target = here[-1] if here else ending[0]
    if target.beside:
        target.before.append(text)
    else:
        target.beside = text


def _holder(root: Node, entries: Sequence[tuple[Entry, tuple[Entry, ...]]], line: int, column: int) -> Node:
    """The mapping or list at whose end a comment stands: the deepest that is not deeper than it."""
    before = [(*above, entry) for entry, above in entries if entry.line < line]
    chain = before[-1] if before else ()
    for depth in range(len(chain) - 1, 0, -1):
        if chain[depth].column <= column:
            return chain[depth - 1].value
    return root


def _open(node: Node, line: int) -> None:
    """A flow collection with a comment inside is written in lines."""
    if node.flow and node.first <= line < node.last:
        node.flow = False
    for entry in node.entries:
        _open(entry.value, line)


def _leave_blanks_after(root: Node, source: str, lines: Sequence[str]) -> None:
    """A text under `|` or `>` ends with its last word, not with the blank lines that follow it."""
    for node in _scalars(root):
        sign = source[node.span[0] : node.span[0] + 3]
        if node.plain or sign[:1] not in {"|", ">"} or "+" in sign:
            continue
        while node.last > node.first and not lines[node.last].strip():
            node.last -= 1


def _inside_scalar(root: Node, line: int) -> bool:
    return any(node.first < line <= node.last for node in _scalars(root))


# -- order ----------------------------------------------------------------------------------------------


def _order(node: Node, steps: Steps, model: type[Shape] | None) -> None:
    """The keys of each mapping in the language's order; those it does not know stay behind, as written."""
    if model is None:
        return
    if node.kind == "mapping":
        known = {key: index for index, key in enumerate(keys_at(model, steps))}
        node.entries.sort(key=lambda entry: known.get(entry.key, len(known)))
    for index, entry in enumerate(node.entries):
        _order(entry.value, (*steps, entry.key if node.kind == "mapping" else index), model)
