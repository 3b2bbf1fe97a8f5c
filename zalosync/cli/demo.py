"""`zalosync demo`: a whole campaign on the embedded sandbox, from the specs to the report."""

import contextlib
import io
import itertools
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

import zalosync
from zalosync.cli.options import Options, common
from zalosync.errors import ExitCode, UsageError, first_of

if TYPE_CHECKING:
    from zalosync.audit.agreement import Agreement

ROWS = 10_000
ENVIRONMENT = "sandbox"
MARK = Path(".zalosync") / "demo"  # a folder that has it was made by this command
AUDIENCE = Path("audiences") / "customers.csv"
REPORT = "report.html"
SEALED = "release.zsplan"
# Each command of the tour, and the exit codes after which the next one makes sense.
STEPS: tuple[tuple[tuple[str, ...], frozenset[int]], ...] = (
    (("validate",), frozenset({ExitCode.DONE})),
    (("plan", "-o", SEALED), frozenset({ExitCode.DONE})),
    (("apply", SEALED), frozenset({ExitCode.DONE, ExitCode.UNKNOWN})),
    (("refresh", "--until-final"), frozenset({ExitCode.DONE, ExitCode.UNKNOWN})),
    (("status",), frozenset({ExitCode.DONE})),
    (("audit", "verify"), frozenset({ExitCode.DONE})),
    (("audit", "report", "--output", REPORT), frozenset({ExitCode.DONE})),
)


@click.command(
    epilog="Example: zalosync demo my-demo", context_settings={"help_option_names": ["-h", "--help"]}
)
@common
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--rows", type=click.IntRange(1, ROWS), help=f"Customers in the audience [{ROWS:,}].")
@click.option(
    "--keep/--remove", default=True, help="Keep the temporary folder, or remove it at the end [keep]."
)
def demo(options: Options, folder: Path | None, *, rows: int | None, keep: bool) -> int:
    """Run a whole campaign in DIR (a new temporary folder where none is given) and hold the counts together.

    Validates, plans, applies, refreshes until every message has its end, and writes the report. Stopped or
    killed, the same command on the same folder goes on, and nobody gets two messages.
    """
    from zalosync.console import documents, tour
    from zalosync.console.text import say

    target = Path(tempfile.mkdtemp(prefix="zalosync-demo-")) if folder is None else folder.resolve()
    made = _prepare(target, rows)
    show = _quiet if options.json else say
    show(tour.welcome_lines(_near(target), made))
    codes, finished = _walk(target, options)
    if not finished:
        show(tour.stopped_lines(_program(), _near(target)))
        return codes[-1]
    found = _counted(target, options)
    report = target / REPORT
    if options.json:
        documents.write({"folder": str(target), "report": str(report), "agree": found.agree, **asdict(found)})
    show(tour.verdict_lines(found))
    if folder is None and not keep:
        shutil.rmtree(target)
    else:
        show(tour.next_lines(_program(), _near(target), _near(report), unknown=found.unknown))
    return first_of(*codes) if found.agree else ExitCode.INTERNAL


def _program() -> str:
    """How `zalosync` is called here: by its name where the shell finds it, else as it was called."""
    if shutil.which("zalosync") or Path(sys.argv[0]).name != "zalosync":
        return "zalosync"
    return shlex.quote(sys.argv[0])


def _near(path: Path) -> Path:
    """A path as one would type it here."""
    here = Path.cwd()
    return path.relative_to(here) if path != here and path.is_relative_to(here) else path


def _quiet(lines: Iterator[str]) -> None:
    for _ in lines:
        pass


