"""What single recipients would get, to be looked at before anything is planned.

Reads as much of the audience as it takes, composes those rows as a plan would, and measures what came of
them. Each text comes twice: as it would be sent, and masked.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import repeat

import polars as pl

from zalosync.audience.phone import Fault, normalise
from zalosync.audience.read import Chunk
from zalosync.audience.screen import PHONE_COLUMN, Reason
from zalosync.compose.desired import CHUNK_ROWS
from zalosync.compose.digests import whole
from zalosync.compose.inputs import opened_audience
from zalosync.compose.message import Keys
from zalosync.compose.prepare import prepared
from zalosync.compose.recipe import FAILOVER, VALUE_PREFIX, Composer, Recipe
from zalosync.compose.sms import Segments, fold_ascii, measure
from zalosync.compose.template_masked import DOT, MaskedProgram, mask
from zalosync.compose.values import misfits
from zalosync.errors import UsageError
from zalosync.spec.loaded import LoadedCampaign, LoadedProject

MAX_SAMPLE = 50
_SPREAD = (
    0x9E3779B97F4A7C15  # 2^64 over the golden ratio: multiples of it spread evenly, and are the same anywhere
)
_FEW = 100
_ROWS = 10_000  # read at once where single rows are looked for: mostly they are among the first
_TRIES = 20  # rows looked at in a chunk for each one wanted, since some are skipped


@dataclass(frozen=True, slots=True)
class PreviewText:
    """A text made for one person. Personal: only `masked` may be shown to anybody."""

    text: str | None = field(repr=False)
    masked: str = field(repr=False)

    @property
    def characters(self) -> int:
        """Length in characters, NFC."""
        return len(self.text or "")

    @property
    def bytes(self) -> int:
        """Length in UTF-8."""
        return len((self.text or "").encode())


@dataclass(frozen=True, slots=True)
class PreviewValue:
    """One value; `misfit` is the word for why it cannot be sent, or empty."""

    name: str
    text: PreviewText
    longest: int | None
    misfit: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What one row comes to.

    Attributes:
        row: from 1, over all files.
        file: from the project's root.
        line: of the file, from 1.
        reason: KEPT, or why it is skipped; a skipped row may have no phone and no values.
        why: more about it, without personal data.
        message: the identity of the message.
    """

    row: int
    file: str
    line: int
    reason: Reason
    why: str = ""
    phone: str | None = field(default=None, repr=False)
    values: tuple[PreviewValue, ...] = ()
    failover: PreviewText | None = None
    segments: Segments | None = None
    message: bytes | None = field(default=None, repr=False)


def preview(
    project: LoadedProject,
    loaded: LoadedCampaign,
    keys: Keys,
    *,
    now: datetime,
    budget: int | None,
    row: int | None = None,
    sample: int = 1,
) -> list[Preview]:
    """One row, or some of those that would be sent.

    Args:
        project: whose campaign it is.
        loaded: the campaign.
        keys: the project's, or any where identities are not looked at.
        now: for suppressions that end.
        budget: bytes that an encrypted value may have; None where nothing is encrypted.
        row: from 1; also if it would be skipped.
        sample: how many where no row is asked for: 1 gives the first that would be sent, more are spread
            evenly over the audience, the same ones each time.

    Raises:
        SpecError: a column, a template or a file does not fit.
        UsageError: there is no such row.
    """
    with prepared(project, loaded, keys, now=now, budget=budget, content=True) as opened:
        viewer = _Viewer(opened.recipe)
    with opened_audience(project, loaded) as files:
        if row is not None:
            return [viewer.one(files.chunks(_ROWS), row)]
        if sample == 1:
            return viewer.first(files.chunks(_ROWS))
        return viewer.some(files.chunks(CHUNK_ROWS), min(sample, MAX_SAMPLE))


def look_at(
    project: LoadedProject, loaded: LoadedCampaign, recipe: Recipe, rows: Iterable[int]
) -> list[Preview]:
    """What single rows come to, by themselves.

    Args:
        project: whose campaign it is.
        loaded: the campaign.
        recipe: of a plan.
        rows: their numbers over all files, from 0. The audience is read as far as the last of them.
    """
    viewer, left, found = _Viewer(replace(recipe, content=True)), sorted(set(rows)), list[Preview]()
    if not left:
        return []
    with opened_audience(project, loaded) as files:
        for chunk in files.chunks(_ROWS):
            end = chunk.first_row + chunk.frame.height
            found += viewer.seen(chunk, [row - chunk.first_row for row in left if row < end])
            left = [row for row in left if row >= end]
            if not left:
                break
    return found


def why_not(recipe: Recipe, reason: Reason, why: str, spelling: str | None) -> str:
    """Why a row is skipped, more closely than by its reason: of an invalid phone the word for its fault."""
    if reason is not Reason.INVALID_PHONE or why:
        return why
    phone = normalise(spelling or "", recipe.region)
    return phone.value if isinstance(phone, Fault) else ""


