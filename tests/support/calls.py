"""Reads command lines as the command line itself would, without running them."""

import contextlib
from collections.abc import Sequence

import click

from zalosync.cli.main import root


def called(words: Sequence[str]) -> tuple[str, ...]:
    """The path of the command that `zalosync WORDS…` calls.

    Args:
        words: after `zalosync`.

    Raises:
        click.UsageError: an option or an argument is none of its own.
    """
    names: list[str] = []
    found: click.Command = root
    context = root.make_context("zalosync", list(words))
    while isinstance(found, click.Group):
        rest = [*context._protected_args, *context.args]
        names.append(rest.pop(0))
        inner = found.get_command(context, names[-1])
        assert inner is not None, names
        found = inner
        with contextlib.suppress(click.BadParameter):  # a file that is not here
            context = inner.make_context(names[-1], rest, parent=context)
    return tuple(names)
