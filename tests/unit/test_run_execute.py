"""The use-case of apply: a plan in, a run with its record out, in the protocol's order."""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.desk import KEYS, NOON, SENDER, Desk, phones
from zalosync.apply.conduct import Applied, Outside, orphans
from zalosync.apply.execute import execute
from zalosync.apply.job import Job
from zalosync.apply.ports import Limits
from zalosync.audit.verify import verify
from zalosync.clock import SystemClock
from zalosync.compose.message import Cause, Maker, Status, message_id_bytes
from zalosync.errors import ExitCode, LedgerError, PlanRefused, ProviderRefused
from zalosync.events import Event, RunStarted, Settled, Warned
from zalosync.infobip.keys import Encryptor
from zalosync.ledger.pause_notes import Pause
from zalosync.ledger.pauses import pause
from zalosync.ledger.records import Kind
from zalosync.ledger.store import Ledger
from zalosync.plan.shape import Plan
from zalosync.provider import AnswerRow, Exchange, ProviderStatus

PENDING = ProviderStatus(1, "PENDING", 7, "PENDING_ENROUTE")
HOLD = 'schedule: {mode: hold, sendAt: "2026-12-02T09:00:00+07:00"}\n'


class DeskClock(SystemClock):
    """The desk's day, with the machine's seconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._began = self.monotonic()

    def now(self) -> datetime:
        """Wall time: aware, UTC."""
        return self._desk.now + timedelta(seconds=self.monotonic() - self._began)


@dataclass(slots=True)
class Office:
    """A desk from which plans are applied, to a provider that takes everything."""

    desk: Desk
    bodies: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Event] = field(default_factory=list)
    settle: Callable[[Ledger], Settled] = lambda _ledger: Settled(0, 0)
    encryptors: dict[str, Encryptor] = field(default_factory=dict)
    breaks_at: int | None = None
    doubts: int = 0  # how many of the first requests are answered by HTTP 503

    def submit(self, body: bytes) -> Exchange:
        """Take a request, or break by a bug."""
        if len(self.bodies) == self.breaks_at:
            raise ZeroDivisionError
        parsed = json.loads(body)
        self.bodies.append(parsed)
        if len(self.bodies) <= self.doubts:
            return Exchange(http_status=503)
        rows = tuple(
            AnswerRow(each["messageId"], each["to"], PENDING)
            for message in parsed["messages"]
            for each in message["destinations"]
        )
        return Exchange(http_status=200, rows=rows)

    def apply(
        self, *, due: bool = False, limit: int | None = None, change: Callable[[Plan], None] | None = None
    ) -> Applied:
        """Plan and apply."""
        with self.desk.plan(content=True, due=due) as plan:
            if change is not None:
                change(plan)
            job = Job(
                plan=plan,
                digest=plan.digest,
                keys=KEYS,
                encryptors=self.encryptors,
                fingerprints={SENDER: "sha256:00"},
                who={"actor": "test"},
                batch_size=10,
                max_messages=limit,
                canary=3,
                due=due,
                limits=Limits(width=2, grace=5.0),
                folder=self.desk.root,
            )
            outside = Outside(
                ledger=self.desk.ledger,
                submit=self.submit,
                clock=DeskClock(self.desk),
                emit=self.heard.append,
                stop=threading.Event(),
                settle=self.settle,
            )
            return execute(job, outside)

    def states(self) -> Counter[Status]:
        """How many messages stand where."""
        found: Counter[Status] = Counter()
        for tally in self.desk.ledger.tallies():
            found[tally.state] += tally.count
        return +found

    def destinations(self) -> list[str]:
        """The phones of all requests, in order."""
        return [
            each["to"]
            for body in self.bodies
            for message in body["messages"]
            for each in message["destinations"]
        ]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office with a clean desk."""
    made = Office(Desk(tmp_path))
    yield made
    assert verify(made.desk.ledger).problems == ()
    made.desk.ledger.close()


def test_a_run_and_its_record(office: Office) -> None:
    """Everybody planned is sent to once; the record says who, what, under which plan, and how it ended."""
    office.desk.campaign("tet", phones(45))
    applied = office.apply()
    assert (applied.code, applied.totals.accepted, applied.totals.not_sent) == (ExitCode.DONE, 45, 0)
    assert office.states() == {Status.ACCEPTED: 45}
    assert len(set(office.destinations())) == len(office.destinations()) == 45
    (run,) = office.desk.ledger.runs()
    assert run.run_id == applied.run_id
    assert run.started["actor"] == "test"
    assert run.started["plan_digest"] == applied.plan_digest
    assert run.started["to_send"] == 45
    assert run.started["campaigns"] == ["tet"]
    assert run.started["public_keys"] == {SENDER: "sha256:00"}
    assert run.ended is not None
    assert (run.ended["exit_code"], run.ended["consumed"]) == (0, True)
    assert run.ended["totals"]["accepted"] == 45
    assert RunStarted(applied.run_id, 45) in office.heard
    again = office.apply()
    assert (again.totals.to_send, again.totals.requests) == (0, 0)
    assert len(office.destinations()) == 45


