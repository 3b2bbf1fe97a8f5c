"""When a run must stop by itself: too many refusals, doubt twice in a row, tries used up. Pure."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from zalosync.apply.classify import After, Verdict
from zalosync.compose.message import Status
from zalosync.errors import ExitCode

REJECTED_SHARE = 0.05
# Answers from which on the share itself counts; before, so many rejections that it cannot be kept any more.
REJECTED_FROM = 100
DOUBTS_IN_A_ROW = 2
CONNECTS = 3
REFUSED_FOR_NOW = 6
RETRY_AFTER_MAX = 300.0  # seconds; a provider that asks for more is asked again by a later run
BACK_OFF_FIRST = 1.0  # seconds, doubled each time


@dataclass(frozen=True, slots=True)
class Tries:
    """How often one request was tried in vain. Each counts for itself: several are in the air at once."""

    connects: int = 0
    refusals: int = 0


FIRST = Tries()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the run does about a batch that came back."""

    again_after: float | None = None  # seconds until the same batch is tried again
    tries: Tries = FIRST  # of that batch, this one included
    settle: bool = False
    stop: ExitCode | None = None
    reason: str = ""


@dataclass(slots=True)
class _Answers:
    """Of one campaign: how many messages were answered for, and how many of them were rejected."""

    answered: int = 0
    rejected: int = 0


@dataclass(slots=True)
class Breaker:
    """Counts what came back, and decides. Rejections count per campaign, doubts over all of a run."""

    doubts: int = 0
    share: float = REJECTED_SHARE
    campaigns: defaultdict[str, _Answers] = field(default_factory=lambda: defaultdict(_Answers))

    def decide(self, verdict: Verdict, jitter: float, tries: Tries = FIRST, campaign: str = "") -> Decision:
        """Take one verdict into account.

        Args:
            verdict: of the batch.
            jitter: in [0, 1), spreads the waiting.
            tries: of the same batch, before this one.
            campaign: whose batch it was.
        """
        answers = self.campaigns[campaign]
        _count(answers, verdict)
        match verdict.after:
            case After.STOP:
                return Decision(stop=verdict.code, reason=verdict.reason)
            case After.SETTLE:
                self.doubts += 1
                if self.doubts >= DOUBTS_IN_A_ROW:
                    reason = f"{verdict.reason}; {self.doubts} times in a row"
                    return Decision(settle=True, stop=verdict.code, reason=reason)
                return Decision(settle=True, reason=verdict.reason)
            case After.RECONNECT:
                tries = replace(tries, connects=tries.connects + 1)
                return _again(verdict, tries, tries.connects, CONNECTS, jitter)
            case After.BACK_OFF:
                tries = replace(tries, refusals=tries.refusals + 1)
                return _again(verdict, tries, tries.refusals, REFUSED_FOR_NOW, jitter)
            case _:  # GO_ON, WARN
                self.doubts = 0
                return self._refusals(answers)

    def _refusals(self, of: _Answers) -> Decision:
        within = of.rejected <= self.share * max(of.answered, REJECTED_FROM)
        if within and (of.rejected < of.answered or not of.answered):
            return Decision()
        reason = (
            f"{of.rejected:,} of {of.answered:,} messages were rejected"
            f" ({of.rejected / of.answered:.0%}, limit {self.share:.0%})"
        )
        return Decision(stop=ExitCode.STOPPED, reason=reason)


def _count(answers: _Answers, verdict: Verdict) -> None:
    for outcome in verdict.outcomes:
        if outcome.state not in (Status.RELEASED, Status.UNKNOWN):
            answers.answered += 1
        if outcome.state is Status.REJECTED:
            answers.rejected += 1


def _again(verdict: Verdict, tries: Tries, count: int, limit: int, jitter: float) -> Decision:
    """Try the same batch again after a while, or give up."""
    asked = verdict.retry_after or 0.0
    if count >= limit or asked > RETRY_AFTER_MAX:
        return Decision(stop=verdict.code, reason=f"{verdict.reason}, {count} times in a row")
    return Decision(again_after=max(_delay(count, jitter), asked), tries=tries, reason=verdict.reason)


def _delay(tries: int, jitter: float) -> float:
    return float(BACK_OFF_FIRST * 2 ** (tries - 1) * (0.5 + jitter / 2))
