"""`zalosync plan`: what would be sent, to how many, at what cost, and what is dropped and why."""

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode


@click.command(
    epilog="Example: zalosync plan order-shipped --json",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign", nargs=-1)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to send, 0 when not.")
def plan(options: Options, campaign: tuple[str, ...], *, detailed_exitcode: bool) -> int:
    """Show what applying the specs would do. Never writes to the ledger, never sends."""
    from zalosync.cli import senders
    from zalosync.console import documents, text
    from zalosync.plan.build import build

    session = Session(options)
    project, campaigns = session.project, session.campaigns(campaign)
    with session.reporter() as emit, session.reader() as reader, session.provider() as provider:
        found = senders.fetch(provider.client, campaigns, project.environment, reader.notes())
        built = build(
            project,
            campaigns,
            reader,
            session.keys,
            base_url=provider.base_url,
            budgets=found.budgets,
            now=session.clock.now(),
            content=False,
            emit=emit,
        )
        emit.close()
        with built:
            if options.json:
                documents.write(documents.plan_document(built))
            else:
                text.say(text.plan_lines(built))
            if built.blocked:
                return ExitCode.BLOCKED
            return ExitCode.CHANGES if detailed_exitcode and built.to_send else ExitCode.DONE
