"""The use-case of `apply`: a plan and a ledger in, a run with its record out.

The order is the protocol's: the run is written down, intents of dead runs become unknown, old unknowns
are settled, the inputs are held against the plan, and only then is anything sent.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial

from zalosync.apply.conduct import Applied, Begun, Outside, conduct
from zalosync.apply.flight import Threads
from zalosync.apply.held import cancel_planned, due_campaigns, left_out
from zalosync.apply.job import Job
from zalosync.apply.letters import Consignment, batches, check_inputs
from zalosync.apply.ports import Ports
from zalosync.apply.run import Run
from zalosync.apply.seal import Sealer
from zalosync.apply.shares import Shares
from zalosync.apply.totals import Result
from zalosync.compose.message import Maker
from zalosync.events import Settled
from zalosync.ledger.pauses import paused
from zalosync.ledger.rescue import rescue_path
from zalosync.plan.shape import CampaignPlan
from zalosync.plan.timing import kept


def execute(job: Job, outside: Outside) -> Applied:
    """Apply a plan.

    Raises:
        LedgerError: the ledger cannot take a step; what was answered is in the rescue file.
        PlanRefused: the inputs are not what was planned; nothing was sent.
    """
    with ExitStack() as stack:  # worker processes end after the run's end is written down
        return conduct(outside, job.digest, job.record, lambda begun: _apply(job, outside, begun, stack))


def _apply(job: Job, outside: Outside, begun: Begun, stack: ExitStack) -> Result:
    """Cancel what is to be cancelled, hold what has time, send the others."""
    now, ledger, totals = outside.clock.now(), outside.ledger, begun.totals
    with outside.interruptible():
        for campaign in job.plan.campaigns:
            check_inputs(campaign)
    # First, so that no plan is consumed with something left to cancel.
    actor = str(job.who.get("actor") or "unknown")
    totals.cancelled = cancel_planned(ledger, begun.number, job.plan.cancels, actor, outside.clock)
    leave = partial(left_out, totals, due=job.due)
    shares = Shares(job, begun.number, ledger, outside.clock, leave, now)
    todo = _todo(job, outside, begun, now)
    totals.shrunk.update(job.shrunk)
    totals.to_send = sum(map(shares.count, todo)) + totals.shrunk.total()
    later = [campaign for campaign in todo if kept(campaign.loaded.campaign.spec, now)]
    sooner = [campaign for campaign in todo if not kept(campaign.loaded.campaign.spec, now)]
    values = sum(map(shares.values, sooner))
    sealer = stack.enter_context(Sealer(values=values, proof=Maker(job.keys).proof))
    for campaign in later:
        totals.held += shares.hold(campaign)
    consignments = [shares.consignment(campaign) for campaign in sooner]
    return _send(job, outside, begun, consignments, sealer)


def _todo(job: Job, outside: Outside, begun: Begun, now: datetime) -> list[CampaignPlan]:
    """The campaigns that this run is about."""
    if job.due:
        return due_campaigns(job.plan, outside.ledger, begun.totals, now, outside.emit)
    return [campaign for campaign in job.plan.campaigns if campaign.to_send]


def _send(
    job: Job, outside: Outside, begun: Begun, consignments: Sequence[Consignment], sealer: Sealer
) -> Result:
    ledger, flight = outside.ledger, Threads(outside.submit, job.limits.width)
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
    run = Run(ports, begun.number, replace(job.limits, held=job.due), begun.totals)
    sending = batches(
        consignments,
        size=job.batch_size,
        canary=job.canary,
        limit=job.max_messages,
        proven=lambda: run.proven,
        over=run.over,
    )
    with closing(flight), _frozen():
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
