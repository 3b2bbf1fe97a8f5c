"""Templates: checked before anything runs, compiled once for a campaign, rendered in columns.

An author writes Jinja, of which the language keeps columns, text, comparisons, conditions and filters
(`template_check` says exactly what). A `Program` holds all templates of a campaign. What can be told in
columns is told in columns (`template_columns`); the rest is rendered by Jinja's own compiled functions,
all on one context for a row. Both ways give the same values, and how rows are cut into chunks does not
matter: each value depends on its row and its template only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

import polars as pl
from jinja2 import UndefinedError, nodes
from jinja2.runtime import Context

from zalosync.compose.template_check import check, check_predicate, nearest
from zalosync.compose.template_columns import Columnar, clean, cleaned, finished, in_columns
from zalosync.compose.template_kinds import sole_expression
from zalosync.compose.template_language import columns_used
from zalosync.compose.template_names import numbered
from zalosync.compose.template_parse import ENVIRONMENT, Environment, parse
from zalosync.compose.template_problem import CODES, TemplateProblem
from zalosync.errors import InternalError, Place, Problem, SpecError

__all__ = ["CODES", "Program", "TemplateProblem", "check", "check_predicate"]

_Root = Callable[[Context], Iterator[str]]

# What a row's values can make an accepted template raise; the row then has no value.
_NO_VALUE = (TypeError, ValueError, ArithmeticError, UndefinedError)
_YES, _NO = "1", "0"
_ROWS = "-"  # a column that only keeps the number of rows, for programs that read no column


class Program:
    """All templates of a campaign, compiled once. Pickles as its sources.

    Args:
        sources: value name → template source.
        where: the template of `where`, or None where every row is kept.

    Raises:
        SpecError: a template is not accepted by `check`, or `where` not by `check_predicate`.
    """

    def __init__(self, sources: Mapping[str, str], where: str | None = None) -> None:
        self.sources = dict(sources)
        self.where = where
        trees = {name: _accepted(name, source, predicate=False) for name, source in self.sources.items()}
        predicate = None if where is None else _as_text(_accepted("where", where, predicate=True))
        every = [*trees.values(), *([predicate] if predicate else [])]
        self.names = tuple(dict.fromkeys(name for tree in every for name, _ in columns_used(tree)))
        self._parts = {name: self._part(tree) for name, tree in trees.items()}
        self._predicate = None if predicate is None else self._part(predicate)

    def __reduce__(self) -> tuple[type["Program"], tuple[dict[str, str], str | None]]:
        return type(self), (self.sources, self.where)

    def _part(self, tree: nodes.Template) -> "Part":
        tree = numbered(tree, self.names)
        return Part(tree, ENVIRONMENT, in_columns(tree))

    def render(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The values of each row.

        Args:
            frame: has the columns `names`; null is empty text.

        Returns:
            As many rows, one String column for each source, NFC, without control characters, at most
            1,000 bytes; null where this row's value could not be made.

        Raises:
            SpecError: a column is missing.
        """
        return self._run(self._parts, self._inputs(frame, self._parts.values()))

    def predicate(self, frame: pl.DataFrame) -> pl.Series:
        """`where` of each row: Boolean, null where it cannot be judged; all true without `where`.

        Raises:
            SpecError: a column is missing.
        """
        if self._predicate is None:
            return pl.repeat(value=True, n=frame.height, dtype=pl.Boolean, eager=True).alias("where")
        texts = self._run({"where": self._predicate}, self._inputs(frame, [self._predicate]))
        return texts.select(pl.col("where") == _YES)["where"]

    def _inputs(self, frame: pl.DataFrame, parts: Iterable["Part"]) -> pl.DataFrame:
        """The columns that these templates use, as `c0`, `c1`, …: text, NFC, no null, no control characters.

        Raises:
            SpecError: a column of any template of the campaign is missing.
        """
        by_name = {clean(column): column for column in frame.columns}
        for name in self.names:
            if name not in by_name:
                meant = nearest(name, by_name)
                raise SpecError(
                    [
                        Problem(
                            "ZS355",
                            Place("template"),
                            "",
                            f"the audience has no column `{name}`",
                            meant=meant or "",
                        )
                    ]
                )
        used = frozenset[str]().union(*(part.columns for part in parts))
        numbers = {f"c{index}": by_name[name] for index, name in enumerate(self.names)}
        columns = {number: frame[name] for number, name in numbers.items() if number in used}
        return cleaned(pl.DataFrame({_ROWS: pl.repeat("", frame.height, eager=True), **columns}))

    def _run(self, parts: Mapping[str, "Part"], inputs: pl.DataFrame) -> pl.DataFrame:
        walked = {name: part for name, part in parts.items() if part.columnar is None}
        values = dict(zip(walked, _walk(list(walked.values()), inputs), strict=True))
        told = {name: part.columnar for name, part in parts.items() if part.columnar is not None}
        made = inputs.select(_ROWS, **{f"value {name}": columnar.value for name, columnar in told.items()})
        sure = {name: columnar.sure for name, columnar in told.items() if columnar.sure is not None}
        unsure = inputs.select(_ROWS, **{f"value {name}": ~expression for name, expression in sure.items()})
        for name in told:
            values[name] = made[f"value {name}"]
            rows = unsure[f"value {name}"].arg_true() if name in sure else ()
            if len(rows):
                (exact,) = _walk([parts[name]], inputs[rows])
                values[name] = values[name].scatter(rows, exact)
        seamless = {name for name, columnar in told.items() if columnar.bare}
        done = [finished(values[name], seamless=name in seamless).alias(name) for name in parts]
        return pl.DataFrame(done, height=inputs.height) if done else inputs.select([])


