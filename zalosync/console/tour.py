"""What `zalosync demo` says around the commands that it runs; no line of its own is wider than 80 columns."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from zalosync.audit.agreement import Agreement
from zalosync.console.display import plural


def command_line(arguments: Sequence[str], *, colour: bool) -> str:
    """`$ zalosync plan`, as it would be typed."""
    line = "$ zalosync " + shlex.join(arguments)
    return click.style(line, bold=True, fg="cyan") if colour else line


def welcome_lines(folder: Path, rows: int | None) -> Iterator[str]:
    """What is about to happen, and where; `rows` is None where an earlier demo goes on."""
    if rows is None:
        yield f"Going on with the project in {folder}: what was sent stays sent."
    else:
        yield f"Made a project with {plural(rows, 'made-up customer')} in {folder}."
    yield "Nothing leaves this machine: commands start a double of Infobip's Zalo API"
    yield "inside themselves when they need it."
    yield ""
    yield f"$ cd {shlex.quote(str(folder))}"


def verdict_lines(found: Agreement) -> Iterator[str]:
    """Whether the plan, the ledger and the sandbox count alike."""
    yield ""
    if not found.agree:
        yield "Plan, ledger and sandbox DISAGREE:"
        yield from (f"  {difference}" for difference in found.differences)
        return
    doubt = f", of which {found.unknown:,} unknown" if found.unknown else ""
    yield "Plan, ledger and sandbox agree:"
    yield f"  {found.rows:>7,} rows = {found.skipped:,} skipped + {found.recorded:,} with a message{doubt}"
    yield f"  {found.taken:>7,} messages taken by the sandbox, by its own count; none of them twice"
    yield f"  {found.decrypted:>7,} encrypted values opened there, all of them readable"


def next_lines(program: str, folder: Path, report: Path, *, unknown: int) -> Iterator[str]:
    """What to look at, and what to try; `program` is how this command is called here."""
    where = shlex.quote(str(folder))
    yield ""
    yield "Look at:"
    yield f"  {report}"
    yield "      the report, for a browser"
    yield f"  {folder / 'campaigns' / 'order-shipped.yaml'}"
    yield "      the campaign; its audience is beside it in audiences/"
    yield "Try:"
    if unknown:
        yield f"  {program} -C {where} refresh --logs"
        yield "      looks again for what became of the unknown messages"
    yield f"  {program} demo {where}"
    yield "      once more: everybody has a message, so nobody gets another"
    yield f"  rm -r {where}; {program} demo {where}"
    yield "      anew, and kill it while it applies, with kill -9 if you like; the command"
    yield "      above then goes on, and nobody gets two"


def stopped_lines(program: str, folder: Path) -> Iterator[str]:
    """How to go on after a stop."""
    yield ""
    yield "Stopped. This goes on where it was, and nobody gets two:"
    yield f"  {program} demo {shlex.quote(str(folder))}"
