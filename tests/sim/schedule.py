"""One schedule: a few processes with crashes and faults, quiet, one recovery, then the invariants.

Everything follows from the seed; a failure is replayed by `python -m tests.sim --seed N`.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.sim.provider import DELIVERED
from tests.sim.world import CAMPAIGN, Crash, SimClock, SimFlight, SimLedger, SimSealer, World, letter
from zalosync.apply import conduct, letters, run
from zalosync.apply.batch import Batch, Letter
from zalosync.apply.conduct import Applied, Begun, Outside
from zalosync.apply.decisions import resolve_unknown
from zalosync.apply.ports import Limits, Ports
from zalosync.apply.seal import Order
from zalosync.apply.totals import Result, Totals
from zalosync.audit.verify import verify
from zalosync.compose.message import Status, message_id_text
from zalosync.errors import ZalosyncError
from zalosync.events import Event, Settled, Warned
from zalosync.infobip.wire import Envelope
from zalosync.ledger.pauses import paused
from zalosync.ledger.store import Ledger
from zalosync.plan.decide import Action
from zalosync.provider import evidence_of
from zalosync.refresh.take import take

ORDER = Order(CAMPAIGN, CAMPAIGN, Envelope(sender="1", template=1))
NOWHERE = Path("/nonexistent/rescue.jsonl")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a schedule showed."""

    seed: int
    problems: tuple[str, ...]
    steps: int
    crashes: int
    sends: int

    @property
    def ok(self) -> bool:
        """Whether every invariant held."""
        return not self.problems


def simulate(seed: int) -> Verdict:
    """Run one schedule and check it."""
    world = World(seed)
    rng = world.rng
    crashes = 0
    problems: list[str] = []
    try:
        for _ in range(rng.randint(1, 5)):
            process = rng.choice((apply, apply, apply, refresh, operator))
            if crashes < 3 and rng.random() < 0.45:
                world.crash_at = world.steps + rng.randint(1, 60)
            crashes += live(world, process)
            world.crash_at, world.dead = None, False
            problems.extend(refused_and_taken(world))
            world.pass_time(rng.choice((0.1, 1, 30, 120, 1200, 3600, 50 * 3600)))
        drain(world)
        problems += [*world.problems, *check(world)]
    except (AssertionError, ZalosyncError) as error:
        problems.append(f"{type(error).__name__}: {error}")
    world.database.close()
    return Verdict(seed, tuple(problems), world.steps, crashes, len(world.posted))


def live(world: World, process: Callable[[World], None]) -> bool:
    """One process life; True when it was killed."""
    try:
        process(world)
    except Crash:
        return True
    except ZalosyncError:
        return False
    return False


def apply(world: World) -> None:
    """`zalosync apply`, from its record to its end."""
    world.step("start")
    ledger, clock = world.ledger(), SimClock(world)
    stop = threading.Event()
    if world.chance(0.1):
        stop.set()
    outside = Outside(
        ledger=ledger,
        submit=lambda _: (_ for _ in ()).throw(AssertionError("the flight posts")),
        clock=clock,
        emit=_emitter(world),
        stop=stop,
        settle=lambda of: settle(world, of),
    )
    size, canary = world.rng.randint(1, 5), world.rng.randint(1, 4)

    def send(begun: Begun) -> Result:
        ready = [_letters(world, ledger)]
        totals = Totals(to_send=len(ready[0]))
        ports = Ports(
            ledger=ledger,
            flight=SimFlight(world),
            sealer=SimSealer(),
            clock=clock,
            emit=outside.emit,
            stop=stop,
            settle=lambda: settle(world, ledger),
            paused=lambda: paused(ledger),
            rescue=NOWHERE,
        )
        limits = Limits(width=world.rng.randint(1, 4), grace=5.0)
        return run.Run(ports, begun.number, limits, totals).execute(_batches(ready, size, canary))

    applied = conduct.conduct(outside, "sha256:sim", {"to_send": world.count, "campaigns": [CAMPAIGN]}, send)
    world.problems.extend(_miscounted(ledger, applied))


def _miscounted(ledger: SimLedger, applied: Applied) -> Iterator[str]:
    """A run's totals are what the ledger says of its messages."""
    number = int(applied.run_id.rsplit("-", 1)[1])
    states = Counter(Status(row[10]) for row in ledger.attempts() if row[9] == number)
    totals = applied.totals
    settled = (Status.ACCEPTED, Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED)
    found = (sum(states[each] for each in settled), states[Status.REJECTED], states[Status.UNKNOWN])
    # What a pause for settling found counts as unknown in the run, and is known by now.
    if found[1] != totals.rejected or sum(found) != totals.accepted + totals.rejected + totals.unknown:
        yield f"a run counted {totals.accepted, totals.rejected, totals.unknown}, the ledger has {found}"


def _letters(world: World, ledger: SimLedger) -> list[Letter]:
    known = ledger.recorded(world.messages)
    found = []
    for message in world.messages:
        before = known.get(message)
        attempt = letters.next_attempt(Action.SEND, before, b"", b"")
        if attempt is not None:
            found.append(letter(world, message, attempt, before))
    return found


