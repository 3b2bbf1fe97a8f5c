"""The use-case of `plan`: for each campaign, who would get what, who is dropped and why, at what cost.

It is handed a ledger that can only be read; it never writes, never posts.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from zalosync.compose.message import Keys
from zalosync.compose.prepare import prepared
from zalosync.compose.recipe import whole
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted
from zalosync.ledger.chain import canonical
from zalosync.ledger.read import LedgerReader
from zalosync.plan.decide import Action, RetryRule, decide, recorded_frame
from zalosync.plan.guards import campaign_findings, plan_findings
from zalosync.plan.shape import CampaignPlan, Cost, Plan
from zalosync.provider import status_pairs
from zalosync.spec.findings import settled
from zalosync.spec.loaded import LoadedCampaign, LoadedProject


@dataclass(frozen=True, slots=True)
class SenderKey:
    """What a plan knows of a sender's RSA key.

    Attributes:
        budget: bytes that one encrypted value may have.
        fingerprint: empty where the provider has not made the key yet.
    """

    budget: int
    fingerprint: str


def build(
    project: LoadedProject,
    campaigns: Sequence[LoadedCampaign],
    reader: LedgerReader,
    keys: Keys,
    *,
    base_url: str,
    senders: Mapping[str, SenderKey],
    now: datetime,
    content: bool,
    emit: Emit,
) -> Plan:
    """Compare what the campaigns want with what the ledger recorded.

    Args:
        project: with its policies, prices and template contracts.
        campaigns: those to plan.
        reader: the ledger.
        keys: the project's.
        base_url: of the environment; the digest binds it.
        senders: the RSA keys of the senders of encrypted campaigns.
        now: aware.
        content: whether to keep the composed content open, to send it.
        emit: hears of the progress.

    Raises:
        SpecError: with all problems of the first campaign that has any.
    """
    plan = Plan(project.environment_name, base_url, now, reader.notes().get("lineage", ""), reader.head())
    policies = [loaded.policy for loaded in project.policies]
    with ExitStack() as stack:
        for loaded in campaigns:
            spec = loaded.campaign.spec
            key = senders[spec.sender] if spec.encrypted else None
            opened = stack.enter_context(
                prepared(project, loaded, keys, now=now, budget=key.budget if key else None, content=content)
            )
            campaign = CampaignPlan(
                opened,
                template=_template_digest(project, loaded),
                public_key=key.fingerprint if key else "",
            )
            plan.campaigns.append(campaign)
            _compare(campaign, reader, now, emit)
            campaign.cost = _cost(project, campaign)
            found = [each for each in project.findings if each.campaign == loaded.name]
            campaign.findings = settled([*found, *campaign_findings(project, campaign, now)], policies, now)
        general = [each for each in project.findings if not each.campaign]
        plan.findings = settled([*general, *plan_findings(project, plan)], policies, now)
        plan.stack = stack.pop_all()
    return plan


def _template_digest(project: LoadedProject, loaded: LoadedCampaign) -> str:
    """What is pinned of the campaign's template, as a digest; empty where nothing is."""
    contract = project.templates.get(loaded.campaign.spec.template.name)
    if contract is None:
        return ""
    pinned = contract.model_dump(mode="json", exclude={"pulled_at"})
    return hashlib.sha256(canonical(pinned)).hexdigest()


def _compare(campaign: CampaignPlan, reader: LedgerReader, now: datetime, emit: Emit) -> None:
    phase = f"read {campaign.name}"
    emit(PhaseStarted(phase, None, "rows"))
    desired = campaign.prepared.desired
    desired.gather(_advance(emit, phase))
    emit(PhaseEnded(phase, f"{desired.waterfall.audience:,} rows"))
    rule = retry_rule(campaign.loaded)
    for messages in desired.messages():
        standings = reader.standings(whole(messages["m0"], messages["m1"]))
        decided = decide(messages, recorded_frame(standings), rule, int(now.timestamp()))
        campaign.messages.append(decided)
        sending = decided["action"].is_in([Action.SEND, Action.RETRY])
        campaign.segments += int(decided.filter(sending)["segments"].cast(int).sum() or 0)


def _advance(emit: Emit, phase: str) -> Callable[[int], None]:
    return lambda done: emit(PhaseAdvanced(phase, done))


def retry_rule(loaded: LoadedCampaign) -> RetryRule | None:
    """The campaign's `retry`, by the provider's status ids."""
    retry = loaded.campaign.spec.retry
    if retry is None:
        return None
    return RetryRule(status_pairs(retry.on), retry.max_attempts, retry.after.seconds)


def _cost(project: LoadedProject, campaign: CampaignPlan) -> Cost | None:
    prices = project.prices
    spec = campaign.loaded.campaign.spec
    if prices is None or spec.template.tag not in prices.zalo:
        return None
    zalo = prices.zalo[spec.template.tag] * campaign.to_send
    failover = zalo
    if spec.sms_failover is not None and prices.sms is not None:
        failover = prices.sms.per_segment * campaign.segments
    return Cost(prices.currency, zalo, failover)
