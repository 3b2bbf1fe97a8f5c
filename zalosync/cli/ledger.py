"""`zalosync ledger`: make an environment's memory, look at it, copy it, adopt what was sent before it."""

from pathlib import Path

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, UsageError

_SETTINGS = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_SETTINGS)
@common
def ledger(options: Options) -> None:
    """Create, inspect, copy and upgrade the ledger; take over what was sent before it."""


@ledger.command("init", epilog="Example: zalosync ledger init -e production", context_settings=_SETTINGS)
@common
@click.option("--replace-lineage", is_flag=True, help="Begin anew although the lock file pins a ledger.")
@click.option("--reason", default="", help="Why it is replaced; kept with the history.")
def init(options: Options, *, replace_lineage: bool, reason: str) -> int:
    """Make the environment's ledger with its lineage and, if there is none, the project's key.

    With --replace-lineage a new, empty ledger takes the place of the pinned one. It does not know who was
    messaged before: `zalosync ledger adopt` tells it.
    """
    from zalosync.cli.approve import checked_reason
    from zalosync.console.documents import answer
    from zalosync.ledger.home import STATE_FOLDER, create
    from zalosync.ledger.key import make_key, read_key
    from zalosync.ledger.lineage import replace_lineage as replace
    from zalosync.ledger.pin import read_pin

    session = Session(options)
    session.check_job()
    folder = session.root / STATE_FOLDER
    pinned = read_pin(session.home.pin_path, session.home.environment) is not None
    if bool(checked_reason(reason).strip()) != replace_lineage:
        raise UsageError("--replace-lineage and --reason stand together", fix="say who was asked, and why")
    made = not pinned and read_key(folder, session.environ) is None
    if made:
        make_key(folder)
    before = None
    if replace_lineage:
        before = replace(session.home, session.keys, session.clock.now(), session.actor, reason)
    else:
        create(session.home, session.keys, session.clock.now())
    lines = [f"made {session.home.place}; its lineage is pinned in {session.home.pin_path.name}"]
    if before is not None:
        lines.insert(0, f"the ledger that was there is kept as {before.name}")
    if replace_lineage:
        lines.append("it knows nobody who was messaged before: `zalosync ledger adopt` takes them over")
    if made:
        lines.append(
            "made .zalosync/key: keep a copy where secrets are kept."
            " Without it nobody can tell who was messaged already"
        )
    document = {
        "ledger": session.home.place,
        "pinned_in": session.home.pin_path.name,
        "made_key": made,
        "kept": before.name if before else None,
    }
    answer(document, "\n".join(lines), as_json=options.json)
    return ExitCode.DONE


@ledger.command("info", epilog="Example: zalosync ledger info --json", context_settings=_SETTINGS)
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


@ledger.command(
    "backup", epilog="Example: zalosync ledger backup /backups/production.db", context_settings=_SETTINGS
)
@common
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(options: Options, *, file: Path) -> int:
    """Copy the ledger to FILE, as of one moment, also while a run writes."""
    from zalosync.console import documents
    from zalosync.ledger.lineage import backup as copy

    session = Session(options)
    size = copy(session.home, session.keys, file)
    words = f"copied {session.home.place} to {file}: {size:,} bytes"
    documents.answer(
        {"ledger": session.home.place, "file": str(file), "bytes": size}, words, as_json=options.json
    )
    return ExitCode.DONE


@ledger.command(
    "migrate", epilog="Example: zalosync ledger migrate -e production", context_settings=_SETTINGS
)
@common
def migrate(options: Options) -> int:
    """Upgrade the ledger's schema to this version's, under its lock. Make a backup before."""
    from zalosync.console import documents
    from zalosync.ledger.lineage import upgrade_file

    session = Session(options)
    before, after = upgrade_file(session.home, session.keys, session.clock.now(), session.actor)
    same = f"{session.home.place} has this version's schema ({after}) already"
    words = same if before == after else f"upgraded {session.home.place} from {before} to {after}"
    document = {"ledger": session.home.place, "before": before, "after": after}
    documents.answer(document, words, as_json=options.json)
    return ExitCode.DONE


@ledger.command(
    "adopt",
    epilog="Example: zalosync ledger adopt --campaign order-shipped --audience sent.csv -o adopt.zsplan",
    context_settings=_SETTINGS,
)
@common
@click.option("--campaign", required=True, help="Whose messages they were.")
@click.option(
    "--audience",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file in the project with the people who were messaged: the columns of phone and key.",
)
@click.option(
    "--from-logs", is_flag=True, help="Those of the campaign's audience whom the provider's logs know."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Seal the plan into FILE.",
)
def adopt(options: Options, *, campaign: str, audience: Path | None, from_logs: bool, output: Path) -> int:
    """Plan to mark people as already sent. `zalosync apply FILE` marks them; nothing goes out."""
    from zalosync.cli.adopting import plan_adoption

    if (audience is None) != from_logs:
        raise UsageError("say who was messaged", fix="give --audience FILE or --from-logs, one of them")
    return plan_adoption(Session(options), campaign, audience, output)
