"""The template language: an allow-list over the parsed tree.

Jinja's own sandbox has been escaped in public more than once, so it is the second wall here, not the
first. Only what is named below may stand in a template: what is accepted can neither reach an object, nor
loop, nor build anything large.
"""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from typing import cast

from jinja2 import nodes

from zalosync.compose.filters import FILTERS
from zalosync.compose.template_problem import TemplateProblem, not_in_language, short

MAX_INTEGER = 10**18
ROW = "row"  # `row["Mã đơn"]` reaches a column whose name is not an identifier

_PLAIN = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.CondExpr,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
_COMPARISONS = frozenset({"eq", "ne", "lt", "lteq", "gt", "gteq"})
_NAMED: Mapping[type[nodes.Node], str] = {
    nodes.For: "loops (`for`)",
    nodes.Call: "calls (`…()`)",
    nodes.CallBlock: "`call` blocks",
    nodes.Macro: "macros",
    nodes.Include: "`include`",
    nodes.Import: "`import`",
    nodes.FromImport: "`import`",
    nodes.Extends: "`extends`",
    nodes.Block: "blocks",
    nodes.Assign: "assignments (`set`)",
    nodes.AssignBlock: "assignments (`set`)",
    nodes.With: "`with`",
    nodes.FilterBlock: "`filter` blocks",
    nodes.Mul: "multiplication",
    nodes.Div: "division",
    nodes.FloorDiv: "division",
    nodes.Mod: "`%`",
    nodes.Pow: "powers",
    nodes.Add: "addition",
    nodes.Sub: "subtraction",
    nodes.Neg: "a minus sign",
    nodes.Pos: "a plus sign",
    nodes.Concat: "`~`",
    nodes.Test: "tests (`is …`)",
    nodes.Slice: "slices",
    nodes.List: "lists",
    nodes.Tuple: "tuples",
    nodes.Dict: "mappings",
}
_LANGUAGE = "columns, text, whole numbers, comparisons, and, or, not, inline if, `{% if %}` and filters"


def shape(node: nodes.Node) -> Iterator[TemplateProblem]:
    """Everything in the tree that is not on the allow-list; goes no deeper where it finds something."""
    own = list(_shape_of(node))
    yield from own
    if own or isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return
    for child in node.iter_child_nodes():
        yield from shape(child)


def _shape_of(node: nodes.Node) -> Iterator[TemplateProblem]:
    if isinstance(node, nodes.Name):
        yield from _name(node)
    elif isinstance(node, (nodes.Getattr, nodes.Getitem)):
        yield from _look_up(node)
    elif isinstance(node, nodes.Const):
        yield from _constant(node)
    elif isinstance(node, nodes.Filter):
        yield from _filter(node)
    elif isinstance(node, nodes.Operand):
        if node.op not in _COMPARISONS:
            yield _refuse(node, "`in`")
    elif type(node) not in (*_PLAIN, nodes.Compare):
        yield _refuse(node, _NAMED.get(type(node), f"`{type(node).__name__}`"))


def _refuse(node: nodes.Node, what: str, allowed: str = _LANGUAGE) -> TemplateProblem:
    return not_in_language(node.lineno or 1, what, allowed)


def _name(node: nodes.Name) -> Iterator[TemplateProblem]:
    if node.ctx != "load":
        yield _refuse(node, "assignments (`set`)")
    elif node.name == "self" or node.name.startswith("__"):
        yield _refuse(node, f"name `{short(node.name)}`", "columns of the audience")
    elif unicodedata.normalize("NFKC", node.name) != node.name:
        # Python takes such a name for its plain twin, and so would the compiled template.
        yield _refuse(node, f"name in compatibility characters, `{short(node.name)}`", f'{ROW}["…"]')
    elif node.name == ROW:
        yield _refuse(node, f"`{ROW}` by itself", f'{ROW}["column"]')


def _look_up(node: nodes.Getattr | nodes.Getitem) -> Iterator[TemplateProblem]:
    key = key_of(node)
    base = node.node
    if not (isinstance(base, nodes.Name) and base.ctx == "load" and base.name == ROW):
        yield _refuse(node, "attributes or items: a column is plain text", f'a column, or {ROW}["column"]')
    elif key is None:
        yield _refuse(node, f"`{ROW}[…]` of anything but a constant text", f'{ROW}["column"]')
    elif key.startswith("_"):
        yield _refuse(node, "access to names that begin with `_`", "other columns")


def key_of(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """The constant text that is looked up, or None where it is anything else."""
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node.arg, nodes.Const) and type(node.arg.value) is str:
        return node.arg.value
    return None


def _constant(node: nodes.Const) -> Iterator[TemplateProblem]:
    value = node.value
    if type(value) not in (str, int, bool, type(None)):
        yield _refuse(
            node, f"a constant of the kind {type(value).__name__}", "text, whole numbers, true, false"
        )
    elif type(value) is int and abs(value) >= MAX_INTEGER:
        yield _refuse(node, "a whole number of that size", "up to 18 digits")


def _filter(node: nodes.Filter) -> Iterator[TemplateProblem]:
    line = node.lineno or 1
    rule = FILTERS.get(node.name)
    if rule is None or node.node is None:
        meant = difflib.get_close_matches(short(node.name), FILTERS, 1)
        yield TemplateProblem(
            "ZS354",
            f"there is no filter `{short(node.name)}`",
            meant=meant[0] if meant else "",
            allowed=", ".join(FILTERS),
            line=line,
        )
        return
    arguments = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
    plain = len(arguments) == len(node.args) and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
    if rule.argument is None:
        fits, allowed = not node.args, "no argument"
    else:
        needed = {1} if rule.argument.required else {0, 1}
        fits = len(arguments) in needed and all(map(rule.argument.accepts, arguments))
        allowed = rule.argument.allowed
    if not (plain and fits):
        yield TemplateProblem(
            "ZS354", f"the filter `{node.name}` does not take that argument", allowed=allowed, line=line
        )


def columns_used(tree: nodes.Node) -> list[tuple[str, int]]:
    """The columns that an accepted tree reads, with the line of each use, in order."""
    if isinstance(tree, (nodes.Getattr, nodes.Getitem)):
        return [(cast("str", key_of(tree)), tree.lineno or 1)]
    if isinstance(tree, nodes.Name):
        return [(tree.name, tree.lineno or 1)]
    return [use for child in tree.iter_child_nodes() for use in columns_used(child)]
