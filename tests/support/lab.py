"""One apply and one refresh over real HTTP, without files and processes: for many short stories."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx

from tests.sim.world import CAMPAIGN, KEYS, fresh_database
from zalosync.apply import conduct, letters, run
from zalosync.apply.batch import Letter
from zalosync.apply.conduct import Applied, Begun, Outside
from zalosync.apply.flight import Threads
from zalosync.apply.ports import Limits, Ports
from zalosync.apply.seal import Order, Sealer
from zalosync.apply.totals import Result, Totals
from zalosync.clock import SystemClock
from zalosync.compose.message import Identity, Status, message_id_text
from zalosync.errors import ZalosyncError
from zalosync.events import Event, Settled, Warned
from zalosync.infobip.client import Sender
from zalosync.infobip.settings import Settings, authorization_header
from zalosync.infobip.wire import Envelope
from zalosync.ledger.dialect import SQLITE
from zalosync.ledger.records import Claim, Kind
from zalosync.ledger.store import Ledger
from zalosync.plan.decide import Action
from zalosync.refresh.take import take
from zalosync.sandbox.embedded import EmbeddedSandbox
from zalosync.spec.secret import Secret

ORDER = Order(CAMPAIGN, CAMPAIGN, Envelope(sender="4097700000000000001", template=322307))


class Lab:
    """A ledger in memory, two clients, and a few messages that are to be sent.

    The first client soon gives up, for faults that never answer. The other one is for what is not in doubt: a
    sandbox without faults answers, if only the machine lets it.
    """

    def __init__(self, sandbox: EmbeddedSandbox, folder: Path, messages: int) -> None:
        self._folder = folder
        self._clock = SystemClock()
        self._identity = Identity(KEYS, CAMPAIGN, 1)
        self.hasty = self._sender(sandbox, connect=0.5, total=0.6)
        self.patient = self._sender(sandbox, connect=30.0, total=30.0)
        self.ledger = Ledger(fresh_database(), SQLITE, "lab")
        self.phones = {self._identity.message(str(n)): f"8490100{n:04d}" for n in range(messages)}
        self.warnings: list[str] = []
        with self.ledger.change(Kind.INIT, self._clock.now()) as change:
            change.note("lineage", "lab")
            change.campaign(CAMPAIGN)

    def _sender(self, sandbox: EmbeddedSandbox, *, connect: float, total: float) -> Sender:
        settings = Settings(
            base_url=sandbox.base_url,
            authorization=authorization_header(Secret(sandbox.api_key)),
            reports_path="/zalo/1/reports",
            connect_timeout=connect,
            total_timeout=total,
        )
        return Sender(
            settings,
            digest=KEYS.evidence_digest,
            pseudonym=self._identity.recipient,
            monotonic=self._clock.monotonic,
        )

    def close(self) -> None:
        """Give everything back."""
        self.hasty.close()
        self.patient.close()
        self.ledger.close()

    def apply(self, size: int, *, patient: bool = False) -> Applied | ZalosyncError:
        """One run; an error that ends it is given back."""
        client = self.patient if patient else self.hasty
        outside = Outside(
            ledger=self.ledger,
            submit=client.submit,
            clock=self._clock,
            emit=self._emit,
            stop=threading.Event(),
            settle=partial(self._settle, client),
        )
        try:
            record = {"to_send": len(self.phones), "campaigns": [CAMPAIGN]}
            return conduct.conduct(
                outside, "sha256:lab", record, lambda begun: self._send(outside, begun, size)
            )
        except ZalosyncError as error:
            return error

    def _send(self, outside: Outside, begun: Begun, size: int) -> Result:
        ready = list(self._letters())
        flight = Threads(outside.submit, 2)
        with Sealer(values=0) as sealer, contextlib.closing(flight):
            ports = Ports(
                ledger=self.ledger,
                flight=flight,
                sealer=sealer,
                clock=self._clock,
                emit=self._emit,
                stop=outside.stop,
                settle=lambda: outside.settle(self.ledger),
                paused=tuple,
                rescue=self._folder / "rescue.jsonl",
            )
            one = run.Run(ports, begun.number, Limits(width=2), Totals(to_send=len(ready)))
            share = letters.Consignment(ORDER, [ready], began=self._clock.now())  # type: ignore[arg-type]
            return one.execute(letters.batches([share], size=size, canary=size, limit=None))

    def _letters(self) -> Iterator[Letter]:
        known = self.ledger.recorded(sorted(self.phones))
        for message, phone in sorted(self.phones.items()):
            before = known.get(message)
            attempt = letters.next_attempt(Action.SEND, before, b"", b"")
            if attempt is not None:
                identity = self._identity
                fingerprint = identity.fingerprint(1, {"code": phone}, None)
                message_id = identity.message_id(message, attempt)
                pseudonym = identity.recipient(phone)
                claim = Claim(
                    message, message_id, 1, 1, attempt, fingerprint, pseudonym, failover=False, before=before
                )
                yield Letter(claim, phone, {"code": "DH-1"})

    def _settle(self, client: Sender, ledger: Ledger) -> Settled:
        unknown = [each for chunk in ledger.in_state(Status.UNKNOWN) for each in chunk]
        if not unknown:
            return Settled(0, 0)
        page = client.logs(message_ids=[message_id_text(each.message_id) for each in unknown])
        found = take(ledger, page.rows, self._clock.now(), self._emit).settled
        return Settled(found, len(unknown) - found)

    def refresh(self) -> None:
        """Reports and logs, until nothing new comes; the sandbox has no faults then."""
        conduct.orphans(self.ledger, self._clock, self._emit)
        take(self.ledger, self.patient.reports(1000).rows, self._clock.now(), self._emit)
        with contextlib.suppress(ZalosyncError):
            self._settle(self.patient, self.ledger)

    def states(self) -> Counter[Status]:
        """How many messages stand where; those that the ledger does not know are not there."""
        return Counter(Status(row[10]) for row in self.ledger.attempts())

    def _emit(self, event: Event) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.code)


def truth(sandbox: EmbeddedSandbox) -> dict[str, int]:
    """How often each id was taken, by the server's own count."""
    with httpx.Client(base_url=sandbox.base_url, trust_env=False) as client:
        lines = client.get("/sandbox/oracle/messages").text.splitlines()
    return {entry["messageId"]: int(entry["accepted"]) for entry in map(json.loads, lines)}


def script(sandbox: EmbeddedSandbox, *faults: dict[str, object]) -> None:
    """Replace the sandbox's fault script."""
    with httpx.Client(base_url=sandbox.base_url, trust_env=False) as client:
        client.delete("/sandbox/faults").raise_for_status()
        if faults:
            client.post("/sandbox/faults", json=list(faults)).raise_for_status()
