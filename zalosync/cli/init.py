"""`zalosync init`: a project that passes `validate` and `plan` at once."""

import os
import shlex
from pathlib import Path

import click

from zalosync.cli.options import Options, common
from zalosync.errors import ExitCode, UsageError


@click.command(epilog="Example: zalosync -C shop-crm init")
@click.option("--ci", metavar="SYSTEM", help="Files for a CI system; this version makes none.")
@common
def init(options: Options, ci: str | None) -> int:
    """Make a project: project file, campaign, audience, policy, `.gitignore`, editor schemas, and its key.

    Nothing that is there is overwritten. The key stays in .zalosync/key, which Git ignores: keep a copy.
    """
    from zalosync.console import documents
    from zalosync.ledger.home import STATE_FOLDER
    from zalosync.ledger.key import make_key, read_key
    from zalosync.spec.starter import git_ignored, starter_files

    if ci is not None:
        raise UsageError(
            "this version makes no CI files",
            fix="leave --ci out; run `zalosync validate` and `zalosync plan` in a job of your own",
            code="ZS224",
        )
    folder = options.project or Path()
    files = starter_files(folder.resolve().name)
    present = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if present:
        raise UsageError(
            f"{', '.join(present[:3])}{' and more' if len(present) > 3 else ''}: already there",  # noqa: PLR2004
            fix="choose an empty folder with -C; nothing was written",
            code="ZS227",
        )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    ignore = folder / ".gitignore"
    before = ignore.read_text(encoding="utf-8") if ignore.exists() else ""
    ignore.write_text(git_ignored(before), encoding="utf-8")
    state = folder / STATE_FOLDER
    if read_key(state, os.environ) is None:
        make_key(state)
    if options.json:
        documents.write({"folder": str(folder.resolve()), "files": sorted(files)})
        return ExitCode.DONE
    where = f" -C {shlex.quote(str(folder))}" if options.project is not None else ""
    click.echo(f"Made a project in {folder.resolve()}. Next:")
    for command, purpose in (("validate", "checks every file"), ("plan", "shows what would be sent")):
        click.echo(f"  zalosync{where} {command:<10}{purpose}")
    return ExitCode.DONE
