"""`zalosync apply`: sends what the plan says and nothing else."""

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import Blocked, ExitCode, PlanRefused, UsageError

if TYPE_CHECKING:
    from zalosync.console.progress import Reporter
    from zalosync.infobip.keys import PublicKey
    from zalosync.ledger.store import Ledger

CI_GRACE_SECONDS = 5.0  # CI systems kill some 10 s after a cancel


@click.command(
    epilog="Example: zalosync apply --auto-approve --max-messages 1000",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign", nargs=-1)
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--max-messages", type=click.IntRange(1), help="Send no more than this in this run.")
@click.option(
    "--lock-timeout", type=click.FloatRange(0), default=0.0, help="Seconds to wait for another run."
)
def apply(
    options: Options,
    campaign: tuple[str, ...],
    *,
    auto_approve: bool,
    max_messages: int | None,
    lock_timeout: float,
) -> int:
    """Plan, show, ask, send. At most once per message, whatever breaks; run it again and it goes on."""
    if not auto_approve and not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for approval", fix="give --auto-approve, or apply a sealed plan"
        )

    session = Session(options)
    with session.reporter() as emit:
        return _apply(session, emit, campaign, auto_approve, max_messages, lock_timeout)


def _apply(
    session: Session,
    emit: "Reporter",
    names: tuple[str, ...],
    auto_approve: bool,  # noqa: FBT001 - passed on as it was said
    max_messages: int | None,
    lock_timeout: float,
) -> int:
    from zalosync.apply.execute import Job, Outside, execute
    from zalosync.apply.run import REQUEST_SECONDS, Limits
    from zalosync.cli import senders
    from zalosync.cli.settling import settler
    from zalosync.cli.who import who
    from zalosync.console import documents, text
    from zalosync.infobip.keys import Encryptor
    from zalosync.plan.build import build

    project, campaigns, options = session.project, session.campaigns(names), session.options
    if project.environment.protected:
        raise Blocked(
            f"environment {project.environment_name} is protected: it takes only a sealed, approved plan",
            fix="plan -o FILE, approve FILE, apply FILE",
        )
    with session.provider() as provider, session.ledger(lock_timeout) as ledger:
        found = senders.fetch(provider.client, campaigns, project.environment, ledger.notes())
        built = build(
            project,
            campaigns,
            ledger,
            session.keys,
            base_url=provider.base_url,
            budgets=found.budgets,
            now=session.clock.now(),
            content=True,
            emit=emit,
        )
        with built:
            emit.close()
            if not options.json:
                text.say(text.plan_lines(built))
            if built.blocked:
                raise Blocked("the plan is blocked by what it names above", fix="mend it, then plan again")
            if built.to_send and not auto_approve and not _asked(built.to_send, built.environment):
                return ExitCode.INTERRUPTED
            keys = senders.create(provider.client, found, project.environment, ledger.notes(), emit)
            if any(key.budget != found.budgets[sender] for sender, key in keys.items()):
                raise PlanRefused("a new RSA key has another size than was planned for", fix="plan again")
            _remember(session, ledger, keys)
            mgf1 = project.environment.mgf1
            job = Job(
                plan=built,
                keys=session.keys,
                encryptors={sender: Encryptor(key.der, mgf1) for sender, key in keys.items()},
                fingerprints={sender: key.fingerprint for sender, key in keys.items()},
                who=who(session.root, session.environ),
                batch_size=project.environment.batch_size,
                max_messages=max_messages,
                limits=Limits(grace=CI_GRACE_SECONDS if session.environ.get("CI") else REQUEST_SECONDS),
                folder=session.home.folder,
                webhook_token=session.webhook_token,
            )
            outside = Outside(
                ledger=ledger,
                submit=provider.client.submit,
                clock=session.clock,
                emit=emit,
                stop=session.stop,
                settle=settler(session, provider.client, emit, wait=False),
            )
            with _Signals(session), emit:
                applied = execute(job, outside)
    if options.json:
        documents.write(documents.apply_document(applied))
    else:
        text.say(text.apply_lines(applied, built.environment))
    return applied.code


def _asked(count: int, environment: str) -> bool:
    sys.stderr.write(
        f"Send {count:,} messages to {environment}? What is sent cannot be unsent. Only `yes` is a yes: "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def _remember(session: Session, ledger: "Ledger", keys: "dict[str, PublicKey]") -> None:
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
    """While a run sends, signals ask it to stop: nothing new starts, what is in flight is written down."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._ask)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._session.stop.set()