class _Viewer:
    """Composes rows of one campaign and looks at the result."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._composer = Composer(recipe)
        sources = {VALUE_PREFIX + name: source for name, source in recipe.values.items()}
        if recipe.failover is not None:
            sources[FAILOVER] = recipe.failover
        self._masked = MaskedProgram(sources)

    def one(self, chunks: Iterator[Chunk], row: int) -> Preview:
        """The row of this number, from 1."""
        rows = 0
        for chunk in chunks:
            rows = chunk.first_row + chunk.frame.height
            if chunk.first_row < row <= rows:
                return self.seen(chunk, [row - 1 - chunk.first_row])[0]
        raise UsageError(
            f"the audience has no row {row:,}: it has {rows:,}", fix="count rows from 1, without the header"
        )

    def first(self, chunks: Iterator[Chunk]) -> list[Preview]:
        """The first row that would be sent, or nothing."""
        for chunk in chunks:
            few = min(_FEW, chunk.frame.height)  # most often one of the first: not all are composed for it
            for places in (range(few), range(few, chunk.frame.height)):
                kept = self._kept(chunk, places)
                if kept:
                    return self.seen(chunk, kept[:1])
        return []

    def some(self, chunks: Iterator[Chunk], wanted: int) -> list[Preview]:
        """That many rows that would be sent, spread over the audience, in its order."""
        best: list[tuple[int, Preview]] = []
        for chunk in chunks:
            ranks = [(chunk.first_row + place + 1) * _SPREAD % 2**64 for place in range(chunk.frame.height)]
            places = sorted(range(len(ranks)), key=ranks.__getitem__)[: wanted * _TRIES]
            kept = sorted(self._kept(chunk, places), key=ranks.__getitem__)[:wanted]
            best += zip((ranks[place] for place in kept), self.seen(chunk, kept), strict=True)
            best = sorted(best, key=lambda each: each[0])[:wanted]
        return sorted((each for _, each in best), key=lambda each: each.row)

    def _kept(self, chunk: Chunk, places: range | list[int]) -> list[int]:
        """Which of these places of the chunk would be sent, in order."""
        places = sorted(places)
        composed = self._composer.compose(chunk.frame[places], 0)
        kept = composed.messages.filter(pl.col("reason") == int(Reason.KEPT))["row"].to_list()
        return [places[row] for row in kept]

    def seen(self, chunk: Chunk, places: Sequence[int]) -> list[Preview]:
        """What became of these places of the chunk."""
        frame = chunk.frame[places]
        composed = self._composer.compose(frame, 0)
        messages, looks = composed.messages, list[Preview]()
        dropped = {row: (reason, why) for row, reason, why in composed.skipped.iter_rows()}
        made = dict(zip(messages["row"], self._made(messages, frame), strict=True))
        for index, (place, spelling) in enumerate(zip(places, frame[self._recipe.phone], strict=True)):
            row, file, line = chunk.first_row + place + 1, chunk.file, int(chunk.lines[place])
            if index in made:
                looks.append(replace(made[index], row=row, file=file, line=line))
            else:
                reason, why = Reason(dropped[index][0]), dropped[index][1] or ""
                looks.append(Preview(row, file, line, reason, why_not(self._recipe, reason, why, spelling)))
        return looks

    def _made(self, messages: pl.DataFrame, frame: pl.DataFrame) -> Iterator[Preview]:
        """What was composed, of rows that have no place yet."""
        hidden = self._masked.render(frame[messages["row"]])
        columns = [self._value(name, messages, hidden) for name in self._recipe.values]
        facts = zip(
            messages.select("reason", "why", PHONE_COLUMN).iter_rows(),
            zip(*columns, strict=True) if columns else repeat(()),
            self._failovers(messages, hidden),
            whole(messages["m0"], messages["m1"]),
            strict=False,
        )
        for (reason, why, phone), values, failover, identity in facts:
            segments = measure(failover.text) if failover and failover.text is not None else None
            yield Preview(0, "", 0, Reason(reason), why or "", phone, values, failover, segments, identity)

    def _failovers(self, messages: pl.DataFrame, hidden: pl.DataFrame) -> Iterator[PreviewText | None]:
        if self._recipe.failover is None:
            return repeat(None)
        pairs = zip(messages[FAILOVER], hidden[FAILOVER], strict=True)
        return (_text(text, self._folded(masked)) for text, masked in pairs)

    def _folded(self, masked: str | None) -> str | None:
        """The masked text folded as the text is, its dots apart."""
        if masked is None or not self._recipe.ascii_only:
            return masked
        return DOT.join(fold_ascii(part) for part in masked.split(DOT))

    def _value(self, name: str, messages: pl.DataFrame, hidden: pl.DataFrame) -> Iterator[PreviewValue]:
        """One value of each message."""
        value = messages.select(pl.col(VALUE_PREFIX + name).alias(name))
        limit = self._recipe.limits.get(name)
        most = limit.max_length if limit else None
        judged = misfits(value, {name: limit} if limit else {}, self._recipe.budget)
        texts = zip(value[name], hidden[VALUE_PREFIX + name], judged["why"], strict=True)
        return (PreviewValue(name, _text(text, masked), most, why or "") for text, masked, why in texts)


def _text(text: str | None, masked: str | None) -> PreviewText:
    """A masked text that grew too long by its dots is masked whole."""
    return PreviewText(text, mask(text or "") if masked is None else masked)