def test_sizes_of_requests(office: Office) -> None:
    """The first request is small, the others are as large as the environment says."""
    office.desk.campaign("tet", phones(45))
    office.apply()
    sizes = [len(body["messages"]) for body in office.bodies]
    assert sizes[0] == 3
    assert sorted(sizes[1:]) == [2, 10, 10, 10, 10]


def test_what_reports_must_show(office: Office) -> None:
    """Each message carries what proves its reports, made from its own id."""
    office.desk.campaign("tet", phones(3))
    office.apply()
    maker = Maker(KEYS)
    (body,) = office.bodies
    for message in body["messages"]:
        (destination,) = message["destinations"]
        message_id = message_id_bytes(destination["messageId"])
        assert message_id is not None
        assert maker.made(message_id)
        assert maker.proof(message_id) in json.dumps(message)


def test_a_limit(office: Office) -> None:
    """--max-messages sends so many and says that others are left; the plan is not consumed."""
    office.desk.campaign("tet", phones(45))
    applied = office.apply(limit=15)
    assert (applied.code, applied.totals.accepted, applied.totals.not_sent) == (ExitCode.STOPPED, 15, 30)
    (run,) = office.desk.ledger.runs()
    assert run.ended is not None
    assert run.ended["consumed"] is False
    assert office.apply().totals.accepted == 30


def test_stale_inputs(office: Office, tmp_path: Path) -> None:
    """Inputs that compose to other messages than were planned are refused before anything is sent."""
    office.desk.campaign("tet", phones(45))
    for rows in (phones(46), phones(44), phones(45, first=1)):
        with office.desk.plan(content=True) as planned:
            office.desk.audience("tet", rows)

            def swap(plan: Plan, planned: Plan = planned) -> None:
                plan.campaigns[0].messages = planned.campaigns[0].messages

            with pytest.raises(PlanRefused) as caught:
                office.apply(change=swap)
        assert caught.value.exit_code is ExitCode.PLAN
        office.desk.audience("tet", phones(45))
    assert office.bodies == []
    assert office.states() == {}
    assert {run.ended["exit_code"] for run in office.desk.ledger.runs() if run.ended} == {4}


def test_intents_of_a_dead_run(office: Office) -> None:
    """What a run that died had taken becomes unknown, is told, and is not sent; the others are; exit 6."""
    office.desk.campaign("tet", phones(45))
    office.desk.send(state=Status.INTENT, limit=10)
    applied = office.apply()
    assert applied.code is ExitCode.UNKNOWN
    assert office.states() == {Status.ACCEPTED: 35, Status.UNKNOWN: 10}
    (chunk,) = office.desk.ledger.in_state(Status.UNKNOWN)
    assert {record.cause for record in chunk} == {Cause.ORPHANED}
    assert [event.code for event in office.heard if isinstance(event, Warned)] == ["ZS653"]
    clock = DeskClock(office.desk)
    before = office.desk.ledger.head()
    orphans(office.desk.ledger, clock, office.heard.append)
    assert office.desk.ledger.head() == before


def test_settles_first(office: Office) -> None:
    """Old doubts are looked into before anything new is sent, once those of dead runs are among them."""
    office.desk.campaign("tet", phones(5))
    office.desk.send(state=Status.INTENT, limit=2)
    seen: list[tuple[int, int]] = []

    def settle(ledger: Ledger) -> Settled:
        unknown = sum(count for (_, state), (count, _) in ledger.waiting().items() if state is Status.UNKNOWN)
        seen.append((unknown, len(office.bodies)))
        return Settled(0, unknown)

    office.settle = settle
    office.apply()
    assert seen == [(2, 0)]
    assert Settled(0, 2) in office.heard


