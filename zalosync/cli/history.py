"""`zalosync history`: the runs, who and when, with which result."""

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode


@click.command(
    epilog="Example: zalosync history --json",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign", required=False)
def history(options: Options, campaign: str | None) -> int:
    """List the runs, oldest first. Reads the ledger only."""
    from zalosync.console import documents, text

    session = Session(options)
    name = session.project.campaign(campaign).name if campaign else None
    with session.reader() as reader:
        runs = [run for run in reader.runs() if name is None or name in run.started.get("campaigns", [])]
    document = documents.history_document(session.project.environment_name, runs)
    if options.json:
        documents.write(document)
    else:
        text.say(text.history_lines(document))
    return ExitCode.DONE
