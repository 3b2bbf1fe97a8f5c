"""What a plan is: per campaign the counts, findings, cost and messages, and the whole that binds them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from zalosync.audience.screen import Reason
from zalosync.compose.prepare import Prepared
from zalosync.ledger.chain import canonical
from zalosync.ledger.records import Head
from zalosync.plan.decide import Action, RetryRule
from zalosync.plan.held import Waits
from zalosync.plan.history import Named
from zalosync.plan.messages import PlannedMessages
from zalosync.plan.timing import Timing
from zalosync.provider import status_pairs
from zalosync.spec.findings import Finding
from zalosync.spec.loaded import LoadedCampaign

SEND = "send"  # what a plan is for, if it is not to adopt
TOTALS = ("send", "retry", "unchanged", "changed", "held", "skipped", "unknown", "failed")


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate of what the messages to send cost, in `currency`.

    Attributes:
        zalo: if Zalo delivers all of them.
        failover: if none arrives on Zalo and the SMS goes out instead; equal to `zalo` without failover.
    """

    currency: str
    zalo: Decimal
    failover: Decimal


@dataclass(slots=True)
class CampaignPlan:
    """What the plan says of one campaign.

    Attributes:
        prepared: its inputs, open.
        messages: what is to be done about each.
        template: digest of the template's pinned contract; empty where there is none.
        public_key: fingerprint of the sender's key; empty where nothing is encrypted.
        destinations: keyed digest of the phones in the order of the messages: a key may stay while
            the phone beside it changes.
        segments: of the failover texts of the messages to send.
        fresh: messages to send that the ledger does not know.
        suppressed: messages that were suppressed when they were compared; later ones shrink the plan.
        attempts: that the ledger has of this campaign and occurrence.
        since: what the last run of this campaign and occurrence named, or None.
        waits: what was held before: how much of it is not what was approved any more.
        timing: of the messages to send (or held ones that are due), or None where there are none.
        cost: None where there is no price.
    """

    prepared: Prepared = field(repr=False)
    messages: PlannedMessages = field(default_factory=PlannedMessages, repr=False)
    template: str = ""
    public_key: str = ""
    destinations: str = ""
    segments: int = 0
    fresh: int = 0
    suppressed: int = 0
    attempts: int = 0
    since: Named | None = None
    waits: Waits = field(default_factory=Waits, repr=False)
    timing: Timing | None = None
    cost: Cost | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def loaded(self) -> LoadedCampaign:
        """The campaign's spec."""
        return self.prepared.loaded

    @property
    def retry(self) -> RetryRule | None:
        """Which failures open a new attempt, by the provider's status ids."""
        retry = self.loaded.campaign.spec.retry
        if retry is None:
            return None
        return RetryRule(status_pairs(retry.on), retry.max_attempts, retry.after.seconds)

    @property
    def name(self) -> str:
        """The campaign's present name."""
        return self.loaded.name

    @property
    def audience(self) -> int:
        """Rows read."""
        return self.prepared.desired.waterfall.audience

    @property
    def skipped(self) -> Counter[Reason]:
        """Rows dropped, by reason."""
        actions = self.messages.actions
        since = {
            Reason.FREQUENCY_CAP: actions[Action.CAPPED],
            Reason.SUPPRESSED: actions[Action.SUPPRESSED] - self.suppressed,
        }
        return self.prepared.desired.waterfall.skipped + Counter(since)

    @property
    def recipients(self) -> int:
        """Messages that are wanted, sent already or not."""
        actions = self.messages.actions
        return self.messages.count - actions[Action.SUPPRESSED] - actions[Action.CAPPED]

    @property
    def repairs(self) -> Counter[str]:
        """Spellings of phones that were mended, by kind."""
        return self.prepared.desired.waterfall.repairs

    @property
    def to_send(self) -> int:
        """Messages that applying this plan would submit."""
        return self.messages.to_send

    @property
    def meaning(self) -> dict[str, Any]:
        """What decides this campaign's messages: what a plan is bound to."""
        spec = self.loaded.campaign.spec
        return {
            "name": self.loaded.first_name,
            "occurrence": spec.occurrence,
            "sender": spec.sender,
            "spec": self.loaded.digest,
            "template": self.template,
            "public_key": self.public_key,
            "failover": spec.sms_failover is not None,
            "count": self.messages.count,
            "messages": self.messages.digest("message", "fingerprint"),
            "destinations": self.destinations,
        }

    @property
    def totals(self) -> dict[str, int]:
        """Counts that always balance: audience = the sum of all others."""
        other = (Action.SUPPRESSED, Action.CAPPED, Action.CANCEL)
        counts = {action.word: self.messages.actions[action] for action in Action if action not in other}
        totals = {"audience": self.audience, "skipped": self.skipped.total(), **counts}
        assert totals["audience"] == sum(totals[name] for name in TOTALS), "a row has no fate, or two"
        return totals


