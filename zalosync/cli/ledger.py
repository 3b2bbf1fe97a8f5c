"""`zalosync ledger`: make the memory of an environment, and look at it."""

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@common
def ledger(options: Options) -> None:
    """Create and inspect the ledger."""


@ledger.command(
    "init",
    epilog="Example: zalosync ledger init -e production",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
def init(options: Options) -> int:
    """Make the environment's ledger with its lineage and, if there is none, the project's key."""
    from zalosync.ledger.home import STATE_FOLDER, create
    from zalosync.ledger.key import make_key, read_key

    session = Session(options)
    folder = session.root / STATE_FOLDER
    made = read_key(folder, session.environ) is None
    if made:
        make_key(folder)
    create(session.home, session.keys, session.clock.now())
    click.echo(f"made {session.home.place}; its lineage is pinned in {session.home.pin_path.name}")
    if made:
        click.echo(
            "made .zalosync/key: keep a copy where secrets are kept."
            " Without it nobody can tell who was messaged already"
        )
    return ExitCode.DONE


@ledger.command(
    "info",
    epilog="Example: zalosync ledger info --json",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
def info(options: Options) -> int:
    """Where the ledger is, how large, and where its history stands."""
    from zalosync.console import documents

    session = Session(options)
    with session.reader() as reader:
        head, notes = reader.head(), reader.notes()
        document = {
            "environment": session.project.environment_name,
            "ledger": session.home.place,
            "bytes": session.home.path.stat().st_size,
            "attempts": sum(tally.count for tally in reader.tallies()),
            "lineage": notes.get("lineage"),
            "events": head.seq,
            "intent_serial": head.intent_serial,
            "status_serial": head.status_serial,
            "head": head.hash.hex(),
        }
    if options.json:
        documents.write(document)
    else:
        for name, value in document.items():
            click.echo(
                f"{name.replace('_', ' '):>14}  {value:,}"
                if isinstance(value, int)
                else f"{name:>14}  {value}"
            )
    return ExitCode.DONE
