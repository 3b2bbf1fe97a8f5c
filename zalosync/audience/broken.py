"""What can be wrong with an audience file, each with its stable code. Messages never quote a value."""

from enum import StrEnum

from zalosync.errors import Place, Problem, SpecError


class Code(StrEnum):
    """The codes that `zalosync explain` knows."""

    NOTHING_MATCHES = "ZS301"
    FORMAT = "ZS302"
    HEADER = "ZS303"
    OTHER_COLUMNS = "ZS304"
    FIELD_COUNT = "ZS305"
    QUOTES = "ZS306"
    ENCODING = "ZS307"
    TOO_LARGE = "ZS308"
    CHANGED = "ZS309"
    COMPRESSION = "ZS310"
    CONTROL = "ZS311"
    SUPPRESSIONS = "ZS312"
    VALUE = "ZS313"
    MISSING_EXTRA = "ZS314"


def broken(
    code: Code, file: str, line: int, message: str, *, found: str = "", allowed: str = "", meant: str = ""
) -> SpecError:
    """The error for one place of an audience file; `line` counts from 1 and is 1 for the file as a whole."""
    problem = Problem(
        code=code,
        place=Place(file, line),
        path="",
        message=message,
        found=found,
        allowed=allowed,
        meant=meant,
    )
    return SpecError([problem])
