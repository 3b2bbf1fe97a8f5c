"""Which templates are accepted: all that is wrong with one, before anything is evaluated.

First size and syntax (`template_parse`), then the allow-list (`template_language`), then what cannot work:
an unknown column, a number compared with text, a yes-or-no that would be printed (`template_kinds`).
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator

from jinja2 import nodes

from zalosync.compose.sms import fold_ascii
from zalosync.compose.template_kinds import predicate_problems, text_problems
from zalosync.compose.template_language import ROW, columns_used, shape
from zalosync.compose.template_parse import parse
from zalosync.compose.template_problem import Refused, TemplateProblem, short

__all__ = ["TemplateProblem", "check", "check_predicate", "nearest"]

MAX_LISTED = 12  # columns named in a message


def check(source: str, columns: Collection[str] | None) -> list[TemplateProblem]:
    """Everything that is wrong with a template of text; empty where it may be rendered.

    Args:
        source: as written in the spec.
        columns: of the audience, or None where they are not known yet.
    """
    return _check(source, columns, predicate=False)


def check_predicate(source: str, columns: Collection[str] | None) -> list[TemplateProblem]:
    """The same for `where`: one `{{ expression }}` that is a yes or a no for every row."""
    return _check(source, columns, predicate=True)


def _check(source: str, columns: Collection[str] | None, *, predicate: bool) -> list[TemplateProblem]:
    try:
        tree = parse(source)
    except Refused as refused:
        return [refused.problem]
    problems = list(shape(tree))
    if problems:
        return _distinct(problems)
    problems = list(_unknown_columns(tree, columns)) if columns is not None else []
    problems += predicate_problems(tree) if predicate else text_problems(tree)
    return _distinct(problems)


def _distinct(problems: list[TemplateProblem]) -> list[TemplateProblem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line)


def _unknown_columns(tree: nodes.Template, columns: Collection[str]) -> Iterator[TemplateProblem]:
    known = [unicodedata.normalize("NFC", column) for column in columns]
    for name, line in columns_used(tree):
        if name not in known:
            yield TemplateProblem(
                "ZS355",
                f"the audience has no column `{short(name)}`",
                meant=_spelled(nearest(name, known)),
                allowed=_listed(known),
                line=line,
            )


def nearest(name: str, names: Collection[str]) -> str | None:
    """The name that was probably meant: the same but for case, accents and separators, or close to it."""
    plain = {_plain(other): other for other in names}
    found = difflib.get_close_matches(_plain(name[:100]), plain, 1, 0.6)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", fold_ascii(name).lower()) or name


def _spelled(column: str | None) -> str:
    """A column as a template must write it."""
    if column is None:
        return ""
    usable = column.isidentifier() and unicodedata.normalize("NFKC", column) == column
    reserved = {"self", ROW, "not", "and", "or", "in", "is", "if", "else", "true", "false", "none"}
    return column if usable and column not in reserved else f'{ROW}["{column}"]'


def _listed(columns: list[str]) -> str:
    more = f", … ({len(columns)} in all)" if len(columns) > MAX_LISTED else ""
    return ", ".join(columns[:MAX_LISTED]) + more
