"""What can be wrong with a template, each with its stable code, in words for its author."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_SHOWN = 60  # characters of a name in a message

# Stable codes of the problems, and what `explain` says of them.
CODES: Mapping[str, str] = {
    "ZS351": "The template is too large: 2,000 characters, 200 nodes, 20 levels.",
    "ZS352": "The template cannot be parsed.",
    "ZS353": "The template uses something that the template language does not have.",
    "ZS354": "The filter is not known, or its argument is not one that it takes.",
    "ZS355": "The column is not in the audience.",
    "ZS356": "The expression cannot work: text compared with a number, or a yes-or-no that would be printed.",
    "ZS357": "`where` is not one `{{ expression }}` that is a yes or a no.",
}


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """One thing wrong with a template, in words for its author.

    Attributes:
        code: stable, a key of `CODES`.
        message: what is wrong.
        meant: the nearest column or filter, where there is one.
        allowed: what may stand there.
        line: of the template's source, from 1.
        found: the word of the source that is wrong, or what stands on that line.
        column: of that line, from 1.
    """

    code: str
    message: str
    meant: str = ""
    allowed: str = ""
    line: int = 1
    found: str = ""
    column: int = 1


class Refused(Exception):
    """What stops a check at once: there is no tree to look at."""

    def __init__(self, problem: TemplateProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def not_in_language(line: int, what: str, allowed: str, found: str = "") -> TemplateProblem:
    """Something that the template language does not have."""
    message = f"not in the template language: {what}"
    return TemplateProblem("ZS353", message, allowed=allowed, line=line, found=found)


def short(name: str) -> str:
    """A name as it stands in a message."""
    return name if len(name) <= MAX_SHOWN else name[:MAX_SHOWN] + "…"
