"""`zalosync show`: a sealed plan, whatever became of it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.plan import FORMATS
from zalosync.cli.session import Session
from zalosync.console.plan_state import OVER
from zalosync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from zalosync.cli.sealed import Given
    from zalosync.plan.approve import Approval
    from zalosync.plan.bundle import Sealed


@click.command(
    epilog="Example: zalosync show release.zsplan --explain",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), help="How it is printed [text].")
@click.option("--explain", is_flag=True, help="Also why rows have their fate.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 when there is something to send, 0 when not, 4 when it cannot be applied any more.",
)
def show(options: Options, *, file: Path, form: str | None, explain: bool, detailed_exitcode: bool) -> int:
    """Show a sealed plan, its approvals, and whether it may still be applied: expired and applied ones too.

    Whether specs and audiences are still those that were planned, only `apply` finds out: it plans again.
    """
    from zalosync.cli.drawing import draw
    from zalosync.console.plan_state import state_lines
    from zalosync.console.text import say
    from zalosync.plan.bundle import unseal

    form = form or ("json" if options.json else "text")
    if options.json and form != "json":
        raise UsageError("--json and --format exclude each other", fix="give one of them")
    session = Session(options)
    sealed = unseal(file, session.keys)
    document = {**sealed.document["record"]["plan"], "sealed": _state(session, file, sealed)}
    if form == "text":
        say(state_lines(document["sealed"], document["timezone"]))
    draw(document, form, digest=sealed.digest, explain=explain)
    return code_of(document["sealed"]["state"], sealed.to_send) if detailed_exitcode else ExitCode.DONE


def code_of(state: str, to_send: int) -> ExitCode:
    """How a plan in this state ends `show --detailed-exitcode`."""
    if state in OVER:
        return ExitCode.PLAN
    return ExitCode.CHANGES if to_send else ExitCode.DONE


def _state(session: Session, file: Path, sealed: "Sealed") -> dict[str, Any]:
    """What became of the plan, as far as its file, the clock, the policies and the ledger tell."""
    from zalosync.cli.sealed import Given
    from zalosync.errors import ZalosyncError
    from zalosync.plan.approve import is_of
    from zalosync.plan.check import state_of

    record = sealed.document["record"]
    there = Session(replace(session.options, environment=str(sealed.meaning["environment"])))
    try:
        with there.reader() as reader:
            state, reason = state_of(sealed, reader, session.clock.now())
    except ZalosyncError as error:
        state, reason = state_of(sealed, None, session.clock.now())
        reason = reason or f"the ledger was not looked at: {error.message}"
    given = Given(there, file, sealed)
    of_it = [each for each in given.approvals if each.digest == sealed.digest]
    missing, keys = _missing(given, of_it)
    return {
        "state": state,
        "reason": reason,
        "missing": "" if state in OVER else missing,
        "created_at": sealed.document["created_at"],
        "expires_at": sealed.document["expires_at"],
        "actor": record.get("actor"),
        "commit": record.get("commit"),
        "dirty": record.get("dirty", False),
        "approvals": [
            {
                "name": each.name,
                "at": each.at,
                "reason": each.reason,
                "actor": each.actor,
                "signed": each in keys,
                "older": not is_of(each, sealed),
            }
            for each in of_it
        ],
    }


def _missing(given: "Given", approvals: "Iterable[Approval]") -> "tuple[str, Container[Approval]]":
    """What is asked for beside these approvals, in words; and which of them have a good signature."""
    from zalosync.errors import ZalosyncError

    try:
        keys = given.keys(approvals)
    except ZalosyncError as error:  # of the file of signers
        return error.message, ()
    try:
        given.enough()
    except ZalosyncError as error:
        return error.message, keys
    return "", keys