def _prepare(target: Path, rows: int | None) -> int | None:
    """Copy the project; None where the folder holds an earlier demo, which then goes on.

    Raises:
        UsageError: the folder is somebody's, or has an earlier demo of another size.
    """
    if (target / MARK).is_file():
        if rows is not None:
            raise UsageError(
                f"{target} has a demo already, and --rows counts when it is made",
                fix="leave --rows out to go on with it, or name another folder",
            )
        return None
    if target.exists() and any(target.iterdir()):
        raise UsageError(
            f"{target} is not empty, and no demo of an earlier run",
            fix="name a new folder: the demo fills it",
        )
    # Made whole under another name first: a stop in between leaves no half-made project.
    aside = target.with_name(target.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        return _made(aside, target, rows or ROWS)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise UsageError(
            f"the demo cannot be made in {target}: {error.strerror or 'no space, or no right to write'}",
            fix="name another folder",
        ) from error


def _made(aside: Path, target: Path, rows: int) -> int:
    shutil.copytree(_packaged(), aside, ignore=shutil.ignore_patterns(".*", "*.zsplan", "*.html"))
    count = _shorten(aside / AUDIENCE, rows)
    (aside / MARK).parent.mkdir(mode=0o700)
    (aside / MARK).write_text(f"zalosync {zalosync.__version__}, {count} rows\n", encoding="utf-8")
    aside.rename(target)
    return count


def _packaged() -> Path:
    """The project that ships with the package; in a checkout, the one of the repository."""
    package = Path(zalosync.__file__).parent
    shipped = package / "_specs"
    return shipped if shipped.is_dir() else package.parent / "specs"


def _shorten(path: Path, rows: int) -> int:
    """Keep the header and the first rows; gives how many there are. One line is one row in this file."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(itertools.islice(file, rows + 1))
    path.write_text("".join(lines), encoding="utf-8", newline="")
    return len(lines) - 1


def _walk(target: Path, options: Options) -> tuple[list[int], bool]:
    """Run the steps; gives their exit codes, and whether none of them ended the tour."""
    from zalosync.console import tour

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    codes: list[int] = []
    for arguments, goes_on in STEPS:
        if not options.json:
            sys.stdout.write("\n" + tour.command_line(arguments, colour=colour) + "\n")
            sys.stdout.flush()
        codes.append(_run(target, arguments, options))
        if codes[-1] not in goes_on:
            return codes, False
    return codes, True


def _run(target: Path, arguments: Sequence[str], options: Options) -> int:
    """One command, as the command line would run it, in this process; with --json its output is dropped."""
    if not options.json:
        code, _ = _command(target, arguments, options), sys.stdout.flush()
        return code
    with contextlib.redirect_stdout(io.StringIO()):
        return _command(target, arguments, options)


def _command(target: Path, arguments: Sequence[str], options: Options) -> int:
    from zalosync.cli.failure import report_failure
    from zalosync.cli.main import root

    common_options = ["-C", str(target), "-e", ENVIRONMENT, "--log-format", options.log_format]
    if options.quiet:
        common_options.append("-q")
    with contextlib.chdir(target):
        try:
            code = root.main([*common_options, *arguments], prog_name="zalosync", standalone_mode=False)
        except (BrokenPipeError, SystemExit):
            raise  # the reader of our output went away: that ends the tour, as it would end a command
        except BaseException as error:  # noqa: BLE001 - as in main: every failure is an exit code
            return report_failure(error)
    return int(code) if isinstance(code, int) else ExitCode.DONE


def _counted(target: Path, options: Options) -> "Agreement":
    """The counts of plan, ledger and sandbox, held against each other."""
    from zalosync.audit.agreement import agreement
    from zalosync.sandbox import oracle

    plan = _document(target, ("plan",), options)["totals"]
    states: Counter[str] = Counter()
    for campaign in _document(target, ("status",), options)["campaigns"]:
        states.update(campaign["states"])
    state = target / ".zalosync" / f"{ENVIRONMENT}.sandbox"
    taken = (message["accepted"] for message in oracle.read_messages(state))
    return agreement(plan, states, oracle.read(state), taken)


def _document(target: Path, arguments: Sequence[str], options: Options) -> dict[str, Any]:
    """What a command prints with `--json`."""
    out = io.StringIO()
    quiet = Options(quiet=True, log_format=options.log_format)
    with contextlib.redirect_stdout(out):
        _command(target, (*arguments, "--json"), quiet)
    found = json.loads(out.getvalue())
    assert isinstance(found, dict)
    return found
