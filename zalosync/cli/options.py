"""The options that every command takes, before or after its name."""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from zalosync.clock import Clock
from zalosync.console.hints import remember

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for any command. None means: not said, the default applies.

    `clock` is no option: a caller of `main` may bring its own, as rehearsals over a faster time do.
    """

    environment: str | None = None
    project: Path | None = None
    json: bool = False
    log_format: str = "text"
    quiet: bool = False
    verbose: int = 0
    clock: Clock | None = None


_OPTIONS = (
    click.option(
        "-e",
        "--env",
        "environment",
        metavar="NAME",
        envvar="ZALOSYNC_ENV",
        help="Environment.",
    ),
    click.option(
        "-C",
        "--project",
        "project",
        metavar="DIR",
        envvar="ZALOSYNC_PROJECT",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder with zalosync.yaml [this one, or the nearest above].",
    ),
    click.option("--json", "json", is_flag=True, default=None, help="One JSON document on stdout."),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        envvar="ZALOSYNC_LOG_FORMAT",
        help="Progress and logs on stderr.",
    ),
    click.option("-q", "--quiet", is_flag=True, default=None, help="No progress."),
    click.option("-v", "--verbose", count=True, default=None, help="Say more; twice for the most."),
)


def COMMON(function: F) -> F:  # noqa: N802 - reads as the constant decorator it is
    """Add the common options to a click command or group."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def gather(before: Options, given: Mapping[str, object]) -> Options:
    """Options as said after the command win over those said before it."""
    names = {field.name for field in fields(Options)}
    said = {name: value for name, value in given.items() if name in names and value not in (None, 0)}
    return replace(before, **said)  # type: ignore[arg-type]


def common(function: F) -> F:
    """Give a command the common options as its first argument, an `Options`."""

    @COMMON
    @click.pass_context
    @functools.wraps(function)
    def wrapper(ctx: click.Context, /, **given: Any) -> Any:
        before = ctx.obj if isinstance(ctx.obj, Options) else Options()
        names = {field.name for field in fields(Options)}
        # Variables were heard before the command's name: here they would win over what was said there.
        said = {
            name: value
            for name, value in given.items()
            if ctx.get_parameter_source(name) is not ParameterSource.ENVIRONMENT
        }
        options = gather(before, said if isinstance(ctx.obj, Options) else given)
        ctx.obj = options
        remember(
            options.environment if options.environment != os.environ.get("ZALOSYNC_ENV") else None,
            str(options.project)
            if options.project and str(options.project) != os.environ.get("ZALOSYNC_PROJECT")
            else None,
        )
        return function(options, **{name: value for name, value in given.items() if name not in names})

    return wrapper  # type: ignore[return-value]
