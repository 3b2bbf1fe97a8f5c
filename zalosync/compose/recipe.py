"""From raw rows to messages: what a worker does with one chunk of one campaign's audience.

A recipe is plain data, so that it can be handed to a worker process; the result does not depend on how
the audience is cut into chunks, nor on which process made which part.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from zalosync.audience.phone import REPAIRS
from zalosync.audience.screen import PHONE_COLUMN, REASON_COLUMN, REPAIRS_COLUMN, Reason, Rules, screen
from zalosync.compose.canonical import contents
from zalosync.compose.digests import split
from zalosync.compose.message import Identity, Keys
from zalosync.compose.sms import fold_column, segments_column
from zalosync.compose.template import Program
from zalosync.compose.values import Limits, misfits

KEY = "__key"
FAILOVER = "__failover"
DESTINATION = "to"  # a phone's digits as a number: what a plan is bound to, and never keeps
CONDITION, NO_KEY = "condition", "key"  # why a row is unreadable: `where` cannot be judged, or no key
VALUE_PREFIX = "v:"  # content columns of composed frames: one per template parameter
_TEXTS_AT_ONCE = 1024  # digested together: the memory of some serves the next
SKIPPED_SCHEMA = {"row": pl.UInt64, "reason": pl.UInt8, "why": pl.String}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what one campaign's messages are.

    Attributes:
        campaign: the campaign's first name, for ever part of its identities.
        key: template of what makes a message distinct, spaces around it aside; None: the normalised phone.
        values: template per parameter.
        failover: template of the SMS text, or None.
        budget: bytes that one encrypted value may have, or None where nothing is encrypted.
        content: whether composed frames carry the rendered content (to send) or digests only (to plan).
        recipients: whether they carry the recipients' pseudonyms, for frequency caps.
    """

    campaign: str
    occurrence: int
    template: int
    phone: str
    values: Mapping[str, str]
    secret: bytes = field(repr=False)
    region: str = "VN"
    key: str | None = None
    where: str | None = None
    consent: str | None = None
    failover: str | None = None
    ascii_only: bool = False
    limits: Mapping[str, Limits] = field(default_factory=dict)
    budget: int | None = None
    suppressed: pl.Series | None = field(default=None, repr=False)
    content: bool = False
    recipients: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """What became of one chunk.

    Attributes:
        messages: message and fingerprint as UInt64 pairs (`m0`, `m1`, `f0`, `f1`), `row` (0-based over
            all files), `reason` (KEPT, SUPPRESSED or INVALID_VALUES), `why`, `segments` of the failover text,
            the phone as a number (`to`); with content also `__phone`, `__failover` and one `v:NAME` per
            parameter; with recipients also the pseudonym (`r0`, `r1`).
        skipped: rows that a test of the screen dropped: `row`, `reason`, `why` (of an invalid phone it is
            empty: `phone.normalise` says it of the few that somebody asks for).
        repairs: spellings of phones that were mended, by kind.
        rows: how many rows the chunk had.
    """

    messages: pl.DataFrame
    skipped: pl.DataFrame
    repairs: Counter[str]
    rows: int


