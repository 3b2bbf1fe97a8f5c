"""What can be wrong with an audience file, each with its stable code. Messages never quote a value."""

from enum import StrEnum

from zalosync.errors import Place, Problem, SpecError


class Code(StrEnum):
    """The codes that `zalosync explain` knows."""

    NOTHING_MATCHES = "ZS310"  # a pattern of `audience.path` or `exclude` matches no file
    FORMAT = "ZS311"  # the kind of file is not known, or it is not what its name says
    HEADER = "ZS312"  # the column names are missing, repeated, too many or not usable
    OTHER_COLUMNS = "ZS313"  # the files of one audience have not the same columns
    FIELD_COUNT = "ZS314"  # a record has not as many fields as the header
    QUOTES = "ZS315"  # a quote is left open, or stands inside an unquoted field
    ENCODING = "ZS316"  # the text is not UTF-8, and surely nothing else that is read
    TOO_LARGE = "ZS317"  # a limit of size, rows, columns, fields, files or cells
    CHANGED = "ZS318"  # the file was changed while it was read
    COMPRESSION = "ZS319"  # a compressed file is damaged, or expands too much
    CONTROL = "ZS320"  # a NUL byte, or a carriage return without a line feed
    SUPPRESSIONS = "ZS321"  # a suppression list without phones, or with rows that cannot be read
    VALUE = "ZS322"  # a line is no flat JSON object, or a column holds no values
    MISSING_EXTRA = "ZS323"  # an optional library is not installed


def broken(
    code: Code, file: str, line: int, message: str, *, found: str = "", allowed: str = ""
) -> SpecError:
    """The error for one place of an audience file; `line` counts from 1 and is 1 for the file as a whole."""
    problem = Problem(
        code=code, place=Place(file, line), path="", message=message, found=found, allowed=allowed
    )
    return SpecError([problem])