class Part:
    """One template: Jinja's compiled function, and the same in columns where that can be told.

    Args:
        tree: with columns by number.
        environment: whose filters and finalizer it is compiled with.
        columnar: None where every row is rendered by Jinja.
    """

    def __init__(self, tree: nodes.Template, environment: Environment, columnar: Columnar | None) -> None:
        self.columnar = columnar
        self.columns = frozenset(name for name, _ in columns_used(tree))
        template = environment.template_class.from_code(environment, environment.compile(tree), {}, None)
        self.root: _Root = template.root_render_func


def _accepted(name: str, source: str, *, predicate: bool) -> nodes.Template:
    problems = (check_predicate if predicate else check)(source, None)
    if problems:
        raise SpecError(
            [
                Problem(p.code, Place("template", p.line), name, p.message, allowed=p.allowed, meant=p.meant)
                for p in problems
            ]
        )
    return parse(source)


def _as_text(tree: nodes.Template) -> nodes.Template:
    """The tree of `where`, with its yes or no spelled, so that it renders like any other."""
    expression = sole_expression(tree)
    if expression is None:
        raise InternalError("a checked `where` has no expression")
    spelled = nodes.CondExpr(expression, nodes.Const(_YES), nodes.Const(_NO))
    predicate = nodes.Template([nodes.Output([spelled])])
    predicate.set_environment(ENVIRONMENT).set_lineno(1)
    return predicate


def _walk(parts: list[Part], inputs: pl.DataFrame) -> list[pl.Series]:
    """Each template's text of each row, all on one shared context; null where a row cannot be told."""
    columns = sorted({column for part in parts for column in part.columns})
    context = Context(ENVIRONMENT, {}, None, {})  # a template's environment is bound to its function
    made: list[list[str | None]] = [[] for _ in parts]
    join = "".join
    pairs = [(part.root, values.append) for part, values in zip(parts, made, strict=True)]
    rows = inputs.select(columns).rows() if columns else [()] * inputs.height
    for row in rows if parts else ():
        context.parent = dict(zip(columns, row, strict=True))
        for root, append in pairs:
            try:
                append(join(root(context)))
            except _NO_VALUE:
                append(None)
    return [pl.Series(values, dtype=pl.String) for values in made]
