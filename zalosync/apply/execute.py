"""The use-case of `apply`: a plan and a ledger in, a run with its record out.

The order is the protocol's: the run is written down, intents of dead runs become unknown, old unknowns
are settled, the inputs are held against the plan, and only then is anything sent.
"""

import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from zalosync.apply.envelope import envelope_of, window_of
from zalosync.apply.flight import Submit, Threads
from zalosync.apply.held import cancel_planned, due_campaigns, left_out
from zalosync.apply.letters import Consignment, Leave, Letters, batches, check_inputs
from zalosync.apply.run import Limits, Ports, Result, Run, Totals
from zalosync.apply.seal import Order, Sealer
from zalosync.clock import Clock
from zalosync.compose.message import Cause, Keys, Maker, Status
from zalosync.errors import ExitCode, LedgerError, ZalosyncError
from zalosync.events import Emit, RunStarted, Settled, Warned
from zalosync.infobip.keys import Encryptor
from zalosync.ledger.pauses import paused
from zalosync.ledger.records import Kind, Move, Standing
from zalosync.ledger.rescue import rescue_path
from zalosync.ledger.store import Ledger
from zalosync.plan.decide import Action
from zalosync.plan.pace import SLOT_NOTE, Slots
from zalosync.plan.record import record_of
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.plan.timing import kept


@dataclass(frozen=True, slots=True)
class Job:
    """What to apply, and as whom.

    Attributes:
        plan: with its composed content open.
        digest: of the plan that was approved.
        keys: the project's.
        encryptors: by sender, for the encrypted campaigns.
        fingerprints: of the senders' keys, for the run's record.
        who: actor, commit, CI run, host: goes into the run's record.
        batch_size: messages per request.
        max_messages: send no more than this, or None.
        canary: messages in the first request.
        due: send what is held and due, instead of what is new.
        shrunk: what the approved plan names and this one does not any more: reason to count.
        limits: of the run.
        folder: where a rescue file goes.
        webhook_token: takes the place of `{token}` in webhook URLs.
    """

    plan: Plan
    digest: str
    keys: Keys = field(repr=False)
    encryptors: Mapping[str, Encryptor]
    fingerprints: Mapping[str, str]
    who: Mapping[str, Any]
    batch_size: int
    max_messages: int | None
    canary: int
    due: bool
    limits: Limits
    folder: Path
    webhook_token: str = field(default="", repr=False)
    shrunk: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports of a run, as the command line wires them.

    Attributes:
        interruptible: while nothing is in the air, a signal may end what is done at once, by `Interrupted`.
    """

    ledger: Ledger
    submit: Submit
    clock: Clock
    emit: Emit
    stop: threading.Event
    settle: Callable[[Ledger], Settled]
    interruptible: Callable[[], AbstractContextManager[None]] = nullcontext


@dataclass(frozen=True, slots=True)
class Applied:
    """What a run did: its id, its counts, how it ended."""

    run_id: str
    plan_digest: str
    totals: Totals
    code: ExitCode
    reason: str
    seconds: float


def execute(job: Job, outside: Outside) -> Applied:
    """Apply a plan.

    Raises:
        LedgerError: the ledger cannot take a step; what was answered is in the rescue file.
        PlanRefused: the inputs are not what was planned; nothing was sent.
    """
    with ExitStack() as stack:
        return conduct(outside, job.digest, _record(job), lambda run: _send(job, outside, run, stack))


def conduct(
    outside: Outside, digest: str, record: Mapping[str, Any], send: Callable[["Begun"], Result]
) -> Applied:
    """One run from its record to its end, whatever it sends.

    Args:
        outside: the ports.
        digest: of the plan.
        record: who runs what; written down first.
        send: sends, once everything that must come before is done.
    """
    clock, ledger = outside.clock, outside.ledger
    started = clock.monotonic()
    begun = _start(outside, digest, record)
    try:
        with outside.interruptible():
            orphans(ledger, clock, outside.emit)
            outside.emit(outside.settle(ledger))
        result = send(begun)
    except Exception as error:
        code = error.exit_code if isinstance(error, ZalosyncError) else ExitCode.INTERNAL
        totals = totals_document(begun.totals, clock.monotonic() - started)
        ended = {"exit_code": int(code), "reason": type(error).__name__, "totals": totals}
        with suppress(LedgerError):  # what went wrong first is what is told
            _end(outside, begun.number, ended)
        raise
    seconds = clock.monotonic() - started
    _end(
        outside,
        begun.number,
        {
            "exit_code": int(result.code),
            "reason": result.reason,
            "consumed": not result.totals.not_sent and not record.get("due", False),
            "totals": totals_document(result.totals, seconds),
            "shrunk": reasons(result.totals.shrunk),
            "stays_held": reasons(result.totals.stays),
        },
    )
    return Applied(begun.run_id, digest, result.totals, result.code, result.reason, seconds)


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that is written down: its number in the ledger, its name, and what it has sent so far."""

    number: int
    run_id: str
    totals: Totals = field(default_factory=Totals)