def contacts_of(meaning: Mapping[str, Any], to_send: Iterable[int]) -> int:
    """Messages and the SMS that may follow them.

    Args:
        meaning: of a plan.
        to_send: messages of each of its campaigns, in their order.
    """
    sends = meaning["kind"] == SEND  # what is adopted was sent before: nothing follows it
    counts = zip(meaning["campaigns"], to_send, strict=True)
    return sum(count * (2 if sends and campaign["failover"] else 1) for campaign, count in counts)


@dataclass(slots=True)
class Plan:
    """What would be sent, over all campaigns asked for. A context manager: it keeps inputs open.

    Attributes:
        gone: held messages of campaigns that the project has no longer, by first name.
        due: held messages are to be sent, and nothing else is done.
    """

    environment: str
    base_url: str
    created_at: datetime
    lineage: str
    head: Head
    settings: Mapping[str, Any] = field(default_factory=dict)
    policies: tuple[str, ...] = ()
    campaigns: list[CampaignPlan] = field(default_factory=list)
    gone: dict[str, PlannedMessages] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    due: bool = False
    complete: bool = True
    key: str = ""  # the fingerprint of the project's
    kind: str = SEND  # or adopt: what was sent before is marked as sent, and nothing goes out
    stack: ExitStack = field(default_factory=ExitStack, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @property
    def meaning(self) -> dict[str, Any]:
        """What decides what is sent, to whom and from where, and nothing else.

        Paths, comments, owners, the commit and the time of planning are not in it.
        """
        meaning: dict[str, Any] = {
            "kind": self.kind,
            "key": self.key,
            "environment": self.environment,
            "base_url": self.base_url,
            "settings": dict(self.settings),
            "policies": list(self.policies),
            "ledger": {"lineage": self.lineage, "serial": self.head.intent_serial},
            "campaigns": [campaign.meaning for campaign in self.campaigns],
        }
        cancels = [cancel_of(name, messages) for name, messages in self.cancels.items()]
        return {**meaning, "cancels": cancels} if cancels else meaning

    @property
    def digest(self) -> str:
        """SHA-256 over the meaning and what is to be done about each message."""
        actions = [campaign.messages.digest("action") for campaign in self.campaigns]
        return "sha256:" + hashlib.sha256(canonical([self.meaning, actions])).hexdigest()

    @property
    def totals(self) -> dict[str, int]:
        """Counts over all campaigns."""
        totals: Counter[str] = Counter(dict.fromkeys(("audience", *TOTALS), 0))
        for campaign in self.campaigns:
            totals.update(campaign.totals)
        return dict(totals)

    @property
    def to_send(self) -> int:
        """Messages that applying this plan would submit."""
        return sum(campaign.to_send for campaign in self.campaigns)

    @property
    def contacts(self) -> int:
        """How often somebody may be contacted: the SMS of a failover is a second message."""
        return contacts_of(self.meaning, (campaign.to_send for campaign in self.campaigns))

    @property
    def cancels(self) -> dict[str, PlannedMessages]:
        """Held messages that applying this plan cancels, by first name: their row or campaign is gone."""
        if self.due:
            return {}
        mine = {campaign.loaded.first_name: campaign.waits.gone for campaign in self.campaigns}
        return {name: gone for name, gone in sorted({**mine, **self.gone}.items()) if gone.count}

    @property
    def to_cancel(self) -> int:
        """How many those are."""
        return sum(messages.count for messages in self.cancels.values())

    @property
    def all_findings(self) -> Iterator[Finding]:
        """Findings of the plan, then of each campaign."""
        yield from self.findings
        for campaign in self.campaigns:
            yield from campaign.findings

    @property
    def blocked(self) -> bool:
        """Whether a guard, policy or rule says no."""
        return any(finding.severity == "error" for finding in self.all_findings)


def cancel_of(name: str, messages: PlannedMessages) -> dict[str, Any]:
    """What a plan is bound to of a campaign's held messages that it cancels."""
    return {"name": name, "count": messages.count, "messages": messages.digest("message", "fingerprint")}
