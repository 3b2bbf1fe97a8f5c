"""`zalosync fmt`: specs in their canonical form, comments kept."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, Problem, SpecError, UsageError


@click.command(epilog="Example: zalosync fmt --check")
@click.argument(
    "paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--check", is_flag=True, help="Change nothing; exit 65 where a file is not canonical.")
@common
def fmt(options: Options, paths: tuple[Path, ...], check: bool) -> int:  # noqa: FBT001 - click's way
    """Write specs in their canonical form: order of keys, indentation, quotes. Comments stay.

    Without FILEs: the project file and every file that it names.
    """
    from zalosync.spec.format import formatted

    session = Session(options)
    root = session.root
    problems: list[Problem] = []
    changed: list[str] = []
    for name, data in _named(root, paths):
        try:
            text = formatted(data, name)
        except SpecError as error:
            problems += error.problems
            continue
        if text.encode() != data:
            changed.append(name)
            if not check:
                replace(root / name, text)
    if problems:
        raise SpecError(problems)
    if options.json:
        from zalosync.console import documents

        documents.write({"changed": changed, "written": not check})
    else:
        for name in changed:
            click.echo(name)
    return ExitCode.SPEC if check and changed else ExitCode.DONE


def _named(root: Path, paths: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
    """The files by their path from the project's folder, with what is in them."""
    from zalosync.spec.document import MAX_BYTES
    from zalosync.spec.files import PROJECT_FILE, ProjectFiles
    from zalosync.spec.safe_open import read_inside

    if paths:
        names = [_inside(root, path) for path in paths]
    else:
        files = ProjectFiles(root)
        names = [PROJECT_FILE]
        names += [document.file for kind in ("Campaign", "Policy") for document in files.documents(kind)]
        prices = files.named(("spec", "prices"))
        names += [prices.file] if prices is not None else []
        if files.problems:
            raise SpecError(files.problems)
    for name in dict.fromkeys(names):
        yield name, read_inside(root, name, max_bytes=MAX_BYTES)


def _inside(root: Path, path: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError as error:
        raise UsageError(
            f"{path} is not in the project", fix="name the project with -C", code="ZS102"
        ) from error


def replace(path: Path, text: str) -> None:
    """Write aside and rename: a reader sees the old file or the new one."""
    mode = path.stat().st_mode & 0o777
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(aside, path)  # noqa: PTH105 - one call, atomic
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