class Composer:
    """A recipe made ready: templates compiled, keyed digests begun."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._identity = Identity(Keys(recipe.secret), recipe.campaign, recipe.occurrence)
        sources = {VALUE_PREFIX + name: source for name, source in recipe.values.items()}
        if recipe.failover is not None:
            sources[FAILOVER] = recipe.failover
        if recipe.key is not None:
            sources[KEY] = recipe.key
        self._program = Program(sources, recipe.where)

    @cached_property
    def _rules(self) -> Rules:
        recipe = self._recipe
        where = self._program.predicate if recipe.where is not None else None
        return Rules(recipe.phone, recipe.region, recipe.consent, where, recipe.suppressed)

    def compose(self, frame: pl.DataFrame, first_row: int) -> Composed:
        """Screen and compose one chunk.

        Args:
            frame: raw rows, all columns String.
            first_row: number of the chunk's first row over the whole audience.
        """
        screened = screen(frame, self._rules).with_columns(
            pl.int_range(first_row, first_row + frame.height, dtype=pl.UInt64).alias("row")
        )
        repairs = _repairs(screened[REPAIRS_COLUMN])
        # Who is on a suppression list is composed all the same: such lists may change after a plan was
        # approved, and then shrink it, but they are no part of what was approved.
        composed = pl.col(REASON_COLUMN).is_in([int(Reason.KEPT), int(Reason.SUPPRESSED)])
        unjudged = pl.col(REASON_COLUMN) == int(Reason.UNREADABLE)
        why = pl.when(unjudged).then(pl.lit(CONDITION)).otherwise(pl.lit("", pl.String))
        fates = screened.select("row", REASON_COLUMN).filter(~composed)
        skipped = fates.select("row", pl.col(REASON_COLUMN).alias("reason"), why.alias("why"))
        messages, unreadable = self._messages(screened.filter(composed))
        return Composed(messages, pl.concat([skipped, unreadable]), repairs, frame.height)

    def _messages(self, kept: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        texts = self._program.render(kept)
        rendered = kept.select(PHONE_COLUMN, "row", REASON_COLUMN).hstack(texts.get_columns())
        if KEY not in rendered.columns:
            rendered = rendered.with_columns(pl.col(PHONE_COLUMN).alias(KEY))
        # A row without a key is nobody's message: it cannot be told from others, so it cannot be sent.
        rendered = rendered.with_columns(pl.col(KEY).str.strip_chars())
        keyless = pl.col(KEY).is_null() | (pl.col(KEY) == "")
        unreadable = rendered.filter(keyless).select(
            "row",
            pl.lit(int(Reason.UNREADABLE), pl.UInt8).alias("reason"),
            pl.lit(NO_KEY, pl.String).alias("why"),
        )
        rendered = rendered.filter(~keyless)
        names = list(self._recipe.values)
        values = rendered.select(pl.col(VALUE_PREFIX + name).alias(name) for name in names)
        fit = misfits(values, self._recipe.limits, self._recipe.budget, rendered.height)
        if self._recipe.failover is None:
            rendered = rendered.with_columns(pl.lit(None, pl.String).alias(FAILOVER))
        elif self._recipe.ascii_only:
            rendered = rendered.with_columns(fold_column(rendered[FAILOVER]))
        # An SMS of nothing is charged for, or refused together with all messages of its request.
        blank = rendered[FAILOVER].is_null() | (rendered[FAILOVER].str.strip_chars() == "")
        broken = blank & (self._recipe.failover is not None)
        messages = self._digests(rendered, values).with_columns(
            rendered["row"],
            pl.when((fit["ok"] & ~broken) | (rendered[REASON_COLUMN] == Reason.SUPPRESSED))
            .then(rendered[REASON_COLUMN])
            .otherwise(pl.lit(int(Reason.INVALID_VALUES), pl.UInt8))
            .alias("reason"),
            pl.when(broken)
            .then(pl.lit("failover text"))
            .otherwise(fit["why"] + ": " + fit["parameter"])
            .alias("why"),
            segments_column(rendered[FAILOVER]).fill_null(0).alias("segments"),
            rendered[PHONE_COLUMN].cast(pl.UInt64).alias(DESTINATION),
        )
        if self._recipe.content:
            content = rendered.select(PHONE_COLUMN, FAILOVER, *(VALUE_PREFIX + name for name in names))
            messages = pl.concat([messages, content], how="horizontal")
        return messages, unreadable

    def _digests(self, rendered: pl.DataFrame, values: pl.DataFrame) -> pl.DataFrame:
        identity = self._identity
        content = contents(self._recipe.template, values, rendered[FAILOVER])
        digests = {
            **_digested("m", rendered[KEY].cast(pl.Binary), identity.messages),
            **_digested("f", content, identity.fingerprints),
        }
        if self._recipe.recipients:
            digests |= _digested("r", rendered[PHONE_COLUMN].cast(pl.Binary), identity.recipients)
        return pl.DataFrame(digests)


def _digested(
    name: str, texts: pl.Series, digests: Callable[[list[bytes]], list[bytes]]
) -> dict[str, pl.Series]:
    """The digests of a column; of some texts at a time, whose memory serves the next ones again."""
    starts = range(0, texts.len(), _TEXTS_AT_ONCE)
    found = (digests(texts.slice(start, _TEXTS_AT_ONCE).to_list()) for start in starts)
    return split(b"".join(map(b"".join, found)), name)


def _repairs(mask: pl.Series) -> Counter[str]:
    counts: Counter[str] = Counter()
    for bits, count in mask.value_counts().iter_rows():
        for place, kind in enumerate(REPAIRS):
            if bits is not None and bits >> place & 1:
                counts[kind] += count
    return counts
