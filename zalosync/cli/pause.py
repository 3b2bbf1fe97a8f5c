"""`zalosync pause`, `unpause` and `cancel`: stops that a running apply honours before its next request."""

import rich_click as click

from zalosync.cli.approve import checked_reason
from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode

_SETTINGS = {"help_option_names": ["-h", "--help"]}


@click.command(
    epilog="Example: zalosync pause order-shipped --reason 'wrong price'", context_settings=_SETTINGS
)
@common
@click.argument("campaign")
@click.option("--reason", default="", help="Why; kept with the history, never personal data.")
def pause(options: Options, *, campaign: str, reason: str) -> int:
    """Stop a campaign: a running apply sends nothing more of it, a later one sends nothing."""
    from zalosync.console.documents import answer

    name = _set(Session(options), campaign, checked_reason(reason))
    words = f"{campaign} is paused; `zalosync unpause {campaign}` lets it go on"
    answer({"campaign": name, "paused": True}, words, as_json=options.json)
    return ExitCode.DONE


@click.command(epilog="Example: zalosync unpause order-shipped", context_settings=_SETTINGS)
@common
@click.argument("campaign")
def unpause(options: Options, *, campaign: str) -> int:
    """Let a paused campaign go on with the next apply."""
    from zalosync.console.documents import answer
    from zalosync.ledger.pauses import paused
    from zalosync.ledger.pauses import unpause as clear
    from zalosync.ledger.records import Kind

    session = Session(options)
    words = f"{campaign} is not paused"
    with session.shared_ledger() as ledger:
        name = session.first_name(campaign, ledger)
        if name not in paused(ledger):
            answer({"campaign": name, "paused": False, "changed": False}, words, as_json=options.json)
            return ExitCode.DONE
        with ledger.change(Kind.NOTE, session.clock.now()) as change:
            change.say("by", session.actor)
            clear(change, name)
    words = f"{campaign} may go on: `zalosync apply`"
    answer({"campaign": name, "paused": False, "changed": True}, words, as_json=options.json)
    return ExitCode.DONE


@click.command(
    epilog="Example: zalosync cancel order-shipped --reason 'sold out'", context_settings=_SETTINGS
)
@common
@click.argument("campaign")
@click.option("--reason", default="", help="Why; kept with the history, never personal data.")
@click.option("--lock-timeout", type=click.FloatRange(0), default=60.0, help="Seconds to wait [60].")
def cancel(options: Options, *, campaign: str, reason: str, lock_timeout: float) -> int:
    """End a campaign's held messages. What was handed to the provider cannot be recalled."""
    from zalosync.apply.decisions import cancel_held
    from zalosync.console.display import plural
    from zalosync.console.documents import answer
    from zalosync.ledger.pauses import paused
    from zalosync.ledger.pauses import unpause as clear
    from zalosync.ledger.records import Kind

    session = Session(options)
    with session.shared_ledger() as ledger:
        name = session.first_name(campaign, ledger)
        before = name in paused(ledger)
    if not before:
        # A run that sends this campaign right now stops at its next request and lets go of the lock.
        _set(session, campaign, checked_reason(reason))
    with session.ledger(lock_timeout) as ledger:
        ended = cancel_held(ledger, name, session.actor, reason, session.clock.now())
        if not before:
            with ledger.change(Kind.NOTE, session.clock.now()) as change:
                clear(change, name)
    words = f"{campaign} holds no messages: nothing to cancel"
    if ended:
        words = f"cancelled {plural(ended, 'held message')} of {campaign}; nothing of them was sent"
    answer({"campaign": name, "cancelled": ended}, words, as_json=options.json)
    return ExitCode.DONE


def _set(session: Session, campaign: str, reason: str) -> str:
    from zalosync.ledger.pause_notes import Pause
    from zalosync.ledger.pauses import pause as stop
    from zalosync.ledger.records import Kind

    now = session.clock.now()
    with session.shared_ledger() as ledger:
        name = session.first_name(campaign, ledger)
        with ledger.change(Kind.NOTE, now) as change:
            stop(change, name, Pause(session.actor, f"{now:%Y-%m-%dT%H:%M:%SZ}", reason))
    return name
