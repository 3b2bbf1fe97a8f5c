"""The use-case of `apply`: a plan and a ledger in, a run with its record out.

The order is the protocol's: the run is written down, intents of dead runs become unknown, old unknowns
are settled, the inputs are held against the plan, and only then is anything sent.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zalosync.apply.envelope import envelope_of
from zalosync.apply.flight import Submit, Threads
from zalosync.apply.letters import Letters, batches, check_inputs
from zalosync.apply.run import Limits, Ports, Result, Run, Totals
from zalosync.apply.seal import Order, Sealer
from zalosync.clock import Clock
from zalosync.compose.message import Cause, Keys, Status
from zalosync.errors import ExitCode, ZalosyncError
from zalosync.events import Emit, RunStarted, Settled, Warned
from zalosync.infobip.keys import Encryptor
from zalosync.ledger.records import Kind, Move, Standing
from zalosync.ledger.rescue import rescue_path
from zalosync.ledger.store import Ledger
from zalosync.plan.shape import CampaignPlan, Plan


@dataclass(frozen=True, slots=True)
class Job:
    """What to apply, and as whom.

    Attributes:
        plan: with its composed content open.
        keys: the project's.
        encryptors: by sender, for the encrypted campaigns.
        fingerprints: of the senders' keys, for the run's record.
        who: actor, commit, CI run, host: goes into the run's record.
        batch_size: messages per request.
        max_messages: send no more than this, or None.
        limits: of the run.
        folder: where a rescue file goes.
        webhook_token: takes the place of `{token}` in webhook URLs.
    """

    plan: Plan
    keys: Keys = field(repr=False)
    encryptors: Mapping[str, Encryptor]
    fingerprints: Mapping[str, str]
    who: Mapping[str, Any]
    batch_size: int
    max_messages: int | None
    limits: Limits
    folder: Path
    webhook_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Outside:
    """The ports of a run, as the command line wires them."""

    ledger: Ledger
    submit: Submit
    clock: Clock
    emit: Emit
    stop: threading.Event
    settle: Callable[[Ledger], Settled]


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
    clock, ledger = outside.clock, outside.ledger
    started = clock.monotonic()
    digest = job.plan.digest
    number, run_id = _start(job, outside, digest)
    try:
        orphans(ledger, clock, outside.emit)
        outside.emit(outside.settle(ledger))
        for campaign in job.plan.campaigns:
            check_inputs(campaign)
        result = _send(job, outside, number, run_id)
    except BaseException as error:
        code = error.exit_code if isinstance(error, ZalosyncError) else ExitCode.INTERNAL
        _end(outside, number, {"exit_code": int(code), "reason": type(error).__name__, "totals": {}})
        raise
    seconds = clock.monotonic() - started
    _end(
        outside,
        number,
        {
            "exit_code": int(result.code),
            "reason": result.reason,
            "totals": totals_document(result.totals, seconds),
        },
    )
    return Applied(run_id, digest, result.totals, result.code, result.reason, seconds)


def totals_document(totals: Totals, seconds: float) -> dict[str, Any]:
    """The counts of a run as JSON shows them."""
    return {
        "accepted": totals.accepted,
        "rejected": totals.rejected,
        "unknown": totals.unknown,
        "not_sent": totals.not_sent,
        "requests": totals.requests,
        "retries": totals.retries,
        "seconds": round(seconds, 3),
    }


def _start(job: Job, outside: Outside, digest: str) -> tuple[int, str]:
    now = outside.clock.now()
    with outside.ledger.change(Kind.RUN, now) as change:
        run_id = f"{now:%Y%m%dT%H%M%SZ}-{change.next_run()}"
        record = {
            **job.who,
            "plan_digest": digest,
            "base_url": job.plan.base_url,
            "to_send": job.plan.to_send,
            "campaigns": [campaign.name for campaign in job.plan.campaigns],
            "public_keys": dict(job.fingerprints),
        }
        number = change.start_run(run_id, "apply", record)
    outside.emit(RunStarted(run_id, job.plan.to_send))
    return number, run_id


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


def _send(job: Job, outside: Outside, number: int, run_id: str) -> Result:
    plan = job.plan
    values = sum(
        campaign.to_send * len(campaign.loaded.campaign.spec.template_data)
        for campaign in plan.campaigns
        if campaign.loaded.campaign.spec.encrypted
    )
    with ExitStack() as stack:
        sealer = stack.enter_context(Sealer(values=values))
        flight = Threads(outside.submit, job.limits.width)
        stack.callback(flight.close)
        orders = [_order(job, outside, campaign) for campaign in plan.campaigns if campaign.to_send]
        ports = Ports(
            ledger=outside.ledger,
            flight=flight,
            sealer=sealer,
            clock=outside.clock,
            emit=outside.emit,
            stop=outside.stop,
            settle=lambda: outside.settle(outside.ledger),
            paused=lambda: False,
            rescue=rescue_path(job.folder, run_id),
        )
        run = Run(ports, number, job.limits, plan.to_send)
        return run.execute(batches(orders, size=job.batch_size, limit=job.max_messages))


def _order(job: Job, outside: Outside, campaign: CampaignPlan) -> "tuple[Order, Letters, Any]":
    loaded = campaign.loaded
    spec = loaded.campaign.spec
    with outside.ledger.change(Kind.NOTE, outside.clock.now()) as change:
        number = change.campaign(loaded.first_name)
    encryptor = job.encryptors[spec.sender] if spec.encrypted else None
    order = Order(loaded.name, envelope_of(loaded, job.webhook_token), encryptor)
    return order, Letters(campaign, number, outside.ledger, job.keys), spec.schedule.send_at
