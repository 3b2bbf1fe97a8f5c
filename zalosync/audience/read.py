"""Audience files to chunks of columns, all of them text, in bounded memory.

Files are opened once, safely, and read through the descriptor that was checked. An audience of many files
is one list of rows: files in the order of their names, rows numbered from 0 over all of them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

import polars as pl

from zalosync.audience import delimited, jsonl
from zalosync.audience.apart import KINDS as KINDS_APART
from zalosync.audience.apart import Apart
from zalosync.audience.broken import Code, broken
from zalosync.audience.encoding import Encoding, utf8
from zalosync.audience.limits import Limits
from zalosync.audience.part import Part
from zalosync.audience.piece import Made, Piece, Records, too_many
from zalosync.audience.source import Budget, Source, text_blocks
from zalosync.errors import SpecError
from zalosync.spec.safe_open import glob_inside, inside, is_glob, open_inside

_SEPARATORS = {".csv": (",", ";", "\t"), ".tsv": ("\t",)}
_KINDS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")
_PACKED = ".gz"  # behind one of the first three
_CHUNK_BYTES = 64 * 2**20  # of text; about so much is handled at once, however long the rows are


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows of one file.

    Args:
        frame: all columns of the audience, String, never null: what is not there is the empty string.
        file: the file's path from the project root.
        first_row: the place of the first row among all rows of all files, from 0.
        lines: for each row the physical line (from 1) of `file` on which it begins, UInt32.
    """

    frame: pl.DataFrame
    file: str
    first_row: int
    lines: pl.Series


class Audience:
    """An opened audience: its columns, its files and their rows. Close it, or use it in a `with`.

    Attributes:
        columns: the names, the same in all files.
        files: paths from the project root, sorted.
        size: bytes on the disk.
    """

    def __init__(
        self,
        sources: tuple[Source, ...],
        headers: "_Headers",
        limits: Limits,
        stack: ExitStack,
        encoding: Encoding | None,
    ) -> None:
        self._sources = sources
        self._encoding = encoding
        self._limits = limits
        self._stack = stack
        self._begun = headers.begun
        self._notes = headers.notes
        self.columns = headers.columns
        self.files = tuple(source.file for source in sources)
        self.size = sum(source.size for source in sources)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of how the files were read; complete after all rows were read once."""
        return tuple(self._notes)

    def close(self) -> None:
        """Close all files."""
        self._stack.close()

    def chunks(self, rows: int) -> Iterator[Chunk]:
        """All rows in order, at most `rows` at a time and fewer where rows are long; may be asked for again.

        Raises:
            SpecError: a file is broken, too large, or was changed while it was open.
        """
        first = 0
        for source, read, budget in self._each():
            for part in _regrouped(_counted(_parts(read), source, budget), rows):
                if first + part.frame.height > self._limits.rows:
                    raise too_many(part, first, source.file, self._limits)
                yield Chunk(part.frame, source.file, first, part.lines)
                first += part.frame.height

    def pieces(self, lines: int) -> Iterator[Piece]:
        """All rows in order, about `lines` of them at a time, to be looked into by other processes.

        Whoever does has to count them (`Piece.check`).

        Raises:
            SpecError: what shows at once: a file is broken, too large, or was changed while it was open.
        """
        for source, read, budget in self._each():
            for records in _records(read, source, budget, lines):
                yield Piece(records, source.file, self._limits)

    def _each(self) -> Iterator[tuple[Source, Iterator[Part | Records], Budget]]:
        """Each file, to be read to its end, and what all of them together may still have."""
        budget = Budget(self._limits.size)
        with Apart(self._sources) as apart:
            for source in self._sources:
                begun = self._begun.pop(source.file, None)
                yield (
                    source,
                    begun or _read(source, self._limits, budget, self._notes, apart, self._encoding),
                    budget,
                )
                _check_unchanged(source)


def open_audience(
    root: Path,
    base: Path | str,
    patterns: Sequence[str],
    *,
    limits: Limits | None = None,
    encoding: Encoding | None = None,
) -> Audience:
    """Open the files of an audience and read their headers.

    Args:
        root: the project's folder.
        base: the folder of the file that names the patterns, from the root or absolute.
        patterns: paths or globs relative to `base`; a file that several of them match is read once.
        limits: bounds; the defaults are those of the documentation.
        encoding: of the text files; None: recognised.

    Raises:
        SpecError: a pattern matches nothing, a file may not be opened or is broken, or the files do not
            have the same columns in the same order.
    """
    return open_files(root, matching(root, base, patterns), limits or Limits(), encoding)


def open_files(
    root: Path, names: Sequence[str], limits: Limits, encoding: Encoding | None = None
) -> Audience:
    """As `open_audience`, for the files of these names, from the root."""
    if len(names) > limits.files:
        message = f"the audience has {len(names):,} files"
        raise broken(Code.TOO_LARGE, names[0], 1, message, allowed=f"at most {limits.files:,}")
    with ExitStack() as stack:
        sources = tuple(_opened(root, names, limits, stack))
        apart = stack.enter_context(Apart(sources))
        headers = _headers(sources, limits, apart, encoding)
        return Audience(sources, headers, limits, stack.pop_all(), encoding)


def matching(root: Path, base: Path | str, patterns: Sequence[str]) -> tuple[str, ...]:
    """The files, as sorted paths from the root, that the patterns name.

    Raises:
        SpecError: a pattern matches nothing or leaves the project.
    """
    names: set[str] = set()
    folder = Path(base).relative_to(root) if Path(base).is_absolute() else Path(base)
    for pattern in patterns:
        path = inside(pattern, named_in=str(folder / "spec"))
        found = glob_inside(root, path) if is_glob(path) else (path,)
        if not found:
            raise broken(Code.NOTHING_MATCHES, path, 1, "no file matches this pattern")
        names.update(found)
    return tuple(sorted(names))


def _opened(root: Path, names: Sequence[str], limits: Limits, stack: ExitStack) -> Iterator[Source]:
    left = limits.size
    for name in names:
        _kind(name)
        stream = stack.enter_context(open_inside(root, name, max_bytes=left))
        facts = os.fstat(stream.fileno())
        left -= facts.st_size
        yield Source(name, stream, facts)


@dataclass(slots=True)
class _Headers:
    """What opening an audience found.

    Reading the header of a workbook means reading the workbook, and a Parquet file needs a process; so the
    last one of these is kept for the first pass.
    """

    columns: tuple[str, ...]
    notes: dict[str, None]
    begun: dict[str, Iterator[Part | Records]]


def _headers(sources: Sequence[Source], limits: Limits, apart: Apart, encoding: Encoding | None) -> _Headers:
    found = _Headers((), {}, {})
    for source in sources:
        parts = _parts(_read(source, limits, Budget(limits.size), found.notes, apart, encoding))
        names = tuple(next(parts).frame.columns)
        found.columns = found.columns or names
        if names != found.columns:
            raise _other_columns(source.file, names, sources[0].file, found.columns)
        if _kind(source.file) in KINDS_APART:
            found.begun = {source.file: parts}
    return found


def _kind(name: str) -> str:
    """The end of the file's name that says how to read it."""
    plain = name.lower().removesuffix(_PACKED)
    kind = PurePosixPath(plain).suffix
    if kind not in _KINDS or (plain != name.lower() and kind in {".parquet", ".xlsx"}):
        message = "the kind of this file is not known by the end of its name"
        allowed = f"{', '.join(_KINDS)}; the first three also with {_PACKED}"
        raise broken(Code.FORMAT, name, 1, message, allowed=allowed)
    return kind


