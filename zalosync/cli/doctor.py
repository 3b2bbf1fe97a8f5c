"""`zalosync doctor`: what is wrong with this set-up, each with its mend. Sends nothing and makes nothing."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.clock import SKEW_SECONDS
from zalosync.errors import ExitCode, LedgerError, SpecError, UsageError, ZalosyncError, first_of

Verdict = Literal["ok", "warning", "error", "skipped"]
_MARKS: dict[Verdict, str] = {"ok": "ok", "warning": "!!", "error": "XX", "skipped": "--"}


class _Doubt(Exception):
    """Something that stops nothing, and that a person should look at."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class _NotAsked(Exception):
    """A check that has nothing to look at here."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one look at the set-up found.

    Attributes:
        name: of the check, fixed.
        verdict: `skipped` where something before it has to be mended first, or there is nothing to look at.
        message: in a sentence, without secrets.
        fix: the way out, or empty.
        code: of the error, as `explain` knows it, or empty.
        exit_code: of an error: what a command would exit with.
    """

    name: str
    verdict: Verdict
    message: str
    fix: str = ""
    code: str = ""
    exit_code: ExitCode = ExitCode.DONE

    @property
    def document(self) -> dict[str, Any]:
        """An entry of `checks`."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "message": self.message,
            "fix": self.fix or None,
            "code": self.code or None,
        }


@click.command(
    epilog="Example: zalosync doctor -e production", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--offline", is_flag=True, help="Ask the provider nothing.")
@common
def doctor(options: Options, *, offline: bool) -> int:
    """Look at everything that plan and apply need, and say how to mend what is wrong.

    The machine, the project and its files, Git, the key, the ledger, the API key, the provider and its clock.
    Changes nothing. Exits as the first thing that is wrong would; warnings exit 0.
    """
    from zalosync.console import documents, text

    session = Session(options)
    checks = list(examine(session, offline=offline))
    if options.json:
        documents.write(_document(session, checks))
    else:
        text.say(_lines(checks))
    return first_of(*(check.exit_code for check in checks if check.verdict == "error"))


def examine(session: Session, *, offline: bool) -> Iterator[Check]:
    """Look at one thing after another; what cannot be looked at before another is mended is skipped.

    Args:
        session: of the command.
        offline: leave the provider out.
    """
    looks: tuple[tuple[str, Callable[[Session], str], tuple[str, ...]], ...] = (
        ("machine", _machine, ()),
        ("project", _project, ()),
        ("specs", _specs, ("project",)),
        ("git", _git, ("project",)),
        ("key", _key, ("project", "specs")),
        ("ledger", _ledger, ("project", "specs", "key")),
        ("api-key", _api_key, ("project", "specs")),
        ("provider", _unasked if offline else _provider, ("project", "specs", "api-key")),
    )
    wrong: set[str] = set()
    for name, look, needs in looks:
        missing = [need for need in needs if need in wrong]
        check = Check(name, "skipped", f"mend {missing[0]} first") if missing else _look(session, name, look)
        if check.verdict == "error" or missing:
            wrong.add(name)
        yield check


def _look(session: Session, name: str, look: Callable[[Session], str]) -> Check:
    try:
        return Check(name, "ok", look(session))
    except _Doubt as doubt:
        return Check(name, "warning", doubt.message, doubt.fix)
    except _NotAsked as reason:
        return Check(name, "skipped", str(reason))
    except SpecError as error:
        count = len(error.problems)
        fix = "`zalosync validate` shows each with its place and its mend"
        message = f"{count} problem{'s' if count != 1 else ''}, the first: {error.problems[0]}"
        return Check(name, "error", message, fix, error.problems[0].code, error.exit_code)
    except ZalosyncError as error:
        return Check(name, "error", error.message, error.fix, error.code, error.exit_code)


def _machine(_session: Session) -> str:
    """The interpreter, and the database library that keeps the ledger."""
    import platform

    from zalosync import __version__
    from zalosync.ledger.dialect import library

    return f"zalosync {__version__}, Python {platform.python_version()}, {library()}"


def _project(session: Session) -> str:
    return f"{session.root.name} has its zalosync.yaml"


def _specs(session: Session) -> str:
    project = session.project
    where = "the embedded sandbox" if project.environment.is_sandbox else "a provider"
    count = len(project.campaigns)
    said = (
        f"{count} campaign{'s' if count != 1 else ''} without a problem;"
        f" environment {project.environment_name} is {where}"
    )
    if project.findings:
        count = len(project.findings)
        first = next((each for each in project.findings if each.severity == "error"), project.findings[0])
        raise _Doubt(
            f"{said}; {count} finding{'s' if count != 1 else ''}, such as: {first.message}",
            f"`zalosync plan` shows each; `zalosync explain {first.id}` says more",
        )
    return said


def _git(session: Session) -> str:
    """Whether the project is under version control, and its secrets are not."""
    from zalosync.cli.who import LOCK, git, said
    from zalosync.ledger.home import STATE_FOLDER

    root = session.root
    if said(root, "rev-parse", "--is-inside-work-tree") is None:
        raise _Doubt(
            "the project is in no Git repository: nobody can say later which commit was sent",
            "`git init`, and commit the project",
        )
    if git(root, "ls-files", "--", STATE_FOLDER):
        raise UsageError(
            f"Git tracks files in {STATE_FOLDER}/, where the project's key and the ledger are",
            fix=f"`git rm -r --cached {STATE_FOLDER}`, add it to .gitignore; who saw the key file can tell"
            " whom you messaged: keep that history private",
        )
    if (root / STATE_FOLDER).exists() and said(root, "check-ignore", "-q", f"{STATE_FOLDER}/key") is None:
        raise UsageError(
            f"Git does not ignore {STATE_FOLDER}/, where the project's key and the ledger are",
            fix=f"add the line `{STATE_FOLDER}/` to .gitignore",
        )
    if (root / LOCK).exists() and not git(root, "ls-files", "--", LOCK):
        raise _Doubt(
            f"{LOCK} is not in Git: a lost or old ledger would not be noticed elsewhere", f"`git add {LOCK}`"
        )
    return f"in a repository; {STATE_FOLDER}/ is not"


def _key(session: Session) -> str:
    from zalosync.ledger.home import STATE_FOLDER
    from zalosync.ledger.key import read_key

    keys = read_key(session.root / STATE_FOLDER, session.environ)
    if keys is None and session.project.environment.is_sandbox:
        raise _NotAsked("the sandbox's first command makes the project's key")
    return f"the project's key is there (fingerprint {session.keys.fingerprint[:12]}…)"


def _ledger(session: Session) -> str:
    from zalosync.ledger.home import open_reader
    from zalosync.ledger.pin import read_pin
    from zalosync.ledger.place import check_place

    home = session.home
    check_place(home)
    pinned = read_pin(home.pin_path, home.environment) is not None
    if not home.path.exists() and not pinned:
        if home.sandbox:
            raise _NotAsked("the sandbox's first command makes its ledger")
        raise LedgerError(
            f"there is no ledger yet for environment {home.environment}",
            fix="`zalosync ledger init` makes it, once for all who send",
        )
    with closing(open_reader(home, session.keys)) as reader:
        head = reader.head()
    session.check_durable()
    return f"{home.place} is sound: {head.seq:,} events, not older than {home.pin_path.name} says"


def _api_key(session: Session) -> str:
    if session.address() is None:
        raise _NotAsked("the sandbox needs none")
    return "the base URL and the API key are set"


def _unasked(_session: Session) -> NoReturn:
    raise _NotAsked("--offline: the provider was not asked")


def _provider(session: Session) -> str:
    """One read for each sender: is the key accepted, does the sender exist, do the clocks agree."""
    senders = sorted({each.campaign.spec.sender for each in session.project.campaigns})
    if session.project.environment.is_sandbox:
        raise _NotAsked("the sandbox runs inside each command")
    if not senders:
        raise _NotAsked("there is no campaign, so no sender to ask about")
    with session.asked_provider(about_messages=False) as provider:
        counts = [len(provider.client.templates(sender)) for sender in senders]
        date, now = provider.client.server_date, session.clock.now()
    if date is not None and abs((now - date).total_seconds()) > SKEW_SECONDS:
        raise _Doubt(
            f"this machine's clock is {(now - date).total_seconds():+,.0f} s off the provider's",
            "set the clock: schedules, windows and the 48 hours of evidence are kept by it",
        )
    known = f"{sum(counts):,} templates of {len(senders)} sender{'s' if len(senders) != 1 else ''}"
    return f"{provider.base_url} takes the API key: {known}; the clocks agree"


def _document(session: Session, checks: list[Check]) -> dict[str, Any]:
    return {
        "environment": session.options.environment,
        "ok": not any(check.verdict == "error" for check in checks),
        "checks": [check.document for check in checks],
    }


def _lines(checks: list[Check]) -> Iterator[str]:
    for check in checks:
        code = f" [{check.code}]" if check.code else ""
        yield f"{_MARKS[check.verdict]}  {check.name:<9} {check.message}{code}"
        if check.fix:
            yield f"{'':14}{check.fix}"
    errors = sum(check.verdict == "error" for check in checks)
    warnings = sum(check.verdict == "warning" for check in checks)
    told = [f"{errors} wrong"] * bool(errors) + [f"{warnings} to look at"] * bool(warnings)
    yield ", ".join(told) if told else "nothing is wrong"
