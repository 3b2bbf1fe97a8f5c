"""Which templates are accepted: all that is wrong with one, before anything is evaluated.

First size and syntax (`template_parse`), then the allow-list (`template_language`), then what cannot work:
an unknown column, a number compared with text, a yes-or-no that would be printed (`template_kinds`).
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import replace

from jinja2 import nodes

from zalosync.compose.sms import fold_ascii
from zalosync.compose.template_kinds import predicate_problems, text_problems
from zalosync.compose.template_language import ROW, columns_used, shape
from zalosync.compose.template_parse import ENVIRONMENT, parse
from zalosync.compose.template_problem import Refused, TemplateProblem, short

__all__ = ["TemplateProblem", "check", "check_predicate", "nearest"]

MAX_LISTED = 12  # columns named in a message
_ABOUT_A_LINE = frozenset({"ZS352"})  # the parser tells the line only


def check(
    source: str, columns: Collection[str] | None, audience: str = "the audience"
) -> list[TemplateProblem]:
    """Everything that is wrong with a template of text; empty where it may be rendered.

    Args:
        source: as written in the spec.
        columns: of the audience, or None where they are not known yet.
        audience: its name in messages, with its files.
    """
    return _check(source, columns, audience, predicate=False)


def check_predicate(
    source: str, columns: Collection[str] | None, audience: str = "the audience"
) -> list[TemplateProblem]:
    """The same for `where`: one `{{ expression }}` that is a yes or a no for every row."""
    return _check(source, columns, audience, predicate=True)


def _check(
    source: str, columns: Collection[str] | None, audience: str, *, predicate: bool
) -> list[TemplateProblem]:
    try:
        tree = parse(source)
    except Refused as refused:
        return _ordered([refused.problem], source)
    problems = list(shape(tree))
    sound = not problems
    # Only filters are wrong: every name in the tree is still a column.
    if columns is not None and all(problem.code == "ZS354" for problem in problems):
        problems += _unknown_columns(tree, columns, audience)
    if sound:
        problems += predicate_problems(tree) if predicate else text_problems(tree)
    return _ordered(problems, source)


def _ordered(problems: list[TemplateProblem], source: str) -> list[TemplateProblem]:
    """Each problem once, at its place in the source, in the order of the source."""
    placed = dict.fromkeys(_at_its_place(problem, source) for problem in problems)
    return sorted(placed, key=lambda problem: (problem.line, problem.column))


def _at_its_place(problem: TemplateProblem, source: str) -> TemplateProblem:
    """The problem with the column of the word that is wrong, where that word can be found."""
    source = unicodedata.normalize("NFC", source)
    lines = source.split("\n")
    if problem.code in _ABOUT_A_LINE and problem.line <= len(lines):
        text = lines[problem.line - 1]
        return replace(problem, column=len(text) - len(text.lstrip()) + 1)
    if not problem.found:
        return problem
    here = 0
    for line, kind, text in ENVIRONMENT.lexer.tokeniter(source, None):
        here = max(here, source.find(text, here))
        word = text[1:-1] if kind == "string" and text != problem.found else text
        if line == problem.line and kind != "data" and word == problem.found:
            start = here + (len(text) - len(word)) // 2
            return replace(problem, column=start - source.rfind("\n", 0, start))
        here += len(text)
    return problem


def _unknown_columns(
    tree: nodes.Template, columns: Collection[str], audience: str
) -> Iterator[TemplateProblem]:
    known = [unicodedata.normalize("NFC", column) for column in columns]
    for name, line in columns_used(tree):
        if name not in known:
            yield TemplateProblem(
                "ZS355",
                f"{audience} has no column `{short(name)}`",
                meant=_spelled(nearest(name, known)),
                allowed=_listed(known),
                line=line,
                found=name,
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