def test_fails_before_sending(office: Office) -> None:
    """A run that cannot begin to send ends with its code in the history; nothing was sent."""

    def settle(_ledger: Ledger) -> Settled:
        raise ProviderRefused("the key is not accepted")

    office.desk.campaign("tet", phones(5))
    office.settle = settle
    with pytest.raises(ProviderRefused):
        office.apply()
    (run,) = office.desk.ledger.runs()
    assert run.ended is not None
    assert (run.ended["exit_code"], run.ended["reason"]) == (8, "ProviderRefused")
    assert office.bodies == []


def test_the_first_error_is_told(office: Office) -> None:
    """Where the end of a broken run cannot be written down either, its own error is the one that is told."""

    def settle(ledger: Ledger) -> Settled:
        ledger._driver.cursor().execute("PRAGMA query_only = ON")
        raise ProviderRefused("the key is not accepted")

    office.desk.campaign("tet", phones(5))
    office.settle = settle
    with pytest.raises(ProviderRefused):
        office.apply()
    office.desk.ledger._driver.cursor().execute("PRAGMA query_only = OFF")
    assert office.desk.ledger.runs()[0].ended is None


def test_a_bug_while_sending(office: Office) -> None:
    """What a posting thread raises is seen at the end; its messages are unknown, the others as answered."""
    office.desk.campaign("tet", phones(20))
    office.breaks_at = 1
    with pytest.raises(ZeroDivisionError):
        office.apply()
    states = office.states()
    assert states[Status.UNKNOWN] > 0
    assert Status.INTENT not in states
    (run,) = office.desk.ledger.runs()
    assert run.ended is not None
    assert run.ended["exit_code"] == 1
    assert run.ended["totals"]["accepted"] == states[Status.ACCEPTED]


def test_small_requests_until_one_is_answered_well(office: Office) -> None:
    """After a canary without a good answer the next request is no larger: doubt never costs a full batch."""
    office.desk.campaign("tet", phones(40))
    office.doubts = 1
    result = office.apply()
    sizes = [len(body["messages"]) for body in office.bodies]
    assert sizes[:2] == [3, 3]
    assert sizes[2:] == [10, 10, 10, 4]
    assert result.totals.unknown == 3


def test_a_paused_campaign_does_not_take_the_canary_along(office: Office) -> None:
    """The first request that really goes out is a small one."""
    office.desk.campaign("before", phones(10))
    office.desk.campaign("tet", phones(30))
    with office.desk.ledger.change(Kind.NOTE, office.desk.now) as change:
        pause(change, "before", Pause("lan", NOON.isoformat(), "wrong text"))
    office.apply()
    assert [len(body["messages"]) for body in office.bodies] == [3, 10, 10, 7]


def test_doubts_of_several_campaigns(office: Office) -> None:
    """Two doubts in a row stop a run, also where each is of another campaign."""
    for name in ("a", "b", "c"):
        office.desk.campaign(name, phones(3))
    office.doubts = 9
    result = office.apply()
    assert len(office.bodies) == 2
    assert (result.code, result.totals.unknown, result.totals.not_sent) == (ExitCode.UNKNOWN, 6, 3)


def test_held_until_due(office: Office) -> None:
    """In hold mode an approved campaign waits in the ledger; when it is due, exactly it goes out."""
    office.desk.campaign("tet", phones(25), more=HOLD)
    held = office.apply()
    assert (held.code, held.totals.held, held.totals.not_sent) == (ExitCode.DONE, 25, 0)
    assert office.bodies == []
    assert office.states() == {Status.HELD: 25}
    early = office.apply(due=True)
    assert (early.code, early.totals.held, early.totals.not_sent) == (ExitCode.DONE, 25, 0)
    assert office.bodies == []
    assert office.states() == {Status.HELD: 25}
    office.desk.now = NOON + timedelta(days=2)
    sent = office.apply(due=True)
    assert (sent.code, sent.totals.accepted) == (ExitCode.DONE, 25)
    assert office.states() == {Status.ACCEPTED: 25}
    assert all("sendAt" not in json.dumps(body) for body in office.bodies)
    assert office.apply(due=True).totals.requests == 0


def test_held_with_another_text(office: Office) -> None:
    """A held message whose text was changed since is not what was approved: it stays held."""
    office.desk.campaign("tet", phones(5), more=HOLD)
    office.apply()
    office.desk.campaign("tet", phones(5), more=HOLD, text="anew {{ code }}")
    office.desk.now = NOON + timedelta(days=2)
    assert office.apply(due=True).code is ExitCode.DONE
    assert office.bodies == []
    assert office.states() == {Status.HELD: 5}


