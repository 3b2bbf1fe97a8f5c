"""Common options: before or after the command, the later one wins, and commands see one record."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from zalosync.cli.main import COMMANDS, root
from zalosync.cli.options import COMMON, Options, common, gather


@click.group()
@COMMON
@click.pass_context
def group(ctx: click.Context, /, **given: object) -> None:
    """A group as ours."""
    ctx.obj = gather(Options(), given)


@group.command()
@common
@click.option("--own")
def command(options: Options, own: str | None) -> None:
    """Say what was understood."""
    click.echo(f"{options} own={own}")


def understood(*arguments: str, **environ: str) -> str:
    """What a command understands of its arguments."""
    done = CliRunner().invoke(group, arguments, env=environ)
    assert done.exit_code == 0, done.output
    return done.output.strip()


def said(**fields: object) -> str:
    """The same in words."""
    return f"{Options(**fields)} own=None"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), {}),
        (("-e", "staging"), {"environment": "staging"}),
        (("--env", "here", "--json"), {"environment": "here", "json": True}),
        (("-q", "-vv"), {"quiet": True, "verbose": 2}),
        (("-C", "."), {"project": Path()}),
        (("--log-format", "json"), {"log_format": "json"}),
    ],
)
def test_before_or_after(arguments: tuple[str, ...], expected: dict[str, object]) -> None:
    """The same options mean the same on both sides of the command."""
    assert understood(*arguments, "command") == said(**expected)
    assert understood("command", *arguments) == said(**expected)


def test_both_sides() -> None:
    """What is said after the command wins; what is said only before it stays."""
    assert understood("-e", "one", "--json", "command", "-e", "two") == said(environment="two", json=True)


def test_variables() -> None:
    """The environment's variables stand in for options, and options win over them."""
    assert understood("command", ZALOSYNC_ENV="staging") == said(environment="staging")
    for arguments in (("-e", "here", "command"), ("command", "-e", "here")):
        assert understood(*arguments, ZALOSYNC_ENV="production") == said(environment="here")
    assert understood("command", ZALOSYNC_LOG_FORMAT="json") == said(log_format="json")


def test_own_options() -> None:
    """A command's own options are its own."""
    assert understood("command", "--own", "x", "--json") == f"{Options(json=True)} own=x"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_them(name: str) -> None:
    """Each command has help with an example, and takes the common options."""
    done = CliRunner().invoke(root, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert "--env" in done.output
    assert "--json" in done.output


def test_unknown_command() -> None:
    """A command that does not exist is a usage error."""
    assert CliRunner().invoke(root, ["sned"]).exit_code != 0
