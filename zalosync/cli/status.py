"""`zalosync status`: where every campaign stands."""

import sys
from typing import Any

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode

EVERY_SECONDS = 2.0


@click.command(
    epilog="Example: zalosync status order-shipped --json",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign", nargs=-1)
@click.option(
    "--watch",
    is_flag=True,
    help="Show it again whenever it changes, until Ctrl-C; with --json, one document a line.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 6 while messages of unknown fate remain.")
def status(options: Options, campaign: tuple[str, ...], *, watch: bool, detailed_exitcode: bool) -> int:
    """Show where each campaign stands: sent, accepted, delivered by Zalo or SMS, failed and why, cost.

    Reads the ledger only; `zalosync refresh` asks the provider.
    """
    session = Session(options)
    names = tuple(each.first_name for each in session.campaigns(campaign)) if campaign else ()
    document = _document(session, names)
    _show(options, document, watch=watch)
    while watch:
        session.clock.sleep(EVERY_SECONDS)
        before, document = document, _document(session, names)
        if _counts(document) != _counts(before):
            _show(options, document, watch=True, again=True)
    from zalosync.console.status import unknown_in

    return ExitCode.UNKNOWN if detailed_exitcode and unknown_in(document) else ExitCode.DONE


def _document(session: Session, names: tuple[str, ...]) -> dict[str, Any]:
    from zalosync.cli.facts import facts
    from zalosync.console.status import status_document

    with session.reader() as reader:
        return status_document(facts(session, reader, names))


def _counts(document: dict[str, Any]) -> list[Any]:
    """What a change of is worth showing: ages alone are not."""
    campaigns = [
        (each["name"], each["states"], each["funnel"], each["cost"]) for each in document["campaigns"]
    ]
    return [campaigns, document["inbox"], [each["count"] for each in document["findings"]]]


def _show(options: Options, document: dict[str, Any], *, watch: bool, again: bool = False) -> None:
    from zalosync.console import documents, status_text, text

    if options.json:
        documents.write(document, line=watch)
    else:
        if again:
            # On a terminal the new picture takes the old one's place.
            sys.stdout.write("\x1b[2J\x1b[H" if sys.stdout.isatty() else "\n")
        text.say(status_text.status_lines(document))
    sys.stdout.flush()
