"""What differs between two sealed plans: how many messages came, went and changed, and which inputs moved."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from zalosync.plan.bundle import Sealed
from zalosync.plan.check import moved
from zalosync.plan.decide import Action
from zalosync.plan.messages import PlannedMessages, Slices

SLICE = 100_000
_KEY = ["m0", "m1"]


@dataclass(slots=True)
class CampaignDiff:
    """One campaign in two plans.

    Attributes:
        name: first name.
        present: `both`, `before` or `after`.
        came: messages that only the second plan has.
        went: messages that only the first plan has.
        changed: messages with another fingerprint.
        same: messages with the same one.
        actions: of messages in both, by what was to be done before and after, where that differs.
    """

    name: str
    present: str
    came: int = 0
    went: int = 0
    changed: int = 0
    same: int = 0
    actions: Counter[tuple[Action, Action]] = field(default_factory=Counter)

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.came or self.went or self.changed or self.actions)


@dataclass(frozen=True, slots=True)
class CancelDiff:
    """How many held messages of a campaign two plans cancel, which are not the same ones."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Diff:
    """Two plans.

    Attributes:
        inputs: which inputs moved, in words.
        campaigns: by first name.
        cancels: where the held messages to be cancelled differ, by campaign's first name.
    """

    before: Sealed
    after: Sealed
    inputs: tuple[str, ...]
    campaigns: tuple[CampaignDiff, ...]
    cancels: tuple[CancelDiff, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both do the same."""
        return self.before.digest == self.after.digest


def diff(before: Sealed, after: Sealed) -> Diff:
    """Hold two plans against each other, slice by slice."""
    names = sorted(before.messages.keys() | after.messages.keys())
    campaigns = tuple(_campaign(name, before.messages.get(name), after.messages.get(name)) for name in names)
    return Diff(before, after, tuple(_inputs(before, after)), campaigns, tuple(_cancels(before, after)))


def _cancels(before: Sealed, after: Sealed) -> Iterator[CancelDiff]:
    none = PlannedMessages()
    for name in sorted(before.cancels.keys() | after.cancels.keys()):
        then, now = before.cancels.get(name, none), after.cancels.get(name, none)
        if then.digest("message", "fingerprint") != now.digest("message", "fingerprint"):
            yield CancelDiff(name, then.count, now.count)


def _inputs(before: Sealed, after: Sealed) -> Iterator[str]:
    then, now = before.meaning, after.meaning
    for name, words in (("environment", "the environment"), ("base_url", "the environment's address")):
        if then[name] != now[name]:
            yield f"{words}: {then[name]} before, {now[name]} now"
    if then["ledger"]["lineage"] != now["ledger"]["lineage"]:
        yield "the ledger: another lineage"
    elif then["ledger"]["serial"] != now["ledger"]["serial"]:
        yield f"the ledger: {then['ledger']['serial']:,} changes before, {now['ledger']['serial']:,} now"
    yield from moved(then, now)


def _campaign(name: str, before: PlannedMessages | None, after: PlannedMessages | None) -> CampaignDiff:
    if before is None or after is None:
        return CampaignDiff(
            name,
            "after" if before is None else "before",
            came=0 if after is None else after.count,
            went=0 if before is None else before.count,
        )
    found = CampaignDiff(name, "both")
    for then, now in _ranges(before.cursor(), after.cursor()):
        both = then.join(now, on=_KEY, how="inner", suffix="_now")
        found.went += then.height - both.height
        found.came += now.height - both.height
        same = int(((both["f0"] == both["f0_now"]) & (both["f1"] == both["f1_now"])).sum())
        found.same += same
        found.changed += both.height - same
        turned = both.filter(pl.col("action") != pl.col("action_now"))
        for first, second, count in turned.group_by("action", "action_now").len().iter_rows():
            found.actions[Action(first), Action(second)] += count
    return found


def _ranges(before: Slices, after: Slices) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The messages of both in pairs of frames that cover the same range of identities."""
    then, now = before.take(SLICE), after.take(SLICE)
    while then.height or now.height:
        bounds = [frame.row(-1)[:2] for frame, rest in ((then, before), (now, after)) if rest.left]
        within = pl.lit(value=True)
        if bounds:
            high, low = min(bounds)
            within = (pl.col("m0") < high) | ((pl.col("m0") == high) & (pl.col("m1") <= low))
        yield then.filter(within), now.filter(within)
        then = pl.concat([then.filter(~within), before.take(SLICE)])
        now = pl.concat([now.filter(~within), after.take(SLICE)])
