"""Lists of people who must not be messaged. What cannot be read in them stops the plan: it is somebody."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import polars as pl

from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.audience.phone import Fault, normalise, normalise_column
from zalosync.audience.read import Audience, Chunk, matching, open_files
from zalosync.errors import Problem, SpecError

_ROWS = 100_000  # read at once
_MOST_PROBLEMS = 20  # reported of one file
_UNTIL = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?", re.ASCII)
# A real number that this campaign could never message: another country's, or not a mobile one.
_OUT_OF_REACH = (Fault.OTHER_REGION, Fault.NOT_MOBILE)


class NotAListError(SpecError):
    """A file that is named as a suppression list and cannot be opened as one."""


@dataclass(frozen=True, slots=True)
class Suppressions:
    """Who must not be messaged at one moment.

    Args:
        phones: normalised, String, sorted, each once.
        files: the files read, from the project root, sorted.
        rows: rows of all files.
        expired: rows whose `until` has passed.
        out_of_reach: rows with a number of another region or no mobile number.
    """

    phones: pl.Series
    files: tuple[str, ...]
    rows: int
    expired: int
    out_of_reach: int


def read_suppressions(
    root: Path,
    base: Path | str,
    patterns: Sequence[str],
    region: str,
    now: datetime,
    *,
    limits: Limits | None = None,
) -> Suppressions:
    """The phones that the lists suppress at `now`.

    A list has a column `phone`; `until` (a date, or a time, to the end of which the row holds; empty: for
    ever) and any other column, such as `reason`, may be there.

    Args:
        root: the project's folder.
        base: the folder of the file that names the patterns, from the root or absolute.
        patterns: paths or globs relative to `base`; none at all suppress nobody.
        region: how national numbers are read.
        now: an aware time; dates and wall times of `until` are read in its zone.
        limits: bounds for each file.

    Raises:
        NotAListError: a file is missing, refused, or no list by its header.
        SpecError: a file is broken, or a row holds no phone or no time that can be read.
    """
    assert now.tzinfo is not None, "a time has a zone"
    try:
        files = matching(root, base, patterns)
    except SpecError as error:
        raise NotAListError([*error.problems]) from error
    tally = _Tally(region, now)
    for file in files:
        with open_list(root, file, limits or Limits()) as listed:
            for chunk in listed.chunks(_ROWS):
                tally.add(chunk)
    phones = pl.concat([pl.Series("phone", [], dtype=pl.String), *tally.phones])
    return Suppressions(phones.unique().sort(), files, tally.rows, tally.expired, tally.out_of_reach)


def open_list(root: Path, file: str, limits: Limits) -> Audience:
    """A suppression list, opened; its header is read, its rows are not.

    Raises:
        NotAListError: it is missing, refused or broken, or has no column `phone`.
    """
    try:
        listed = open_files(root, [file], limits)
    except SpecError as error:
        raise NotAListError([*error.problems]) from error
    if "phone" in listed.columns:
        return listed
    listed.close()
    found = ", ".join(f"`{name}`" for name in listed.columns[:_MOST_PROBLEMS])
    message = "a suppression list needs the column `phone`"
    raise NotAListError([*broken(Code.SUPPRESSIONS, file, 1, message, found=found).problems])


class _Tally:
    """What was found so far."""

    def __init__(self, region: str, now: datetime) -> None:
        self.region = region
        self.now = now
        self.phones: list[pl.Series] = []
        self.rows = 0
        self.expired = 0
        self.out_of_reach = 0

    def add(self, chunk: Chunk) -> None:
        phones = normalise_column(chunk.frame["phone"], self.region)["phone"]
        missing = phones.is_null()
        written = zip(chunk.lines.filter(missing), chunk.frame["phone"].filter(missing), strict=True)
        wrong = (line for line, text in written if normalise(text, self.region) not in _OUT_OF_REACH)
        named = islice(wrong, _MOST_PROBLEMS)
        problems = [_problem(chunk.file, line, f"not a phone of {self.region}") for line in named]
        active = self._active(chunk, problems)
        if problems:
            raise SpecError(problems[:_MOST_PROBLEMS])
        self.rows += phones.len()
        self.expired += int((~active).sum())
        self.out_of_reach += int((missing & active).sum())
        self.phones.append(phones.filter(active & ~missing))

    def _active(self, chunk: Chunk, problems: list[Problem]) -> pl.Series:
        """For each row whether it holds now; rows whose time cannot be read are added to the problems."""
        if "until" not in chunk.frame.columns:
            return pl.repeat(value=True, n=chunk.frame.height, dtype=pl.Boolean, eager=True)
        written = chunk.frame["until"].str.strip_chars()
        known = {text: _holds(text, self.now) for text in written.unique()}
        active = written.replace_strict(list(known), list(known.values()), return_dtype=pl.Boolean)
        message = "`until` is neither a date (2026-12-31) nor a time (2026-12-31T18:00:00+07:00)"
        problems += [_problem(chunk.file, line, message) for line in chunk.lines.filter(active.is_null())]
        return active


def _problem(file: str, line: int, message: str) -> Problem:
    return broken(Code.SUPPRESSIONS, file, line, message).problems[0]


def _holds(until: str, now: datetime) -> bool | None:
    """Whether a row with this `until` holds at `now`; None where it cannot be read.

    A date holds to its end. A wall time that happens twice holds to the second one.
    """
    if not until:
        return True
    try:
        end = datetime.fromisoformat(until) if _UNTIL.fullmatch(until) else None
    except ValueError:
        return None
    if end is None:
        return None
    if len(until) == len("2026-12-31"):
        return now.date() <= end.date()
    if end.tzinfo is None:
        end = end.replace(tzinfo=now.tzinfo, fold=1)
    return now < end
