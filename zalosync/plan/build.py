"""The use-case of `plan`: for each campaign, who would get what, who is dropped and why, at what cost.

It is handed a ledger that can only be read; it never writes, never posts.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from zalosync.compose.message import Identity, Keys
from zalosync.compose.pool import Pool
from zalosync.compose.prepare import Prepared, prepared
from zalosync.errors import Problem, SpecError
from zalosync.events import Emit
from zalosync.ledger.chain import canonical
from zalosync.plan.bound import bound_plan
from zalosync.plan.capping import Capping, caps_of
from zalosync.plan.caps import Cap
from zalosync.plan.compare import compare
from zalosync.plan.decide import Action
from zalosync.plan.guards import campaign_findings, gone_findings, paused_findings
from zalosync.plan.held import Waits, of_gone_campaigns, waiting
from zalosync.plan.history import History
from zalosync.plan.limits import policy_findings
from zalosync.plan.pace import SLOT_NOTE
from zalosync.plan.pending import loads
from zalosync.plan.quota import SenderQuota, quota_findings
from zalosync.plan.recontact import Recontacts
from zalosync.plan.record import recall
from zalosync.plan.shape import CampaignPlan, Cost, Plan
from zalosync.plan.timing import Timing, kept, timing_of
from zalosync.spec.findings import Finding, settled
from zalosync.spec.loaded import LoadedCampaign, LoadedProject

_SENDING = (int(Action.SEND), int(Action.RETRY))


@dataclass(frozen=True, slots=True)
class SenderKey:
    """What a plan knows of a sender's RSA key.

    Attributes:
        budget: bytes that one encrypted value may have.
        fingerprint: empty where the provider has not made the key yet.
    """

    budget: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the provider told before planning.

    Attributes:
        senders: the RSA keys of the senders of encrypted campaigns.
        quotas: what senders may still send; None: nobody asked, and no guard looks at it.
    """

    senders: Mapping[str, SenderKey] = field(default_factory=dict)
    quotas: Mapping[str, SenderQuota] | None = None