def _parts(read: Iterator[Part | Records]) -> Iterator[Part]:
    """The rows of one file; the first part has the columns."""
    return (each if isinstance(each, Part) else each.part() for each in read)


def _records(
    read: Iterator[Part | Records], source: Source, budget: Budget, lines: int
) -> Iterator[Records | Made]:
    """The same in pieces of about so many lines, without the columns."""
    if _kind(source.file) in KINDS_APART:
        yield from map(Made, _regrouped(_counted(_parts(read), source, budget), lines))
        return
    for each in read:
        if not isinstance(each, Part):
            yield from each.split(lines)


def _read(
    source: Source,
    limits: Limits,
    budget: Budget,
    notes: dict[str, None],
    apart: Apart,
    encoding: Encoding | None,
) -> Iterator[Part | Records]:
    """One file by its format: a part with the columns, then parts or records."""
    kind = _kind(source.file)
    note = notes.setdefault  # each sentence once, in order
    if kind in KINDS_APART:
        return apart.parts(kind, source, limits, note)
    text = utf8(text_blocks(source, budget, limits), source.file, note, encoding)
    if kind == ".jsonl":
        return jsonl.read(text, source.file, limits)
    return delimited.read(text, source.file, limits, _SEPARATORS[kind])


def _counted(parts: Iterator[Part], source: Source, budget: Budget) -> Iterator[Part]:
    """The same parts; of formats that are no text, the bytes of the values are what counts."""
    for part in parts:
        if _kind(source.file) in KINDS_APART:
            budget.take(_text_bytes(part), source.file)
        yield part


def _regrouped(parts: Iterator[Part], rows: int) -> Iterator[Part]:
    """The same rows in parts of exactly `rows`, but for the last one and where they hold much text."""
    waiting: list[Part] = []
    held, size = 0, 0
    for part in parts:
        waiting.append(part)
        held += part.frame.height
        size += _text_bytes(part)
        if held < rows and size < _CHUNK_BYTES:
            continue
        whole = _joined(waiting)
        for start in range(0, held - rows + 1, rows):
            yield Part(whole.frame.slice(start, rows), whole.lines.slice(start, rows))
        held %= rows
        rest = Part(whole.frame.tail(held), whole.lines.tail(held))
        if held and size >= _CHUNK_BYTES:
            yield rest
            rest, held = Part(rest.frame.clear(), rest.lines.clear()), 0
        waiting, size = [rest], _text_bytes(rest)
    if held:
        yield _joined(waiting)


def _text_bytes(part: Part) -> int:
    return sum(part.frame.select(pl.all().str.len_bytes().sum()).row(0)) if part.frame.height else 0


def _joined(parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    return Part(pl.concat([part.frame for part in parts]), pl.concat([part.lines for part in parts]))


def _check_unchanged(source: Source) -> None:
    now = os.fstat(source.stream.fileno())
    if (now.st_size, now.st_mtime_ns) != (source.facts.st_size, source.facts.st_mtime_ns):
        raise broken(Code.CHANGED, source.file, 1, "the file was changed while it was read; run again")


def _other_columns(file: str, names: tuple[str, ...], first: str, columns: tuple[str, ...]) -> SpecError:
    missing = [f"`{name}`" for name in columns if name not in names]
    more = [f"`{name}`" for name in names if name not in columns]
    differences = [f"without {', '.join(missing)}"] if missing else []
    differences += [f"with {', '.join(more)}"] if more else []
    message = f"the columns are not those of {first}: {' and '.join(differences) or 'another order'}"
    return broken(
        Code.OTHER_COLUMNS, file, 1, message, allowed="the same columns in all files of one audience"
    )