def _batches(ready: list[list[Letter]], size: int, canary: int) -> Iterator[Batch[Order]]:
    consignment = letters.Consignment(ORDER, ready, began=None)  # type: ignore[arg-type]
    return letters.batches([consignment], size=size, canary=canary, limit=None)


def settle(world: World, ledger: Ledger) -> Settled:
    """Ask the logs about every unknown message; a log query may find too little, too early."""
    found = 0
    for chunk in ledger.in_state(Status.UNKNOWN):
        world.step("logs")
        rows = world.provider.logs([message_id_text(each.message_id) for each in chunk], world.now)
        found += take(ledger, rows, world.now, _emitter(world)).settled
    remaining = sum(count for (_, state), (count, _) in ledger.waiting().items() if state is Status.UNKNOWN)
    return Settled(found, remaining)


def refresh(world: World) -> None:
    """`zalosync refresh`: orphans, one-time reports stored before they are used, logs."""
    world.step("start")
    ledger = world.ledger()
    conduct.orphans(ledger, SimClock(world), _emitter(world))
    world.step("pull")
    rows = world.provider.reports(world.now, lose=world.chance(0.1))
    world.step("answer read")
    world.inbox.extend(rows)
    world.provider.stored(rows)
    world.step("stored")
    take(ledger, list(world.inbox), world.now, _emitter(world))
    world.inbox.clear()
    settle(world, ledger)


def operator(world: World) -> None:
    """A person who looks truly into the provider's portal, once nothing can arrive any more."""
    world.step("start")
    world.pass_time(120)
    ledger = world.ledger()
    unknown = [each for chunk in ledger.in_state(Status.UNKNOWN) for each in chunk]
    in_network = {message_id for _, ids in world.late for message_id in ids}
    for each in unknown:
        text = message_id_text(each.message_id)
        if text in in_network or world.rng.random() < 0.3:
            continue
        decision = "sent" if world.provider.acceptances[text] else "not-sent"
        if world.rng.random() < 0.2:
            decision = "abandon"
        resolve_unknown(ledger, CAMPAIGN, [each.message_id], decision, "lan", "portal", world.now)


def _emitter(world: World) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        if isinstance(event, Warned):
            world.warnings.append(event.code)

    return emit


def drain(world: World) -> None:
    """Quiet: the network empties, everything becomes visible; then one recovery and one more apply."""
    world.faults = False
    world.script.clear()
    world.pass_time(24 * 3600)
    refresh(world)
    apply(world)
    world.pass_time(3 * 3600)
    refresh(world)


def refused_and_taken(world: World) -> Iterator[str]:
    """I5, at every moment: later evidence would hide it."""
    for row in world.ledger().attempts():
        if Status(row[10]) is Status.REJECTED and world.provider.acceptances[message_id_text(row[2])]:
            yield "I5: rejected, and taken"


def check(world: World) -> Iterator[str]:
    """The invariants, against the provider's own count."""
    ledger = world.ledger()
    truth = world.provider.acceptances
    rows = list(ledger.attempts())
    per_message: Counter[bytes] = Counter()
    for row in rows:
        message_id, state = message_id_text(row[2]), Status(row[10])
        taken = truth[message_id]
        per_message[row[1]] += taken
        if taken > 1:
            yield f"duplicated: {taken} acceptances of one id"
        if state in (Status.ACCEPTED, Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED) and not taken:
            yield f"lost: the ledger says {state.word}, the provider never had it"
        if state in (Status.RELEASED, Status.HELD, Status.CANCELLED) and taken:
            yield f"I3: the ledger says {state.word}, the provider took it"
        if state is Status.INTENT:
            yield "I17: an intent is left after recovery"
        entry = world.provider.entries.get(message_id)
        if state is Status.DELIVERED and entry is not None and entry.final is not DELIVERED:
            yield "the ledger says delivered, the provider did not deliver"
        if entry is not None and entry.reported and not entry.lost and state is not evidence_of(entry.final):
            yield f"I12: the provider reported {entry.final.name}, the ledger says {state.word}"
        if row[5] != 1:
            yield f"attempt {row[5]} without proof that the last one failed"
        if row[2] != world.identity.message_id(row[1], row[5]):
            yield "I8: another id for the same message and attempt"
    for count in per_message.values():
        if count > 1:
            yield f"I1: {count} acceptances of one message"
    known = {message_id_text(row[2]) for row in rows}
    for message_id in truth:
        if message_id not in known:
            yield "unexpected: the provider has an id that the ledger does not know"
    if world.posted - world.intents:
        yield "I9: a POST without a committed intent"
    if "E_UNEXPECTED_EVIDENCE" in world.warnings:
        yield "evidence for a message that the ledger took for not sent"
    missing = set(world.messages) - {row[1] for row in rows}
    if missing:
        yield f"I2: {len(missing)} messages have no fate after the last apply"
    verified = verify(ledger)
    yield from (f"I11: {problem}" for problem in verified.problems)
