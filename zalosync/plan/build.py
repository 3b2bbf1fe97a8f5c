"""The use-case of `plan`: for each campaign, who would get what, who is dropped and why, at what cost.

It is handed a ledger that can only be read; it never writes, never posts.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import polars as pl

from zalosync.compose.digests import Digests, raw
from zalosync.compose.message import Identity, Keys
from zalosync.compose.pool import Pool
from zalosync.compose.prepare import Prepared, prepared
from zalosync.compose.recipe import DESTINATION
from zalosync.errors import Problem, SpecError
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted, Warned
from zalosync.ledger.chain import canonical
from zalosync.ledger.records import Standings
from zalosync.plan.bound import settings_of
from zalosync.plan.capping import Capping, caps_of
from zalosync.plan.decide import Action, decide, recorded_frame
from zalosync.plan.guards import campaign_findings, gone_findings
from zalosync.plan.held import Waits, of_gone_campaigns, waiting
from zalosync.plan.history import History, last_named, named
from zalosync.plan.limits import policy_findings
from zalosync.plan.pace import SLOT_NOTE
from zalosync.plan.pending import loads
from zalosync.plan.quota import SenderQuota, quota_findings
from zalosync.plan.recontact import Recontacts
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
    policies = [loaded.policy for loaded in project.policies]
    notes = reader.notes()
    with ExitStack() as stack:
        plan = Plan(
            project.environment_name,
            base_url,
            now,
            notes.get("lineage", ""),
            reader.head(),
            settings=settings_of(project, keys),
            policies=tuple(sorted(loaded.digest for loaded in project.policies)),
            due=due,
            complete=complete,
            key=keys.fingerprint,
        )
        ordered = sorted(campaigns, key=lambda each: each.name)
        caps = caps_of(project, ordered)
        plan.campaigns += _opened(
            project,
            ordered,
            known,
            stack,
            partial(prepared, keys=keys, now=now, content=content, recipients=bool(caps), pool=pool),
        )
        size = sum(each.prepared.size for each in plan.campaigns)
        capping = Capping(caps, size, stack)
        recontacts = Recontacts(reader, Identity(keys, "", 0).recipient, now, size, stack)
        numbers, held = reader.campaigns(), waiting(reader)
        for number, campaign in enumerate(plan.campaigns):
            if numbers.get(campaign.loaded.first_name) in held:
                campaign.waits = _waits(campaign, reader, keys, numbers)
            destinations = keys.destinations()
            hold = (partial(capping.add, number), partial(recontacts.add, number), campaign.waits.meet)
            _compare(campaign, reader, now, emit, hold, destinations.update)
            campaign.waits.end()
            campaign.destinations = destinations.hexdigest()
            campaign.timing = _timing(project, campaign, notes, now, due=due)
        found = list(capping.settle(plan.campaigns, reader, now))
        if not due:
            found += recontacts.settle(plan.campaigns, reader)
        if whole:
            plan.gone = of_gone_campaigns(reader, {each.first_name for each in project.campaigns})
        found += gone_findings(plan)
        _remember(plan, reader)
        for campaign in plan.campaigns:
            campaign.timing = _timing(project, campaign, notes, now, due=due)
            campaign.cost = _cost(project, campaign)
            found += [each for each in project.findings if each.campaign == campaign.name]
            found += campaign_findings(project, campaign, now, due=due)
        if not due:
            found += [each for each in project.findings if not each.campaign]
            found += policy_findings(project, plan, reader)
            if known.quotas is not None:
                found += quota_findings(loads(project, plan, reader, now), known.quotas, now)
        _settle(plan, settled(found, policies, now))
        plan.stack = stack.pop_all()
    return plan


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


def _compare(
    campaign: CampaignPlan,
    reader: History,
    now: datetime,
    emit: Emit,
    hold: Sequence[Callable[[pl.DataFrame], None]],
    bind: Callable[[bytes], None],
) -> None:
    """Decide about each message of a campaign; `hold` hear of all in order, `bind` of their phones."""
    phase = f"read {campaign.name}"
    emit(PhaseStarted(phase, None, "rows"))
    desired = campaign.prepared.desired
    desired.gather(_advance(emit, phase))
    emit(PhaseEnded(phase, f"{desired.waterfall.audience:,} rows"))
    for note in campaign.prepared.notes():
        emit(Warned("ZS324", note))
    rule = campaign.retry
    for messages, recorded in _with_recorded(desired.messages(), reader):
        decided = decide(messages, recorded, rule, int(now.timestamp()))
        sending = decided.filter(pl.col("action").is_in(_SENDING))
        campaign.segments += int(sending["segments"].cast(pl.Int64).sum())
        campaign.fresh += int((~sending["known"]).sum())
        for hear in hold:
            hear(decided)
        bind(raw(messages[DESTINATION]))
        campaign.messages.append(decided)
    campaign.suppressed = campaign.messages.actions[Action.SUPPRESSED]


def _with_recorded(
    parts: Iterator[pl.DataFrame], reader: History
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Each part of the messages with what the ledger has of it, which a thread reads one part ahead."""
    pool = ThreadPoolExecutor(1, "zalosync-recorded")
    ahead: deque[tuple[pl.DataFrame, Future[Standings]]] = deque()
    try:
        for messages in parts:
            digests = Digests(messages["m0"], messages["m1"])
            ahead.append((messages, pool.submit(reader.standings, digests)))
            if len(ahead) > 1:
                before, standings = ahead.popleft()
                yield before, recorded_frame(standings.result())
        for messages, standings in ahead:
            yield messages, recorded_frame(standings.result())
    finally:
        pool.shutdown(cancel_futures=True)  # before the ledger is closed


def _advance(emit: Emit, phase: str) -> Callable[[int], None]:
    return lambda done: emit(PhaseAdvanced(phase, done))


def _timing(
    project: LoadedProject, campaign: CampaignPlan, notes: Mapping[str, str], now: datetime, *, due: bool
) -> Timing | None:
    spec = campaign.loaded.campaign.spec
    count = campaign.messages.actions[Action.HELD] if due else campaign.to_send
    expires = spec.schedule.expires_at
    # What is held waits for its time, or is cancelled where that is over: neither leaves now.
    if not count or (due and (kept(spec, now) or (expires is not None and expires <= now))):
        return None
    last = notes.get(SLOT_NOTE + campaign.loaded.first_name)
    hours = [loaded.policy.spec.quiet_hours for loaded in project.policies]
    return timing_of(
        spec,
        count,
        now=now,
        last_slot=None if last is None else datetime.fromisoformat(last),
        batch_size=project.environment.batch_size,
        quiet=[each for each in hours if each is not None],
    )


def _remember(plan: Plan, reader: History) -> None:
    """Put what earlier runs named beside what this plan names."""
    attempts: Counter[tuple[str, int]] = Counter()
    for tally in reader.tallies():
        attempts[tally.name, tally.occurrence] += tally.count
    earlier = named(reader.runs())
    for campaign in plan.campaigns:
        key = campaign.loaded.first_name, campaign.loaded.campaign.spec.occurrence
        campaign.attempts = attempts[key]
        campaign.since = last_named(earlier, *key)


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
