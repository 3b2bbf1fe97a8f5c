"""`zalosync schema`: JSON Schema of the spec language for editors, and of what commands print as JSON."""

from pathlib import Path

import click

from zalosync.cli.options import Options, common
from zalosync.errors import ExitCode, UsageError

_KINDS = ("project", "campaign", "policy", "prices", "templates-lock")
# Commands that print another one's document.
_SAME = {
    "refresh": "status",
    "unpause": "pause",
    "keys-show": "keys",
    "keys-create": "keys",
    "keys-pin": "keys",
    "ledger-adopt": "plan",
}
# By command; `adopt` is what `apply` prints of a plan of `ledger adopt`, `error` what any command that fails.
OUTPUTS = (
    *("init", "validate", "fmt", "render", "templates-list", "templates-pull", "quota", "keys"),
    *("plan", "explain", "show", "diff", "approve", "apply", "adopt", "logs", "resolve", "pause", "cancel"),
    *("status", "history", "audit-verify", "audit-report", "doctor", "demo", "error"),
    *("ledger-init", "ledger-info", "ledger-backup", "ledger-migrate"),
    *_SAME,
)


@click.command(epilog="Example: zalosync schema campaign > campaign.schema.json")
@click.argument("kind", required=False, type=click.Choice(_KINDS, case_sensitive=False))
@click.option(
    "--write", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write all of them there."
)
@click.option(
    "--json-output",
    "output",
    type=click.Choice(OUTPUTS),
    metavar="COMMAND",
    help="Print the schema of what this command prints with --json, such as plan or ledger-info.",
)
@common
def schema(options: Options, kind: str | None, folder: Path | None, output: str | None) -> int:
    """Print the JSON Schema (draft 7) of one kind of file, or write all of them to a folder.

    An editor with yaml-language-server uses it by a spec's first line:
    `# yaml-language-server: $schema=../schema/campaign.schema.json`
    """
    from zalosync.spec.schema import KINDS, file_name, schema_text

    _ = options
    if output is not None and kind is None and folder is None:
        click.echo(output_schema(output), nl=False)
        return ExitCode.DONE
    if output is not None:
        raise UsageError("--json-output stands alone", fix="leave out the kind and --write")
    if (kind is None) == (folder is None):
        raise UsageError("name a kind or a folder", fix=f"one of {', '.join(_KINDS)}, or --write DIR")
    if kind is not None:
        click.echo(schema_text(kind), nl=False)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for each in KINDS:
            (folder / file_name(each)).write_text(schema_text(each), encoding="utf-8")
            click.echo(str(folder / file_name(each)), err=True)
    return ExitCode.DONE


def output_schema(command: str) -> str:
    """The JSON Schema (2020-12) of what a command prints with --json; its name as in `OUTPUTS`."""
    from importlib import resources

    file = f"{_SAME.get(command, command)}.json"
    return resources.files("zalosync.console").joinpath("schemas", file).read_text(encoding="utf-8")
