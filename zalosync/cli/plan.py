"""`zalosync plan`: what would be sent, to how many, at what cost, and what is dropped and why."""

from pathlib import Path

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode


@click.command(
    epilog="Example: zalosync plan order-shipped -o release.zsplan",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Seal the plan into FILE."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to send, 0 when not.")
def plan(options: Options, campaign: tuple[str, ...], *, output: Path | None, detailed_exitcode: bool) -> int:
    """Show what applying the specs would do. Never writes to the ledger, never sends."""
    from zalosync.cli import senders
    from zalosync.cli.who import who
    from zalosync.console import documents, text
    from zalosync.ledger.pin import pin_of, write_pin
    from zalosync.plan.build import Known, build
    from zalosync.plan.bundle import seal

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
            known=Known(found.planned),
            now=session.clock.now(),
            content=False,
            emit=emit,
        )
        emit.close()
        with built:
            document = documents.plan_document(built)
            if output is not None and not built.blocked:
                record = {**who(session.root, session.environ), "plan": document}
                seal(output, built, session.keys, record)
                write_pin(session.home.pin_path, session.home.environment, pin_of(reader))
            if options.json:
                documents.write(document)
            else:
                text.say(text.plan_lines(built))
                if output is not None and not built.blocked:
                    text.say(text.sealed_lines(output.name))
            if built.blocked:
                return ExitCode.BLOCKED
            return ExitCode.CHANGES if detailed_exitcode and built.to_send else ExitCode.DONE