def test_speed_limit_over_runs(office: Office) -> None:
    """Requests of a campaign with a limit take up slots, in this run and where the last one left off."""
    office.desk.campaign(
        "tet", phones(46), more="schedule: {sendingSpeedLimit: {amount: 10, timeUnit: MINUTE}}\n"
    )
    office.apply(limit=23)
    office.apply()
    planned = [body.get("options", {}).get("schedule", {}).get("sendAt") for body in office.bodies]
    times = sorted(datetime.fromisoformat(at) for at in planned if at)
    assert planned[0] is None
    assert len(times) == len(planned) - 1
    assert all(two > one for one, two in pairwise(times))
    last = datetime.fromisoformat(office.desk.ledger.notes()["slot:tet"])
    assert timedelta(minutes=4.6) <= last - NOON < timedelta(minutes=5)


def test_a_tail_that_is_too_late(office: Office) -> None:
    """What no slot is left for is no more of the plan: it is counted apart, and the plan is consumed."""
    until = (NOON + timedelta(minutes=2, seconds=30)).isoformat()
    limit = "sendingSpeedLimit: {amount: 10, timeUnit: MINUTE}"
    office.desk.campaign("tet", phones(46), more=f'schedule: {{{limit}, expiresAt: "{until}"}}\n')
    run = office.apply()
    assert (run.code, run.totals.not_sent) == (ExitCode.DONE, 0)
    assert run.totals.accepted + run.totals.shrunk["too-late"] == run.totals.to_send == 46
    assert 0 < run.totals.accepted < 46
    ended = office.desk.ledger.runs()[-1].ended
    assert ended is not None
    assert (ended["shrunk"], ended["consumed"]) == ({"too-late": 46 - run.totals.accepted}, True)
    assert ended["totals"]["shrunk"] == 46 - run.totals.accepted


def test_encrypted(office: Office) -> None:
    """Values of an encrypted campaign leave as ciphertext, each message's own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    office.encryptors = {SENDER: Encryptor(der, "sha1")}
    office.desk.campaign("tet", phones(4), more="encrypted: true\n")
    office.apply()
    text = json.dumps(office.bodies)
    assert not [phone for phone in phones(4) if f'"{phone}"' in text]
    values = {
        json.dumps(message["content"]["templateData"])
        for body in office.bodies
        for message in body["messages"]
    }
    assert len(values) == 4


def test_held_until_its_time_is_over(office: Office) -> None:
    """What is still held when `expiresAt` passes is cancelled, once, by a run that sends nothing."""
    until = (NOON + timedelta(days=3)).isoformat()
    office.desk.campaign("tet", phones(5), more=HOLD.replace("}", f', expiresAt: "{until}"}}'))
    office.apply()
    assert office.states() == {Status.HELD: 5}
    office.desk.now = NOON + timedelta(days=4)
    over = office.apply(due=True)
    assert (over.code, over.totals.to_send, office.bodies) == (ExitCode.DONE, 0, [])
    assert office.states() == {Status.CANCELLED: 5}
    assert "ZS656" in [event.code for event in office.heard if isinstance(event, Warned)]
    office.heard.clear()
    office.apply(due=True)
    assert "ZS656" not in [event.code for event in office.heard if isinstance(event, Warned)]


class FlakyLedger(Ledger):
    """A ledger on a disk that stores, and then says that it did not."""

    lies_at: int | None = None  # the number of the commit
    stored = True  # whether that commit is really stored
    commits = 0

    def _commit(self, cursor: Any) -> None:
        self.commits += 1
        if self.commits == self.lies_at and not self.stored:
            raise sqlite3.OperationalError("disk I/O error")
        super()._commit(cursor)
        if self.commits == self.lies_at:
            raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize("stored", [True, False])
def test_a_commit_of_unclear_fate(tmp_path: Path, *, stored: bool) -> None:
    """A failed commit is read back; intents that are stored all the same are proven not sent."""
    desk = Desk(tmp_path)
    office = Office(desk)
    desk.campaign("tet", phones(20))
    ledger = FlakyLedger(desk.ledger._database, desk.ledger._dialect, "ledger")
    ledger.stored = stored
    desk.ledger = ledger
    ledger.lies_at = 3  # after the run's record and the campaign's number: the first intents
    with pytest.raises(LedgerError) as caught:
        office.apply()
    assert caught.value.code == ("ZS606" if stored else "ZS603")
    assert ("stored all the same" in caught.value.message) is stored
    assert office.bodies == []
    assert office.states() == ({Status.RELEASED: 3} if stored else {})
    ledger.lies_at = None
    assert office.apply().totals.accepted == 20
    desk.ledger.close()
