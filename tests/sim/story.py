"""What people and processes do in S2's stories, and the run's way to the wire."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import orjson

from tests.sim.rehearsal import Rehearsal
from tests.sim.shop import NAMES
from tests.support.desk import KEYS
from zalosync.apply import conduct
from zalosync.apply.conduct import Applied, Outside
from zalosync.apply.decisions import cancel_held, resolve_unknown
from zalosync.apply.execute import execute
from zalosync.apply.flight import Fence
from zalosync.apply.job import Job
from zalosync.apply.ports import REQUEST_SECONDS, Limits
from zalosync.apply.run import INTENT_SECONDS
from zalosync.compose.message import Maker, Status, message_id_bytes, message_id_text
from zalosync.errors import ProviderRefused, StoppedEarly, ZalosyncError
from zalosync.events import Settled
from zalosync.ledger.pause_notes import Pause
from zalosync.ledger.pauses import pause, paused, unpause
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger
from zalosync.plan.build import Known, build
from zalosync.plan.bundle import Sealed, document_of
from zalosync.plan.check import check_same, check_usable, narrowed
from zalosync.plan.shape import Plan
from zalosync.provider import Exchange
from zalosync.refresh import logs as by_id
from zalosync.refresh import sweep
from zalosync.refresh.asking import Logs
from zalosync.refresh.reports import drain, pull
from zalosync.refresh.rescue import merge_rescues
from zalosync.refresh.take import Taken
from zalosync.spec.loaded import LoadedProject

MAKER = Maker(KEYS)
HERE, URL = "here", "sandbox"


def planned(world: Rehearsal, names: Sequence[str], of: LoadedProject, *, due: bool = False) -> Plan:
    """What `plan` says of these campaigns."""
    return build(
        of,
        [each for each in of.campaigns if each.name in names],
        world.ledger(),
        KEYS,
        base_url=URL,
        known=Known(),
        now=world.clock().now(),
        content=True,
        emit=world.emit,
        due=due,
    )


def sealed(plan: Plan) -> Sealed:
    """The plan as its file would hold it."""
    return Sealed(
        document_of(plan, {}), {campaign.loaded.first_name: campaign.messages for campaign in plan.campaigns}
    )


def apply(
    world: Rehearsal, of: LoadedProject, plan: Sealed | None, names: Sequence[str] = ()
) -> Applied | None:
    """`apply FILE`, `apply` of some campaigns, or `apply --due`; None where it is refused or breaks off."""
    ledger, due = world.ledger(), plan is None and not names
    if plan is not None:
        names = [campaign["name"] for campaign in plan.meaning["campaigns"]]
    with suppress(ZalosyncError):
        if plan is not None:
            check_usable(plan, HERE, URL, ledger, world.clock().now())
        with planned(world, names or NAMES, of, due=due) as present:
            if plan is not None:
                check_same(plan, present)
                narrowed(plan, present)
            if present.blocked:
                return None
            return _run(world, ledger, present, plan.digest if plan else present.digest, due=due)
    return None


def _run(world: Rehearsal, ledger: Ledger, plan: Plan, digest: str, *, due: bool) -> Applied:
    stop = threading.Event()
    job = Job(
        plan=plan,
        digest=digest,
        keys=KEYS,
        encryptors={},
        fingerprints={},
        who={"actor": "lan", "due": due},
        batch_size=2,
        max_messages=None,
        canary=1,
        due=due,
        limits=Limits(width=2, grace=5.0),
        folder=world.root,
    )
    outside = Outside(
        ledger=ledger,
        submit=Wire(world, stop),
        clock=world.clock(),
        emit=world.emit,
        stop=stop,
        settle=_settler(world),
    )
    return execute(job, outside)


def _settler(world: Rehearsal) -> Callable[[Ledger], Settled]:
    """As `apply` settles: the first time it looks into the inbox too, and need not be answered."""
    first = True

    def settle(ledger: Ledger) -> Settled:
        nonlocal first
        world.step("settle")
        logs, taken = _logs(world, wait=False), Taken()
        if not first:
            settled, found = _by_id(world, ledger, logs)
            found.check()
            return settled
        first = False
        taken.add(drain(world.reports, ledger, MAKER, world.clock(), world.emit))
        settled = Settled(0, by_id.count_unknown(ledger))
        with suppress(StoppedEarly, ProviderRefused):
            settled, found = _by_id(world, ledger, logs)
            taken.add(found)
        with suppress(StoppedEarly, ProviderRefused):
            taken.add(sweep.compare(logs, ledger, MAKER.made, world.clock(), world.emit))
        taken.check()
        return settled

    return settle


def _by_id(world: Rehearsal, ledger: Ledger, logs: Logs) -> tuple[Settled, Taken]:
    """The logs asked for unknown messages; one campaign gives up what cannot be proven."""
    number = ledger.campaigns().get("paced")
    giving_up = frozenset() if number is None else frozenset({number})
    return by_id.settle(logs, ledger, MAKER.made, world.clock(), world.emit, giving_up=giving_up)


def _logs(world: Rehearsal, *, wait: bool) -> Logs:
    logs = Logs(world.client, world.throttle, world.clock(), world.emit, wait=wait)
    logs.date = world.client.server_date
    return logs


def refresh(world: Rehearsal, *, pulls: bool, asks: bool) -> None:
    """`refresh`: rescue files, dead runs, reports and logs."""
    ledger, clock = world.ledger(), world.clock()
    with suppress(ZalosyncError):
        merge_rescues(world.root, ledger, clock.now(), world.emit)
        world.step("merged")
        conduct.orphans(ledger, clock, world.emit)
        if pulls:
            with suppress(StoppedEarly, ProviderRefused):
                pull(world.client, world.reports, ledger, MAKER, clock, world.emit)
        world.step("pulled")
        if asks:
            logs = _logs(world, wait=True)
            _by_id(world, ledger, logs)
            everything = [sweep.Awaited(number, 0, 2**40) for number in ledger.campaigns().values()]
            sweep.heal(logs, ledger, MAKER.made, clock, world.emit, everything)


def resolve(world: Rehearsal, name: str, *, abandon: bool) -> None:
    """A person who looks truly into the provider's portal, once nothing can arrive any more."""
    ledger = world.ledger()
    number = ledger.campaigns().get(name)
    found = [each for part in ledger.in_state(Status.UNKNOWN) for each in part if each.campaign == number]
    if not found or world.under_way:
        return
    truth = world.truth()
    now = world.clock().now()
    for each in found:
        taken = truth.get(message_id_text(each.message_id), {}).get("accepted", 0)
        decision = "abandon" if abandon else "sent" if taken else "not-sent"
        resolve_unknown(ledger, name, [each.message_id], decision, "lan", "portal", now)


