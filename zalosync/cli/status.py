"""`zalosync status`: counts by state, per campaign."""

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode


@click.command(
    epilog="Example: zalosync status order-shipped --json",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign", nargs=-1)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 6 while messages of unknown fate remain.")
def status(options: Options, campaign: tuple[str, ...], *, detailed_exitcode: bool) -> int:
    """Count the messages of each campaign by state. Reads the ledger only."""
    from zalosync.console import documents, text

    session = Session(options)
    names = tuple(each.first_name for each in session.campaigns(campaign)) if campaign else ()
    with session.reader() as reader:
        document = documents.status_document(
            session.project.environment_name, reader.tallies(), reader.waiting(), names, session.clock.now()
        )
    if options.json:
        documents.write(document)
    else:
        text.say(text.status_lines(document))
    unknown = any(each["states"].get("unknown") for each in document["campaigns"])
    return ExitCode.UNKNOWN if detailed_exitcode and unknown else ExitCode.DONE