def totals_document(totals: Totals, seconds: float) -> dict[str, Any]:
    """The counts of a run as JSON shows them."""
    return {
        "accepted": totals.accepted,
        "rejected": totals.rejected,
        "unknown": totals.unknown,
        "not_sent": totals.not_sent,
        "held": totals.held,
        "cancelled": totals.cancelled,
        "shrunk": totals.shrunk.total(),
        "requests": totals.requests,
        "retries": totals.retries,
        "seconds": round(seconds, 3),
    }


def reasons(counts: Mapping[str, int]) -> dict[str, int]:
    """Why messages were left out, or stay held, as JSON shows it."""
    return {str(reason): count for reason, count in sorted(counts.items()) if count}


def _record(job: Job) -> dict[str, Any]:
    return {
        **job.who,
        "base_url": job.plan.base_url,
        "to_send": job.plan.to_send,
        "to_cancel": job.plan.to_cancel,
        "campaigns": [campaign.name for campaign in job.plan.campaigns],
        **record_of(job.plan),
        "public_keys": dict(job.fingerprints),
    }


def _start(outside: Outside, digest: str, record: Mapping[str, Any]) -> Begun:
    now = outside.clock.now()
    with outside.ledger.change(Kind.RUN, now) as change:
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{change.next_run()}"
        number = change.start_run(run_id, "apply", {**record, "plan_digest": digest})
    outside.emit(RunStarted(run_id, int(record["to_send"])))
    return Begun(number, run_id)


def _end(outside: Outside, number: int, ended: dict[str, Any]) -> None:
    with outside.ledger.change(Kind.END, outside.clock.now(), run=number) as change:
        change.end_run(number, ended)


def orphans(ledger: Ledger, clock: Clock, emit: Emit) -> None:
    """Intents of runs that died may have been sent: they become unknown. The lock says that none lives."""
    found = 0
    for chunk in ledger.in_state(Status.INTENT):
        with ledger.change(Kind.ORPHAN, clock.now()) as change:
            change.move([Move(record, Standing(Status.UNKNOWN, Cause.ORPHANED)) for record in chunk])
        found += len(chunk)
    if found:
        emit(
            Warned("ZS653", f"{found:,} messages of a run that died may have been sent: they are unknown now")
        )