def set_pause(world: Rehearsal, name: str, *, to: bool) -> None:
    """`pause` or `unpause`."""
    ledger = world.ledger()
    if name not in ledger.campaigns():
        return
    with ledger.change(Kind.NOTE, world.clock().now()) as change:
        if to:
            pause(change, name, Pause("lan", "2026-12-01T00:00:00Z", "sold out"))
        elif name in paused(ledger):
            unpause(change, name)


def cancel(world: Rehearsal, name: str) -> None:
    """`cancel`: what is held of a campaign ends."""
    cancel_held(world.ledger(), name, "lan", "sold out", world.clock().now())


OFFICE: dict[str, Callable[[Rehearsal, str], None]] = {
    "pause": partial(set_pause, to=True),
    "unpause": partial(set_pause, to=False),
    "cancel": cancel,
}


class Wire:
    """In place of the run's threads: posts one after another, and gives answers in any order, later.

    Called with `submit` and `width`, as `Threads` is.
    """

    bug = None

    def __init__(self, world: Rehearsal, stop: threading.Event) -> None:
        self._world = world
        self._stop = stop
        self._ready: list[tuple[int, Exchange | None]] = []
        self._posts = self._looks = 0

    def __call__(self, _body: bytes) -> Exchange:
        """Nobody posts but by `post`."""
        raise AssertionError("the flight posts")

    def post(self, ticket: int, body: bytes, fence: Fence) -> None:
        """One POST; the process may be held up right before it."""
        world, claimed = self._world, self._world.ticks
        world.step("before the fence")
        self._posts += 1
        if world.trouble.held_up is not None and self._posts == 2:
            world.pass_time(world.trouble.held_up)
        if not fence():
            self._ready.append((ticket, None))
            return
        if world.ticks - claimed + REQUEST_SECONDS > INTENT_SECONDS + 1:
            world.problems.append("I10: a POST whose intent would not outlive it")
        self._check_intents(body)
        self._ready.append((ticket, world.client.submit(body)))

    def _check_intents(self, body: bytes) -> None:
        ids = [
            each["messageId"]
            for message in orjson.loads(body)["messages"]
            for each in message["destinations"]
        ]
        ledger = self._world.ledger()
        run = ledger.runs()[-1].id
        known = ledger.by_message_ids([message_id_bytes(each) or b"" for each in ids])
        intents = [each for each in known.values() if each.state is Status.INTENT and each.run == run]
        if len(intents) != len(ids):
            self._world.problems.append("I9: a POST without a committed intent of its run")
        self._world.posted.update(ids)

    def landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """Some of the answers."""
        world = self._world
        world.step("landed")
        world.pass_time(timeout)
        self._looks += 1
        if self._looks == world.trouble.signal_at:
            self._stop.set()
        least = 0 if len(self._ready) > 1 else 1
        count = world.rng.randint(least, len(self._ready)) if self._ready else 0
        world.rng.shuffle(self._ready)
        some, self._ready = self._ready[:count], self._ready[count:]
        return some

    def close(self) -> None:
        """The run is over."""
