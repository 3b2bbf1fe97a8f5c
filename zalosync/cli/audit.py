"""`zalosync audit`: proves the ledger, and shows what it says."""

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode


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

    session = Session(options)
    with session.reader() as reader:
        verified = replay(reader)
    if options.json:
        documents.write(
            {
                "environment": session.project.environment_name,
                "ok": verified.ok,
                "events": verified.events,
                "head": verified.head,
                "problems": list(verified.problems),
            }
        )
    else:
        verdict = "fits its history" if verified.ok else "does NOT fit its history"
        click.echo(f"{session.home.place} {verdict}: {verified.events:,} events, head {verified.head}")
        for problem in verified.problems:
            click.echo(f"  ✗ {problem}")
    return ExitCode.DONE if verified.ok else ExitCode.LEDGER
