"""`zalosync diff`: what differs between two sealed plans."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from zalosync.plan.diff import Diff

FORMATS = ("text", "json", "markdown")


@click.command(
    epilog="Example: zalosync diff yesterday.zsplan today.zsplan",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), help="How it is printed [text].")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when the plans differ, 0 when not.")
def diff(options: Options, *, before: Path, after: Path, form: str | None, detailed_exitcode: bool) -> int:
    """Show how many messages came, went and changed between two sealed plans, and which inputs moved."""
    import sys

    from zalosync.console import documents
    from zalosync.console.diff_markdown import diff_markdown
    from zalosync.console.plan_state import diff_lines
    from zalosync.console.text import say
    from zalosync.plan.bundle import unseal
    from zalosync.plan.diff import diff as compare

    form = form or ("json" if options.json else "text")
    if options.json and form != "json":
        raise UsageError("--json and --format exclude each other", fix="give one of them")
    session = Session(options)
    found = compare(unseal(before, session.keys), unseal(after, session.keys))
    document = _document(found)
    if form == "json":
        documents.write(document)
    elif form == "markdown":
        sys.stdout.write(diff_markdown(document))
    else:
        say(diff_lines(document))
    return ExitCode.CHANGES if detailed_exitcode and not found.same else ExitCode.DONE


def _document(found: "Diff") -> dict[str, Any]:
    return {
        "same": found.same,
        "before": {"digest": found.before.digest, "to_send": found.before.to_send},
        "after": {"digest": found.after.digest, "to_send": found.after.to_send},
        "inputs": list(found.inputs),
        "cancels": [
            {"campaign": each.name, "before": each.before, "after": each.after} for each in found.cancels
        ],
        "campaigns": [
            {
                "name": each.name,
                "in": each.present,
                "came": each.came,
                "went": each.went,
                "changed": each.changed,
                "same": each.same,
                "actions": [
                    {"from": first.word, "to": second.word, "count": count}
                    for (first, second), count in sorted(each.actions.items())
                ],
            }
            for each in found.campaigns
        ],
    }
