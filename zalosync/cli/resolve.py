"""`zalosync resolve`: a named person's decision on messages of unknown fate."""

import rich_click as click

from zalosync.cli.approve import checked_reason
from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, UsageError


@click.command(
    epilog="Example: zalosync resolve --campaign order-shipped --all-unknown --as sent --reason 'see portal'",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.option("--campaign", help="Whose messages.")
@click.option("--message", "messages", multiple=True, metavar="ID", help="A message id; may be repeated.")
@click.option("--all-unknown", is_flag=True, help="All unknown messages of the campaign.")
@click.option(
    "--as",
    "decision",
    type=click.Choice(["sent", "not-sent", "abandon"]),
    help="sent: never again. not-sent: may be sent, under the same id. abandon: counted as maybe sent.",
)
@click.option("--alarm", is_flag=True, help="Instead: answer the alarms that `status` shows.")
@click.option("--reason", required=True, help="Why; kept with the history, never personal data.")
@click.option("--lock-timeout", type=click.FloatRange(0), default=0.0, help="Seconds to wait for a run.")
def resolve(
    options: Options,
    *,
    campaign: str | None,
    messages: tuple[str, ...],
    all_unknown: bool,
    decision: str | None,
    alarm: bool,
    reason: str,
    lock_timeout: float,
) -> int:
    """Decide what nobody could prove. `not-sent` is a promise: if it is wrong, somebody gets two.

    `--alarm` says that a person found out what an alarm was about: messages of ours that this ledger did not
    send, or answers of the provider that contradict each other.
    """
    from zalosync.apply.decisions import resolve_unknown
    from zalosync.compose.message import message_id_bytes
    from zalosync.console.display import plural
    from zalosync.console.documents import answer

    if alarm:
        if campaign or decision or messages or all_unknown:
            raise UsageError("--alarm stands alone", fix="give it with --reason, and nothing else")
        return _acknowledge(options, checked_reason(reason), lock_timeout)
    if campaign is None or decision is None:
        raise UsageError("say whose messages, and as what", fix="give --campaign NAME and --as DECISION")
    if bool(messages) == all_unknown:
        raise UsageError("say which messages", fix="give --message ID (repeated), or --all-unknown")
    ids = [message_id_bytes(text) for text in messages]
    if None in ids:
        raise UsageError("a message id is not one of ours", fix="they begin with zs1- and have 36 characters")
    session = Session(options)
    with session.ledger(lock_timeout) as ledger:
        name = session.first_name(campaign, ledger)
        resolved = resolve_unknown(
            ledger,
            name,
            None if all_unknown else [each for each in ids if each is not None],
            decision,
            session.actor,
            checked_reason(reason),
            session.clock.now(),
        )
    words = f"{campaign} has no messages of unknown fate: nothing to resolve"
    if resolved:
        words = f"resolved {plural(resolved, 'message')} of {campaign} as {decision}, by {session.actor}"
    document = {"campaign": name, "resolved": resolved, "as": decision, "by": session.actor}
    answer(document, words, as_json=options.json)
    return ExitCode.DONE


def _acknowledge(options: Options, reason: str, lock_timeout: float) -> int:
    from zalosync.console.documents import answer
    from zalosync.ledger.alarms import NOTE
    from zalosync.ledger.records import Kind
    from zalosync.refresh.take import ALARM_NOTE

    session = Session(options)
    with session.ledger(lock_timeout) as ledger:
        raised = [name for name in (ALARM_NOTE, NOTE) if name in ledger.notes()]
        if raised:
            with ledger.change(Kind.NOTE, session.clock.now()) as change:
                change.say("by", session.actor)
                change.say("reason", reason)
                for name in raised:
                    change.note(name, None)
    words = f"the alarm is answered by {session.actor}" if raised else "there is no alarm: nothing to answer"
    answer({"alarm": False, "answered": bool(raised), "by": session.actor}, words, as_json=options.json)
    return ExitCode.DONE