def build(
    project: LoadedProject,
    campaigns: Sequence[LoadedCampaign],
    reader: History,
    keys: Keys,
    *,
    base_url: str,
    known: Known,
    now: datetime,
    content: bool,
    emit: Emit,
    due: bool = False,
    complete: bool = True,
    whole: bool = False,
    pool: Callable[[], Pool] = Pool,
) -> Plan:
    """Compare what the campaigns want with what the ledger recorded.

    Args:
        project: with its policies, prices and template contracts.
        campaigns: those to plan; their order does not matter.
        reader: the ledger.
        keys: the project's.
        base_url: of the environment; the digest binds it.
        known: what the provider told.
        now: aware.
        content: whether to keep the composed content open, to send it.
        emit: hears of the progress.
        due: held messages whose time has come are to be sent, and nothing else.
        complete: False without ledger and key: the plan cannot be applied.
        whole: also look for what is held of campaigns that the project has no longer.
        pool: gives the worker processes where an audience is large.

    Raises:
        SpecError: with all problems of all campaigns between specs and the files that they name.
    """
    asked = _Asked(project, reader, reader.notes(), keys, now, emit, due)
    with ExitStack() as stack:
        plan = bound_plan(
            project, keys, reader, asked.notes, base_url=base_url, now=now, due=due, complete=complete
        )
        ordered = sorted(campaigns, key=lambda each: each.name)
        caps = caps_of(project, ordered)
        prepare = partial(prepared, keys=keys, now=now, content=content, recipients=bool(caps), pool=pool)
        plan.campaigns += _opened(project, ordered, known, stack, prepare)
        found = list(_compared(asked, plan, caps, stack))
        if whole:
            plan.gone = of_gone_campaigns(reader, {each.first_name for each in project.campaigns})
        found += gone_findings(plan)
        found += paused_findings(plan, asked.notes)
        recall(plan, reader)
        found += _judged(asked, plan, known)
        policies = [loaded.policy for loaded in project.policies]
        _settle(plan, settled(found, policies, now))
        plan.stack = stack.pop_all()
    return plan


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is planned, and held against what."""

    project: LoadedProject
    reader: History
    notes: Mapping[str, str]
    keys: Keys
    now: datetime
    emit: Emit
    due: bool


def _compared(asked: _Asked, plan: Plan, caps: Sequence[Cap], stack: ExitStack) -> Iterator[Finding]:
    """Decide about each message of each campaign; findings of what several campaigns do to one person."""
    reader, keys, now = asked.reader, asked.keys, asked.now
    size = sum(each.prepared.size for each in plan.campaigns)
    capping = Capping(caps, size, stack)
    recontacts = Recontacts(reader, Identity(keys, "", 0).recipient, now, size, stack)
    numbers, held = reader.campaigns(), waiting(reader)
    for number, campaign in enumerate(plan.campaigns):
        if numbers.get(campaign.loaded.first_name) in held:
            campaign.waits = _waits(campaign, reader, keys, numbers)
        destinations = keys.destinations()
        hold = (partial(capping.add, number), partial(recontacts.add, number), campaign.waits.meet)
        compare(campaign, reader, now, asked.emit, hold, destinations.update)
        campaign.waits.end()
        campaign.destinations = destinations.hexdigest()
        campaign.timing = _timing(asked, campaign)
    yield from capping.settle(plan.campaigns, reader, now)
    if not asked.due:
        yield from recontacts.settle(plan.campaigns, reader)


def _judged(asked: _Asked, plan: Plan, known: Known) -> Iterator[Finding]:
    """What guards and policies say of the whole; completes when and at what cost the campaigns are sent."""
    project, due, now = asked.project, asked.due, asked.now
    for campaign in plan.campaigns:
        campaign.timing = _timing(asked, campaign)  # of what caps have left
        campaign.cost = _cost(project, campaign)
        yield from (each for each in project.findings if each.campaign == campaign.name)
        yield from campaign_findings(project, campaign, now, due=due)
    if not due:
        yield from (each for each in project.findings if not each.campaign)
        yield from policy_findings(project, plan, asked.reader)
        if known.quotas is not None:
            yield from quota_findings(loads(project, plan, asked.reader, now), known.quotas, now)


def _opened(
    project: LoadedProject,
    campaigns: Sequence[LoadedCampaign],
    known: Known,
    stack: ExitStack,
    prepare: Callable[..., AbstractContextManager[Prepared]],
) -> Iterator[CampaignPlan]:
    """The campaigns with their inputs open; what is wrong with any of them is told at once."""
    problems: list[Problem] = []
    for loaded in campaigns:
        key = known.senders[loaded.campaign.spec.sender] if loaded.campaign.spec.encrypted else None
        try:
            inputs = stack.enter_context(prepare(project, loaded, budget=key.budget if key else None))
        except SpecError as error:
            problems += error.problems
            continue
        template = _template_digest(project, loaded)
        yield CampaignPlan(inputs, template=template, public_key=key.fingerprint if key else "")
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))


def _settle(plan: Plan, found: Sequence[Finding]) -> None:
    """Give findings to whom they are about."""
    names = {campaign.name for campaign in plan.campaigns}
    for campaign in plan.campaigns:
        campaign.findings = tuple(each for each in found if each.campaign == campaign.name)
    plan.findings = tuple(each for each in found if each.campaign not in names)


def _template_digest(project: LoadedProject, loaded: LoadedCampaign) -> str:
    """What is pinned of the campaign's template, as a digest; empty where nothing is."""
    contract = project.templates.get(loaded.campaign.spec.template.name)
    if contract is None:
        return ""
    pinned = contract.model_dump(mode="json", exclude={"pulled_at"})
    return hashlib.sha256(canonical(pinned)).hexdigest()


def _waits(campaign: CampaignPlan, reader: History, keys: Keys, numbers: Mapping[str, int]) -> Waits:
    """What the ledger holds of a campaign."""
    name = campaign.loaded.first_name
    pseudonyms = Identity(keys, name, campaign.loaded.campaign.spec.occurrence)
    return Waits.read(reader, numbers[name], pseudonyms.recipient)


def _timing(asked: _Asked, campaign: CampaignPlan) -> Timing | None:
    """When what is to be sent of a campaign leaves; None where nothing is."""
    spec, now, due = campaign.loaded.campaign.spec, asked.now, asked.due
    count = campaign.messages.actions[Action.HELD] if due else campaign.to_send
    expires = spec.schedule.expires_at
    # What is held waits for its time, or is cancelled where that is over: neither leaves now.
    if not count or (due and (kept(spec, now) or (expires is not None and expires <= now))):
        return None
    last = asked.notes.get(SLOT_NOTE + campaign.loaded.first_name)
    hours = [loaded.policy.spec.quiet_hours for loaded in asked.project.policies]
    return timing_of(
        spec,
        count,
        now=now,
        last_slot=None if last is None else datetime.fromisoformat(last),
        batch_size=asked.project.environment.batch_size,
        quiet=[each for each in hours if each is not None],
    )


def _cost(project: LoadedProject, campaign: CampaignPlan) -> Cost | None:
    """What the messages to send may cost; None without a price for all that may be sent."""
    prices, spec = project.prices, campaign.loaded.campaign.spec
    if prices is None or spec.template.tag not in prices.zalo:
        return None
    zalo = prices.zalo[spec.template.tag] * campaign.to_send
    if spec.sms_failover is None:
        return Cost(prices.currency, zalo, zalo)
    if prices.sms is None:
        return None
    return Cost(prices.currency, zalo, prices.sms.per_segment * campaign.segments)
