"""`zalosync audit`: proves the ledger, and shows what it says."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.cli.targets import check_page
from zalosync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from zalosync.audit.summary import Summary
    from zalosync.audit.verify import Verified
    from zalosync.ledger.read import LedgerReader

LONGEST = 1000  # characters of one text of the report


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@common
def audit(options: Options) -> None:
    """Prove the ledger; make the HTML report."""


@audit.command(
    "verify",
    epilog="Example: zalosync audit verify --json",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
def verify(options: Options) -> int:
    """Replay the history and hold every table against it. Exit 7 where something does not fit."""
    from zalosync.audit.verify import verify as replay
    from zalosync.console import documents
    from zalosync.ledger.alarms import open_alarms

    session = Session(options)
    with session.reader() as reader:
        verified = replay(reader)
        alarms = open_alarms(reader.notes())
    if options.json:
        documents.write(
            {
                "environment": session.project.environment_name,
                "ok": verified.ok,
                "events": verified.events,
                "head": verified.head,
                "problems": list(verified.problems),
                "alarms": [
                    {"what": alarm.what, "count": alarm.count, "some": list(alarm.some), "at": alarm.at}
                    for alarm in alarms
                ],
            }
        )
    else:
        verdict = "fits its history" if verified.ok else "does NOT fit its history"
        click.echo(f"{session.home.place} {verdict}: {verified.events:,} events, head {verified.head}")
        for problem in verified.problems:
            click.echo(f"  ✗ {problem}")
        for alarm in alarms:
            click.echo(f"  ! {alarm.words}, last at {alarm.at}; nobody answered this alarm yet")
    return ExitCode.DONE if verified.ok else ExitCode.LEDGER


@audit.command(
    "report",
    epilog="Example: zalosync audit report --output report.html",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="Where the page goes.",
)
def report(options: Options, output: Path) -> int:
    """Write one HTML page for people: what was sent, what became of it, who ran it, what is proven.

    It needs no network and holds nothing personal. Exit 7 where the history does not fit; the page says so.
    """
    from zalosync.audit.report import render
    from zalosync.audit.verify import verify as replay
    from zalosync.console import audited, documents, text
    from zalosync.console.display import display

    check_page(output)
    session = Session(options)
    with session.reader() as reader:
        verified = replay(reader)
        summary = summary_of(session, reader, verified)
    zone = session.project.spec.timezone or "UTC"
    page = render(summary, zone=ZoneInfo(str(zone)), gate=lambda text: display(text, LONGEST))
    _write(output, page)
    document = audited.report_document(summary, verified, str(output))
    if options.json:
        documents.write(document)
    else:
        text.say(audited.report_lines(document))
    return ExitCode.DONE if verified.ok else ExitCode.LEDGER


def _write(output: Path, page: str) -> None:
    """Write the page aside and rename it: a reader never meets half of it.

    Raises:
        UsageError: there is no such folder, no space, or no right to write there.
    """
    aside = output.with_name(output.name + ".new")
    try:
        aside.write_text(page, encoding="utf-8")
        aside.replace(output)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        raise UsageError(
            f"the report cannot be written to {output}: {error.strerror}",
            fix="name another place with --output; the ledger was only read",
        ) from error


def summary_of(session: Session, reader: "LedgerReader", verified: "Verified") -> "Summary":
    """All that the report tells.

    Args:
        session: the command's.
        reader: the ledger.
        verified: what replaying its history found.
    """
    from zalosync.audit.summary import Origin, Proof, summarize
    from zalosync.cli.facts import sms_awaited

    project = session.project
    environment = project.environment
    tallies = reader.tallies()
    return summarize(
        Origin(
            project=project.name,
            environment=project.environment_name,
            base_url="the embedded sandbox" if environment.is_sandbox else "",
            currency=project.prices.currency if project.prices else "",
            names={each.first_name: each.name for each in project.campaigns},
        ),
        tallies,
        reader.runs(),
        reader.waiting(),
        sms_awaited(session, reader, tallies),
        head=reader.head(),
        lineage=reader.notes().get("lineage", ""),
        proof=Proof(verified.events, verified.problems),
        now=session.clock.now(),
    )
