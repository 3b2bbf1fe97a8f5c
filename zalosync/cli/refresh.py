"""`zalosync refresh`: pulls reports and logs, settles unknown messages, moves statuses."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import AskedProvider, Session
from zalosync.errors import ExitCode, LedgerError, ProviderRefused, StoppedEarly, first_of
from zalosync.events import Emit, Warned

if TYPE_CHECKING:
    from zalosync.cli.settling import Asking
    from zalosync.ledger.store import Ledger
    from zalosync.refresh.inbox import Inbox
    from zalosync.refresh.take import Taken

SHORTEST_POLL, LONGEST_POLL = 1.0, 15.0  # seconds between two looks, while something comes and while not
WATCH_SECONDS = 30.0
AGAIN_SECONDS = 600.0  # before the logs are asked again for what they lacked, and compared again
FOLLOWS_SECONDS = 15.0  # without news, for the SMS that may follow a failure on Zalo
LOCK_BUSY = "ZS626"
PENDING = 1  # the provider's group of statuses that are not final
_ALL = 2**40  # Unix seconds beyond every message


@click.command(
    epilog="Example: zalosync refresh --until-final",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.option(
    "--logs",
    "logs",
    is_flag=True,
    help="Ask the logs about every message without an outcome; waits where their limit is reached.",
)
@click.option("--until-final", is_flag=True, help="Go on until no message waits for its outcome.")
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C; lets go of the ledger in between.")
@click.option("--lock-timeout", type=click.FloatRange(0), default=0.0, help="Seconds to wait for a run.")
def refresh(options: Options, *, logs: bool, until_final: bool, watch: bool, lock_timeout: float) -> int:
    """Ask the provider what became of the messages, and write it down.

    Pulls reports, merges those that `zalosync serve` received, asks the logs about unknown messages and about
    outcomes that are late. Stopping it loses nothing.
    """
    from zalosync.console import documents, status_text, text
    from zalosync.console.status import unknown_in

    session = Session(options)
    with session.reporter() as emit, session.asked_provider() as provider:
        work = Refreshing(session, provider, emit, logs=logs, lock_timeout=lock_timeout)
        pause, codes, drifted = SHORTEST_POLL, [], []
        try:
            document = work.once()
            drifted = work.drift()
            while watch or (until_final and work.unfinished):
                if watch and not options.json and work.moved:
                    text.say(status_text.status_lines(document))
                session.clock.sleep(WATCH_SECONDS if watch and not until_final else pause)
                found = work.again(waits=not watch)
                if found is not None:
                    document = found
                if work.taken.alarming:  # nobody waits for the end of a watch to hear of it
                    break
                pause = SHORTEST_POLL if work.moved else min(pause * 1.5, LONGEST_POLL)
        except KeyboardInterrupt:
            if not watch:
                raise
            codes.append(ExitCode.INTERRUPTED)
            document = work.standing()  # a look that was broken off may have moved some
    document["findings"] += drifted
    if options.json:
        documents.write(document)
    else:
        text.say(status_text.status_lines(document))
    work.taken.check()
    if unknown_in(document):
        codes.append(ExitCode.UNKNOWN)
    if work.refused is not None:
        codes.append(work.refused.exit_code)
    return first_of(*codes)


@dataclass(slots=True)
class Refreshing:
    """The looks of one command. The ledger's lock is held during a look only.

    Attributes:
        awaited: messages that wait for their outcome, after the last look.
        following: messages that failed on Zalo, and of whose SMS nothing is known yet.
        moved: attempts that the last look moved.
        taken: what all evidence did.
        refused: why the provider hands out no reports, or None.
    """

    session: Session
    provider: AskedProvider
    emit: Emit
    logs: bool
    lock_timeout: float
    awaited: int = 0
    following: int = 0
    moved: int = 0
    taken: "Taken" = field(init=False)
    refused: ProviderRefused | None = None
    _compared_at: float | None = None
    _moved_at: float = 0.0

    def __post_init__(self) -> None:
        from zalosync.refresh.take import Taken

        self.taken = Taken()

    @property
    def unfinished(self) -> bool:
        """Whether outcomes are still to come. An SMS may follow, or may not: it is waited for a while."""
        quiet = self.session.clock.monotonic() - self._moved_at
        return bool(self.awaited) or (bool(self.following) and quiet < FOLLOWS_SECONDS)

    def drift(self) -> list[dict[str, Any]]:
        """What changed at the provider since messages were planned."""
        from zalosync.cli.drift import drift
        from zalosync.console.status import finding

        with self.session.reader() as reader:
            found = drift(self.session, self.provider.client, reader)
        return [finding(each.id, each.severity, each.message, each.count) for each in found]

    def standing(self) -> dict[str, Any]:
        """Where everything stands, without another look."""
        from zalosync.cli.facts import facts
        from zalosync.console.status import status_document

        with self.session.reader() as reader:
            return status_document(facts(self.session, reader))

    def again(self, *, waits: bool) -> dict[str, Any] | None:
        """Another look; None where there is time, and a run has the ledger or the provider is silent."""
        try:
            return self.once()
        except LedgerError as error:
            if error.code != LOCK_BUSY or waits:
                raise
        except StoppedEarly as error:
            if waits:
                raise
            self.emit(Warned(error.code, error.message))
        self.moved = 0
        return None

    def once(self) -> dict[str, Any]:
        """One look: what was rescued, reports, logs; gives where everything stands then."""
        from zalosync.apply.conduct import orphans
        from zalosync.cli.facts import facts
        from zalosync.cli.settling import Asking, inbox_of
        from zalosync.console.status import status_document
        from zalosync.refresh.rescue import merge_rescues
        from zalosync.refresh.take import Taken

        session = self.session
        before = self.taken.moved
        with session.ledger(self.lock_timeout) as ledger, inbox_of(session) as inbox:
            asking = Asking(session, self.provider.client, self.emit, self.logs, Taken())
            try:
                merge_rescues(session.home.folder, ledger, session.clock.now(), self.emit)
                orphans(ledger, session.clock, self.emit)
                self._reports(asking, ledger, inbox)
                self._logs(asking, ledger, inbox)
            finally:
                self.taken.add(asking.taken)
            self.moved = self.taken.moved - before
            if self.moved:
                self._moved_at = session.clock.monotonic()
            self._count(ledger)
            return status_document(facts(session, ledger))

    def _count(self, ledger: "Ledger") -> None:
        """How many may still be told of: not those whose end was due before what the provider remembers."""
        from zalosync.cli.facts import forgotten
        from zalosync.compose.message import Status

        campaigns = self.session.project.campaigns
        with_sms = {each.first_name for each in campaigns if each.campaign.spec.sms_failover is not None}
        self.awaited = self.following = 0
        before = forgotten(self.session, ledger)
        for tally in ledger.tallies():
            if tally.state in (Status.ACCEPTED, Status.INTENT):
                self.awaited += tally.count
            elif tally.sms_group == PENDING:
                # No logs tell of an SMS: where its report is lost, it would be waited for for ever.
                since = before[tally.campaign]
                recent = ledger.sms_open(tally.campaign, tally.occurrence, since, _ALL)
                self.awaited += tally.count if recent else 0
            elif tally.state in (Status.UNDELIVERABLE, Status.EXPIRED) and not tally.sms_id:
                self.following += tally.count if tally.name in with_sms else 0
        for number, moment in before.items():
            gone = ledger.accepted_before(number, moment) if moment else None
            self.awaited -= gone[0] if gone else 0

    def _reports(self, asking: "Asking", ledger: "Ledger", inbox: "Inbox") -> None:
        if not self._pulls:
            asking.drain(ledger, inbox)
            return
        try:
            asking.pull(ledger, inbox)
        except StoppedEarly as error:
            # What was lost with the answer is in the logs; if they do not answer either, that is said there.
            self.emit(Warned(error.code, error.message))
        except ProviderRefused as error:
            # No public document names this call: where it is not there, or not allowed, the logs have to do.
            self.refused = error
            self.emit(Warned(error.code, error.message))

    def _logs(self, asking: "Asking", ledger: "Ledger", inbox: "Inbox") -> None:
        clock = self.session.clock
        logs = asking.logs()
        lost = inbox.broke_off
        asking.settle(ledger, logs, 0 if self._compared_at is None else AGAIN_SECONDS)
        pulled = self._pulls and self.refused is None
        everything = self.logs or lost or not (pulled or self._pushed)
        if asking.heal(ledger, logs, everything=everything) and lost:
            inbox.broke_off = False
        if self._compared_at is None or clock.monotonic() - self._compared_at > AGAIN_SECONDS:
            asking.compare(ledger, logs)
            self._compared_at = clock.monotonic()

    @property
    def _pulls(self) -> bool:
        """Whether the environment has a call for reports."""
        return self.session.project.environment.reports_path is not None

    @property
    def _pushed(self) -> bool:
        """Whether every campaign has its reports pushed."""
        webhooks = [each.campaign.spec.webhooks for each in self.session.project.campaigns]
        return all(each is not None and each.delivery.url for each in webhooks)
