"""Help of every command: it is there, it is fast enough to be asked, and its example is a real one."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.support.calls import called
from tests.support.command import zalosync
from zalosync.cli.main import COMMANDS, root

HEAVY = (
    "polars",
    "sqlalchemy",
    "alembic",
    "cryptography",
    "starlette",
    "uvicorn",
    "jinja2",
    "httpx",
    "pydantic",
)
COMMON = {"--env", "--project", "--json", "--log-format", "--quiet", "--verbose", "--help"}


def walk(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group with its path."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from walk(found, (*path, name))


EVERY = list(walk(root))
LEAVES = [(path, command) for path, command in EVERY if not isinstance(command, click.Group)]


def named(entry: tuple[tuple[str, ...], click.Command]) -> str:
    """A command's name for the test's id."""
    return " ".join(entry[0]) or "zalosync"


@pytest.mark.parametrize("entry", EVERY, ids=named)
def test_help_fits_a_terminal(
    entry: tuple[tuple[str, ...], click.Command], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--help and -h say the same in 80 columns, exit 0, and need no project."""
    path, _ = entry
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    done, short = (CliRunner().invoke(root, [*path, word], prog_name="zalosync") for word in ("--help", "-h"))
    assert (done.exit_code, done.stderr, done.stdout) == (0, "", short.stdout)
    lines = done.stdout.splitlines()
    usage = " ".join(["Usage: zalosync", *path, "[OPTIONS]"])
    assert any(line.strip().startswith(usage) for line in lines), done.stdout
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("entry", LEAVES, ids=named)
def test_every_option_says_what_it_is_for(entry: tuple[tuple[str, ...], click.Command]) -> None:
    """Each command has a first sentence, each option its words, and all take the common options."""
    _, command = entry
    assert command.help
    options = [each for each in command.params if isinstance(each, click.Option)]
    silent = [each.opts for each in options if not each.help and not each.hidden]
    assert not silent
    given = {spelling for each in options for spelling in (*each.opts, *each.secondary_opts)}
    assert given | {"--help"} >= COMMON


@pytest.mark.parametrize("entry", [each for each in EVERY if each[0]], ids=named)
def test_every_example_names_what_there_is(entry: tuple[tuple[str, ...], click.Command]) -> None:
    """Each command shows how it is called, and every command and option of the example exists."""
    path, command = entry
    if isinstance(command, click.Group):
        return
    assert command.epilog, "no example"
    assert command.epilog.startswith("Example: ")
    mentioned = set()
    for part in re.split(r"&&|\|", command.epilog.removeprefix("Example: ")):
        words = shlex.split(part.partition(">")[0])
        if words.pop(0) != "zalosync":
            continue
        mentioned.add(called(words))
    assert path in mentioned


def test_help_lists_every_command_with_its_line() -> None:
    """The list of commands is that of the files, and each line of help is one."""
    assert [path[0] for path, _ in EVERY if len(path) == 1] == list(COMMANDS)
    assert all(line.endswith(".") and len(line) <= 60 for _, _, line in COMMANDS.values())


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """`zalosync --help` imports none of the libraries that take long to import."""
    code = (
        "import sys\ntry:\n    from zalosync.cli.main import main; main(['--help'])\n"
        f"finally:\n    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("arguments", [("plann",), ("plan", "--nope"), ("history", "a", "b"), ("-C",)])
def test_usage_errors_exit_64_and_never_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """What was mistyped is named on stderr; 2 means that there are changes to send, so it is never that."""
    done = zalosync(tmp_path, *arguments)
    assert (done.code, done.out) == (64, "")
    assert "Error: " in done.err
    assert "Traceback" not in done.err


def test_the_version_is_the_package_s(tmp_path: Path) -> None:
    """`--version` prints one line, outside of any project."""
    import zalosync as package

    done = zalosync(tmp_path, "--version")
    assert (done.code, done.out, done.err) == (0, f"zalosync {package.__version__}\n", "")


def test_a_ledger_is_opened_without_what_migrates_it() -> None:
    """Every command that asks a ledger starts sooner by what SQLAlchemy and Alembic take to be imported."""
    program = "import sys, zalosync.ledger.lineage, zalosync.cli.status; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "zalosync.ledger.home" in done.stdout.split()
    assert not {"sqlalchemy", "alembic"} & set(done.stdout.split())
