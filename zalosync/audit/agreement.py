"""Three counts of one campaign held against each other: the plan's, the ledger's and the provider's own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# What the ledger says of messages that the provider certainly has.
_TAKEN = ("accepted", "delivered", "undeliverable", "expired")
# And of those that it may have: never sent again on a guess.
_PERHAPS = ("intent", "unknown", "abandoned", "rejected")


@dataclass(frozen=True, slots=True)
class Agreement:
    """The counts, and where they differ.

    Attributes:
        rows: of the audience.
        skipped: rows that get no message, for a reason that the plan names.
        recorded: messages in the ledger.
        unknown: of these, such as may have been sent and have no proof yet.
        taken: messages that the provider took, by its own count.
        delivered: messages of which the ledger says that they arrived.
        twice: message ids that the provider took more than once.
        decrypted: encrypted values that the provider opened and could read.
        unreadable: encrypted values that it could not.
        differences: sentences, none where everything fits.
    """

    rows: int
    skipped: int
    recorded: int
    unknown: int
    taken: int
    delivered: int
    twice: int
    decrypted: int
    unreadable: int
    differences: tuple[str, ...]

    @property
    def agree(self) -> bool:
        """Whether all counts fit."""
        return not self.differences


def agreement(
    plan: Mapping[str, int],
    states: Mapping[str, int],
    provider: Mapping[str, Any],
    taken_by_message: Iterable[int],
) -> Agreement:
    """Hold the counts against each other, after everything was applied and refreshed.

    Args:
        plan: totals of a plan made afterwards, from the same files: every row must have its fate by now.
        states: the ledger's attempts by state.
        provider: the sandbox's totals.
        taken_by_message: how often the sandbox took each message id.
    """
    counts = {name: states.get(name, 0) for name in (*_TAKEN, *_PERHAPS)}
    recorded = sum(states.values())
    certain = sum(counts[name] for name in _TAKEN)
    possible = certain + sum(counts[name] for name in _PERHAPS)
    taken, twice = int(provider["accepted"]), sum(times > 1 for times in taken_by_message)
    arrived = provider["delivered"] + provider["failover"]["delivered"]
    found = []
    if plan["send"] + plan["retry"]:
        found.append(f"{plan['send'] + plan['retry']:,} rows still wait for their message")
    fated = plan["audience"] - plan["skipped"] - plan["send"]
    if fated != recorded:
        found.append(f"the plan has {fated:,} messages, the ledger {recorded:,}")
    if not certain <= taken <= possible:
        span = f"{certain:,}" if certain == possible else f"{certain:,} to {possible:,}"
        found.append(f"the ledger says that {span} were taken, the sandbox took {taken:,}")
    if twice:
        found.append(f"{twice:,} messages were taken twice")
    # What expired or failed may still arrive later, by SMS: the ledger learns it with the next refresh.
    if not counts["delivered"] <= arrived <= possible:
        found.append(f"the ledger says that {counts['delivered']:,} arrived, the sandbox {arrived:,}")
    if provider["decrypted"]["failed"]:
        found.append(f"{provider['decrypted']['failed']:,} encrypted values could not be read")
    return Agreement(
        rows=plan["audience"],
        skipped=plan["skipped"],
        recorded=recorded,
        unknown=counts["intent"] + counts["unknown"],
        taken=taken,
        delivered=counts["delivered"],
        twice=twice,
        decrypted=provider["decrypted"]["ok"],
        unreadable=provider["decrypted"]["failed"],
        differences=tuple(found),
    )
