"""`zalosync refresh`: pulls reports and logs, settles unknown messages, moves statuses."""

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode

POLL_SECONDS = 1.0


@click.command(
    epilog="Example: zalosync refresh --until-final",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.option("--logs", "logs", is_flag=True, help="Ask the logs about every unknown message.")
@click.option("--until-final", is_flag=True, help="Go on until every message has a final state.")
@click.option("--lock-timeout", type=click.FloatRange(0), default=0.0, help="Seconds to wait for a run.")
def refresh(options: Options, *, logs: bool, until_final: bool, lock_timeout: float) -> int:
    """Ask the provider what became of the messages, and write it down."""
    from zalosync.apply.execute import orphans
    from zalosync.cli.settling import settler
    from zalosync.compose.message import Maker, Status
    from zalosync.console import documents, text
    from zalosync.refresh.inbox import Inbox
    from zalosync.refresh.reports import drain, pull
    from zalosync.refresh.rescue import merge_rescues

    session = Session(options)
    with (
        session.reporter() as emit,
        session.provider() as provider,
        session.ledger(lock_timeout) as ledger,
        Inbox(session.home.folder / f"{session.home.environment}.inbox.db") as inbox,
    ):
        merge_rescues(session.home.folder, ledger, session.clock.now(), emit)
        orphans(ledger, session.clock, emit)
        pulls = project_pulls(session)
        while True:
            if pulls:
                pull(provider.client, inbox, ledger, Maker(session.keys), session.clock, emit)
            else:
                drain(inbox, ledger, Maker(session.keys), session.clock, emit)
            settler(session, provider.client, emit, wait=logs or until_final)(ledger)
            open_states = (Status.ACCEPTED, Status.INTENT)
            pending = sum(tally.count for tally in ledger.tallies() if tally.state in open_states)
            if not until_final or not pending:
                break
            session.clock.sleep(POLL_SECONDS, session.stop)
        document = documents.status_document(
            session.project.environment_name, ledger.tallies(), ledger.waiting(), (), session.clock.now()
        )
    if options.json:
        documents.write(document)
    else:
        text.say(text.status_lines(document))
    unknown = any(campaign["states"].get("unknown") for campaign in document["campaigns"])
    return ExitCode.UNKNOWN if unknown else ExitCode.DONE


def project_pulls(session: Session) -> bool:
    """Whether the environment has a call for reports."""
    return session.project.environment.reports_path is not None
