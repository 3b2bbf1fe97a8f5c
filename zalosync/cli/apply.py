"""`zalosync apply`: sends what the plan says and nothing else."""

import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.prompt import yes
from zalosync.cli.session import Provider, Session
from zalosync.cli.signals import comes_again
from zalosync.errors import Blocked, ExitCode, Interrupted, PlanRefused, UsageError

if TYPE_CHECKING:
    from zalosync.apply.conduct import Applied
    from zalosync.cli.sealed import Approved
    from zalosync.console.progress import Reporter
    from zalosync.infobip.keys import PublicKey
    from zalosync.ledger.store import Ledger
    from zalosync.plan.bundle import Sealed
    from zalosync.plan.shape import Plan

CI_GRACE_SECONDS = 5.0  # CI systems kill some 10 s after a cancel


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said."""

    file: Path | None
    auto_approve: bool
    max_messages: int | None
    canary: int
    due: bool
    lock_timeout: float


@click.command(
    epilog="Example: zalosync apply release.zsplan",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--max-messages", type=click.IntRange(1), help="Send no more than this in this run.")
@click.option("--canary", type=click.IntRange(1), default=20, help="Messages in the first request [20].")
@click.option("--due", is_flag=True, help="Send held messages whose time has come, and nothing else.")
@click.option("--lock-timeout", type=click.FloatRange(0), default=0.0, help="Seconds to wait for a run.")
def apply(
    options: Options,
    *,
    file: Path | None,
    auto_approve: bool,
    max_messages: int | None,
    canary: int,
    due: bool,
    lock_timeout: float,
) -> int:
    """Send what a plan says. Without FILE: plan, show, ask. At most once per message, whatever breaks.

    Run it again after a crash or a stop: it goes on where it was.
    """
    asked = Asked(file, auto_approve, max_messages, canary, due, lock_timeout)
    if due and file is not None:
        raise UsageError("--due takes no plan: it sends what applied plans hold", fix="leave out FILE")
    if file is None and not due and not auto_approve and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for approval", fix="give --auto-approve, or apply a sealed plan"
        )
    session = Session(options)
    session.check_job()  # before any secret is read
    with session.reporter() as emit, session.provider() as provider:
        applied = _apply(session, emit, provider, asked)
    from zalosync.console import documents, text

    if isinstance(applied, int):
        if options.json:
            documents.write({"adopted": applied})
        else:
            click.echo(f"marked {applied:,} messages as sent before; nothing went out")
        return ExitCode.DONE
    if options.json:
        documents.write(documents.apply_document(applied))
    else:
        text.say(text.apply_lines(applied, session.project.environment_name))
    return applied.code


def _apply(session: Session, emit: "Reporter", provider: Provider, asked: Asked) -> "Applied | int":
    from zalosync.cli import quotas, senders
    from zalosync.cli.adopting import apply_adoption
    from zalosync.cli.key_sizes import remember
    from zalosync.cli.sealed import open_sealed
    from zalosync.plan.adopt import ADOPT
    from zalosync.plan.build import Known, build
    from zalosync.plan.check import check_same, narrowed

    project = session.project
    if project.environment.protected and asked.file is None and not asked.due:
        raise Blocked(
            f"environment {project.environment_name} is protected: it takes only a sealed, approved plan",
            fix="`zalosync plan -o FILE`, `zalosync approve FILE --as NAME`, `zalosync apply FILE`",
        )
    session.check_durable()
    with session.ledger(asked.lock_timeout, sound=True) as ledger:
        approved = None if asked.file is None else open_sealed(session, provider.base_url, asked.file, ledger)
        sealed = None if approved is None else approved.sealed
        if approved is not None and approved.sealed.meaning["kind"] == ADOPT:
            return apply_adoption(session, approved, ledger, provider.base_url, emit)
        campaigns = project.campaigns
        if sealed is not None:
            # What is cancelled of a campaign that was gone is not, where the campaign is back: that is stale.
            names = {campaign["name"] for campaign in sealed.meaning["campaigns"]} | sealed.cancels.keys()
            campaigns = tuple(each for each in campaigns if each.first_name in names)
        found = senders.fetch(provider.client, campaigns, project.environment, ledger.notes())
        remember(session.key_sizes, found.keys)
        built = build(
            project,
            campaigns,
            ledger,
            session.keys,
            base_url=provider.base_url,
            known=Known(found.planned, quotas.fetch(provider.client, campaigns, session)),
            now=session.clock.now(),
            content=True,
            emit=emit,
            due=asked.due,
            whole=True,
        )
        with built:
            shrunk: Mapping[str, int] = {}
            if sealed is not None:
                check_same(sealed, built)
                shrunk = narrowed(sealed, built)
            _agree(session, emit, built, asked, sealed, shrunk)
            keys = senders.create(provider.client, found, project.environment, ledger.notes(), emit)
            remember(session.key_sizes, keys)
            planned = found.planned
            if any(key.budget != planned[sender].budget for sender, key in keys.items()):
                raise PlanRefused("a new RSA key has another size than was planned for", fix="plan again")
            _remember(session, ledger, keys)
            return _run(session, emit, provider, asked, built, approved, keys, ledger, shrunk)


def _agree(
    session: Session,
    emit: "Reporter",
    built: "Plan",
    asked: Asked,
    sealed: "Sealed | None",
    shrunk: Mapping[str, int],
) -> None:
    """Show what will be done and, where nobody said yes before, ask.

    Raises:
        Blocked: a finding blocks, or approvals are asked for.
        Interrupted: the answer was no.
    """
    from zalosync.console import plan_text, text
    from zalosync.console.planned import plan_document
    from zalosync.plan.approve import approvals_needed, check_unasked
    from zalosync.plan.decide import Action

    emit.close()
    asks = sealed is None and not asked.auto_approve and not asked.due
    if asks or not session.options.json:
        document = plan_document(built, zone=session.project.spec.timezone)
        lines = list(plan_text.plan_lines(document, digest=sealed.digest if sealed else None))
        lines += plan_text.shrunk_lines(shrunk) if shrunk else ()
        # Who is asked sees what about; standard output is for the document, where one is wanted.
        text.say(iter(lines), sys.stderr if session.options.json else sys.stdout)
    errors = [finding for finding in built.all_findings if finding.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Blocked(
            f"the plan is blocked: {errors[0].message}{more}",
            fix=f"`zalosync explain {errors[0].id}` says more; mend it, then plan again",
        )
    if sealed is None and not asked.due:
        check_unasked(approvals_needed(session.project, built.contacts))
    held = sum(campaign.messages.actions[Action.HELD] for campaign in built.campaigns)
    count = held if asked.due else built.to_send
    if not (count or built.to_cancel) or not asks or yes(_question(built)):
        return
    raise Interrupted("nothing was sent: the answer was no")


def _question(built: "Plan") -> str:
    cancel = f"cancel {built.to_cancel:,} held messages of {built.environment}"
    if not built.to_send:
        return f"{cancel.capitalize()}? What is cancelled is not sent any more."
    also = f", and {cancel}" if built.to_cancel else ""
    return f"Send {built.to_send:,} messages to {built.environment}{also}? What is sent cannot be unsent."


def _run(
    session: Session,
    emit: "Reporter",
    provider: Provider,
    asked: Asked,
    built: "Plan",
    approved: "Approved | None",
    keys: "Mapping[str, PublicKey]",
    ledger: "Ledger",
    shrunk: Mapping[str, int],
) -> "Applied":
    from zalosync.apply.conduct import Outside
    from zalosync.apply.execute import execute
    from zalosync.apply.job import Job
    from zalosync.apply.ports import REQUEST_SECONDS, Limits
    from zalosync.cli.settling import settler
    from zalosync.cli.who import who
    from zalosync.infobip.keys import Encryptor

    environment = session.project.environment
    record = {
        **who(session.root, session.environ),
        "approvals": approved.record if approved else [],
        "due": asked.due,
    }
    job = Job(
        plan=built,
        digest=approved.sealed.digest if approved else built.digest,
        keys=session.keys,
        encryptors={sender: Encryptor(key.der, environment.mgf1) for sender, key in keys.items()},
        fingerprints={sender: key.fingerprint for sender, key in keys.items()},
        who=record,
        batch_size=environment.batch_size,
        max_messages=asked.max_messages,
        canary=asked.canary,
        due=asked.due,
        limits=Limits(grace=CI_GRACE_SECONDS if session.environ.get("CI") else REQUEST_SECONDS),
        folder=session.home.folder,
        webhook_token=session.webhook_token,
        shrunk=shrunk,
    )
    outside = Outside(
        ledger=ledger,
        submit=provider.client.submit,
        clock=session.clock,
        emit=emit,
        stop=session.stop,
        settle=settler(session, provider.client, emit, wait=False),
    )
    signals = _Signals(session)
    with signals, emit:
        return execute(job, replace(outside, interruptible=signals.interruptible))


def _remember(session: Session, ledger: "Ledger", keys: "Mapping[str, PublicKey]") -> None:
    """Record keys that were never seen, so that a change is noticed."""
    from zalosync.cli.senders import NOTE
    from zalosync.ledger.records import Kind

    known = ledger.notes()
    new = {sender: key for sender, key in keys.items() if NOTE + sender not in known}
    if new:
        with ledger.change(Kind.NOTE, session.clock.now()) as change:
            for sender, key in new.items():
                change.note(NOTE + sender, key.fingerprint)


class _Signals:
    """While a run sends, signals ask it to stop: nothing new starts, what is in flight is written down.

    While it only asks or reads, and nothing is in flight, they end that at once: a query for evidence may
    take half a minute, and a CI system kills some seconds after its signal.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._before: dict[int, object] = {}
        self._at_once = False

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal end what is being done at once."""
        self._at_once = True
        try:
            if self._session.stop.is_set():
                raise _interrupted()
            yield
        finally:
            self._at_once = False

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._session.stop.set()
        if self._at_once and not comes_again(number, frame):
            self._at_once = False  # once: the record of the run's end is still to be written
            raise _interrupted()


def _interrupted() -> Interrupted:
    return Interrupted("stopped by a signal; nothing is in flight", fix="apply again: it goes on")
