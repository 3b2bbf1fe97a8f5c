"""`zalosync approve`: a named person's yes to exactly one plan."""

import re
from pathlib import Path

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, UsageError

_PHONE_LIKE = re.compile(r"\d[\d .()/-]{7,}\d")


@click.command(
    epilog="Example: zalosync approve release.zsplan --as lan@example.vn --reason 'checked with sales'",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, help="Who approves.")
@click.option("--reason", default="", help="Why; never personal data.")
def approve(options: Options, *, file: Path, name: str, reason: str) -> int:
    """Approve a sealed plan. The approval is of its digest: any other plan needs its own."""
    from zalosync.cli.who import who
    from zalosync.plan.approve import add_approval, approval_of
    from zalosync.plan.bundle import unseal

    checked_reason(reason)
    session = Session(options)
    sealed = unseal(file, session.keys)
    commit = str(who(session.root, session.environ)["commit"] or "")
    add_approval(file, session.keys, approval_of(sealed, name, reason, commit, session.clock.now()))
    click.echo(f"approved by {name}: {sealed.digest}")
    return ExitCode.DONE


def checked_reason(reason: str) -> str:
    """A reason as it may be kept.

    Raises:
        UsageError: it holds what looks like a phone number; reasons are kept with the history.
    """
    if _PHONE_LIKE.search(reason):
        raise UsageError(
            "the reason holds what looks like a phone number, and reasons are kept",
            fix="say it without personal data",
        )
    return reason