def _send(job: Job, outside: Outside, begun: Begun, stack: ExitStack) -> Result:
    now, ledger, totals = outside.clock.now(), outside.ledger, begun.totals
    with outside.interruptible():
        for campaign in job.plan.campaigns:
            check_inputs(campaign)
    # First, so that no plan is consumed with something left to cancel.
    actor = str(job.who.get("actor") or "unknown")
    totals.cancelled = cancel_planned(ledger, begun.number, job.plan.cancels, actor, outside.clock)
    if job.due:
        todo = due_campaigns(job.plan, ledger, totals, now, outside.emit)
    else:
        todo = [campaign for campaign in job.plan.campaigns if campaign.to_send]
    later = [campaign for campaign in todo if kept(campaign.loaded.campaign.spec, now)]
    sooner = [campaign for campaign in todo if not kept(campaign.loaded.campaign.spec, now)]
    totals.shrunk.update(job.shrunk)
    totals.to_send = sum(_count(job, campaign) for campaign in todo) + totals.shrunk.total()
    values = sum(
        _count(job, campaign) * len(campaign.loaded.campaign.spec.template_data)
        for campaign in sooner
        if campaign.loaded.campaign.spec.encrypted
    )
    sealer = stack.enter_context(Sealer(values=values, proof=Maker(job.keys).proof))
    flight = Threads(outside.submit, job.limits.width)
    stack.callback(flight.close)
    leave = partial(left_out, totals, due=job.due)
    for campaign in later:
        if job.due:  # what is held already waits on, where its time has not come
            totals.held += _count(job, campaign)
        else:
            totals.held += _hold(job, outside, campaign, begun.number, leave)
    consignments = [_consignment(job, outside, campaign, now, leave) for campaign in sooner]
    ports = Ports(
        ledger=ledger,
        flight=flight,
        sealer=sealer,
        clock=outside.clock,
        emit=outside.emit,
        stop=outside.stop,
        settle=lambda: _settle(outside),
        paused=lambda: paused(ledger),
        rescue=rescue_path(job.folder, begun.run_id),
    )
    run = Run(ports, begun.number, replace(job.limits, held=job.due), totals)
    sending = batches(
        consignments,
        size=job.batch_size,
        canary=job.canary,
        limit=job.max_messages,
        proven=lambda: run.proven,
        over=run.over,
    )
    with _frozen():
        result = run.execute(sending)
    if flight.bug is not None:  # everything is stored; now it may be seen
        raise flight.bug
    return result


@contextmanager
def _frozen() -> Iterator[None]:
    """What exists by now is not searched for cycles with each batch: that would cost a fifth of its time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _settle(outside: Outside) -> Settled:
    with outside.interruptible():
        return outside.settle(outside.ledger)


def _count(job: Job, campaign: CampaignPlan) -> int:
    """How many messages of a campaign this run is about."""
    return campaign.messages.actions[Action.HELD] if job.due else campaign.to_send


def _hold(job: Job, outside: Outside, campaign: CampaignPlan, run: int, leave: Leave) -> int:
    """Write down messages that wait for their time under this plan; nothing is sent."""
    held = 0
    for part in _letters(job, outside, campaign, leave):
        claims = [letter.claim._replace(state=Status.HELD) for letter in part]
        with outside.ledger.change(Kind.CLAIM, outside.clock.now(), run=run) as change:
            change.claim(claims)
        held += len(claims)
    return held


def _letters(job: Job, outside: Outside, campaign: CampaignPlan, leave: Leave) -> Letters:
    name = campaign.loaded.first_name
    number = outside.ledger.campaigns().get(name)
    if number is None:
        with outside.ledger.change(Kind.NOTE, outside.clock.now()) as change:
            number = change.campaign(name)
    return Letters(campaign, number, outside.ledger, job.keys, due=job.due, leave=leave)


def _consignment(
    job: Job, outside: Outside, campaign: CampaignPlan, now: datetime, leave: Leave
) -> Consignment:
    loaded = campaign.loaded
    spec = loaded.campaign.spec
    order = Order(
        loaded.name,
        loaded.first_name,
        envelope_of(loaded, job.webhook_token),
        job.encryptors[spec.sender] if spec.encrypted else None,
        spec.schedule.expires_at,
    )
    ours = spec.schedule.mode == "hold"
    return Consignment(
        order,
        _letters(job, outside, campaign, leave),
        now,
        None if ours else spec.schedule.send_at,
        _slots(outside.ledger, campaign, now),
        ours,
        _count(job, campaign),
        leave,
    )


def _slots(ledger: Ledger, campaign: CampaignPlan, now: datetime) -> Slots | None:
    """The slots that are still free under the campaign's speed limit, after those of earlier runs."""
    schedule = campaign.loaded.campaign.spec.schedule
    limit = schedule.sending_speed_limit
    if limit is None:
        return None
    free = max(now, schedule.send_at or now)
    last = ledger.notes().get(SLOT_NOTE + campaign.loaded.first_name)
    if last is not None:
        free = max(free, datetime.fromisoformat(last))
    window = window_of(campaign.loaded.campaign.spec)
    return Slots(free, limit.amount / limit.unit_seconds, window, schedule.expires_at)
