"""What `apply` and `refresh` share: evidence from the inbox and the logs, wired to the session."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zalosync.cli.session import Session
from zalosync.compose.message import Maker
from zalosync.errors import ProviderRefused, StoppedEarly
from zalosync.events import Emit, Settled, Warned
from zalosync.infobip.slices import room_for_ids
from zalosync.ledger.store import Ledger
from zalosync.plan.pace import SLOT_NOTE
from zalosync.refresh import logs as by_id
from zalosync.refresh import sweep
from zalosync.refresh.asking import Logs
from zalosync.refresh.inbox import Inbox
from zalosync.refresh.late import awaited
from zalosync.refresh.reports import drain, pull
from zalosync.refresh.rescue import merge_rescues
from zalosync.refresh.take import Taken
from zalosync.refresh.throttle import LogThrottle

if TYPE_CHECKING:
    from zalosync.infobip.client import Reader


def throttle_of(session: Session) -> LogThrottle:
    """The account's limit on log queries, shared by all commands of the environment."""
    home = session.home
    path = home.folder / f"{home.environment}.logs-throttle"
    return LogThrottle(path, session.project.environment.logs_per_minute)


def inbox_path(session: Session) -> Path:
    """Where the environment's reports wait."""
    home = session.home
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home.folder / f"{home.environment}.inbox.db"


def inbox_of(session: Session) -> Inbox:
    """The reports that wait."""
    return Inbox(inbox_path(session))


def giving_up(session: Session, ledger: Ledger) -> frozenset[int]:
    """The numbers of the campaigns that give up what cannot be proven."""
    numbers = ledger.campaigns()
    abandoning = (each for each in session.project.campaigns if each.campaign.spec.on_unknown == "abandon")
    names = {each.first_name for each in abandoning}
    return frozenset(number for name, number in numbers.items() if name in names)


@dataclass(slots=True)
class Asking:
    """Evidence for one command.

    Args:
        session: the command's.
        client: the provider.
        emit: hears of the progress.
        wait: whether to wait where the limit on log queries is reached.
    """

    session: Session
    client: "Reader"
    emit: Emit
    wait: bool
    taken: Taken

    def logs(self) -> Logs:
        """The logs, under the limit."""
        room = room_for_ids(self.client.settings.base_url, "/zalo/1/logs")
        clock = self.session.clock
        found = Logs(self.client, throttle_of(self.session), clock, self.emit, wait=self.wait, room=room)
        found.date = self.client.server_date
        return found

    def drain(self, ledger: Ledger, inbox: Inbox) -> None:
        """Merge what was stored before."""
        self.taken.add(drain(inbox, ledger, Maker(self.session.keys), self.session.clock, self.emit))

    def pull(self, ledger: Ledger, inbox: Inbox) -> None:
        """Pull the reports that nobody has pulled yet, and merge them with what was stored before."""
        keys, clock = self.session.keys, self.session.clock
        pull(self.client, inbox, ledger, Maker(keys), clock, self.emit, self.taken)

    def settle(self, ledger: Ledger, logs: Logs, again_after: float = 0) -> Settled:
        """Ask about unknown messages by their ids."""
        settled, taken = by_id.settle(
            logs,
            ledger,
            Maker(self.session.keys).made,
            self.session.clock,
            self.emit,
            giving_up=giving_up(self.session, ledger),
            again_after=again_after,
        )
        self.taken.add(taken)
        return settled

    def compare(self, ledger: Ledger, logs: Logs) -> None:
        """Hold the logs against the ledger; where they may not be read, say so and go on."""
        made = Maker(self.session.keys).made
        try:
            self.taken.add(sweep.compare(logs, ledger, made, self.session.clock, self.emit))
        except (StoppedEarly, ProviderRefused) as error:
            self.emit(Warned("ZS663", f"the logs are not compared with the ledger: {error.message}"))

    def heal(self, ledger: Ledger, logs: Logs, *, everything: bool) -> bool:
        """Ask for outcomes that should have been reported; False where the limit was reached before."""
        specs = {each.first_name: each.campaign.spec for each in self.session.project.campaigns}
        notes = ledger.notes()
        slots = {
            name.removeprefix(SLOT_NOTE): value for name, value in notes.items() if name.startswith(SLOT_NOTE)
        }
        numbers = ledger.campaigns()
        if any(ledger.accepted_after(number, 0) for number in numbers.values()):
            logs.ask_date()  # how late an outcome is, is not for this machine's clock to say
        now = logs.date or self.session.clock.now()
        waiting = awaited(specs, numbers, slots, now, everything=everything)
        made = Maker(self.session.keys).made
        taken, whole = sweep.heal(logs, ledger, made, self.session.clock, self.emit, waiting)
        self.taken.add(taken)
        return whole


def settler(session: Session, client: "Reader", emit: Emit, *, wait: bool) -> Callable[[Ledger], Settled]:
    """Settling as `apply` does it: before it sends anything, and whenever doubt comes up.

    The first time, answers that a run could only write beside the ledger come first: whether one refused a
    message, no report says. Reports that wait in the inbox are merged too, and the logs are held against the
    ledger; that they cannot be asked is then no reason not to send to others. Later it is, since doubt asked.

    Raises:
        LedgerError: the logs know messages of ours that this ledger did not send.
    """
    first = True

    def settle(ledger: Ledger) -> Settled:
        nonlocal first
        asking = Asking(session, client, emit, wait, Taken())
        logs = asking.logs()
        if not first:
            settled = asking.settle(ledger, logs)
            asking.taken.check()
            return settled
        first = False
        merge_rescues(session.home.folder, ledger, session.clock.now(), emit)
        with inbox_of(session) as inbox:
            asking.drain(ledger, inbox)
        try:
            settled = asking.settle(ledger, logs)
        except (StoppedEarly, ProviderRefused) as error:
            emit(Warned("ZS663", f"unknown messages are not asked about: {error.message}"))
            settled = Settled(asking.taken.settled, by_id.count_unknown(ledger))
        asking.compare(ledger, logs)
        asking.taken.check()
        return settled

    return settle
