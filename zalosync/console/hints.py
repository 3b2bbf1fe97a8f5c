"""Commands that people are told to type next, spelled so that they work where they are read.

Who gave `-e` and `-C` has to give them again: without them a hint that is followed to the letter would act on
another environment.
"""

import re
import shlex
from contextvars import ContextVar

from zalosync.console.display import inert

_given: ContextVar[str] = ContextVar("the options that a command was given", default="")
# A command in back-quotes, except those that look at no project and those that name it already.
_COMMAND = re.compile(r"`zalosync (?!-e |-C |explain |sandbox|schema|init)")


def remember(environment: str | None, project: str | None) -> None:
    """Keep what the user said before or after the command, as the user has to say it again."""
    words = (["-C", project] if project else []) + (["-e", environment] if environment else [])
    _given.set(shlex.join(words))


def spelled(line: str) -> str:
    """A line as it is printed: its hints as they have to be typed, no command to a CI system in it."""
    given = _given.get()
    return inert(_COMMAND.sub(lambda _: f"`zalosync {given} ", line) if given else line)
