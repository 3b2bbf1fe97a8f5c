"""What can be wrong with an audience file, each with its stable code. Messages never quote a value."""

from enum import StrEnum

from zalosync.errors import Place, Problem, SpecError


class Code(StrEnum):
    """The codes that `zalosync explain` knows."""

    NOTHING_MATCHES = "ZS310"
    FORMAT = "ZS311"
    HEADER = "ZS312"
    OTHER_COLUMNS = "ZS313"
    FIELD_COUNT = "ZS314"
    QUOTES = "ZS315"
    ENCODING = "ZS316"
    TOO_LARGE = "ZS317"
    CHANGED = "ZS318"
    COMPRESSION = "ZS319"
    CONTROL = "ZS320"
    SUPPRESSIONS = "ZS321"
    VALUE = "ZS322"
    MISSING_EXTRA = "ZS323"


def broken(
    code: Code, file: str, line: int, message: str, *, found: str = "", allowed: str = ""
) -> SpecError:
    """The error for one place of an audience file; `line` counts from 1 and is 1 for the file as a whole."""
    problem = Problem(
        code=code, place=Place(file, line), path="", message=message, found=found, allowed=allowed
    )
    return SpecError([problem])
