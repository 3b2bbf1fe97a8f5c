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
from zalosync.compose.template_problem import MAX_SHOWN, TemplateProblem, not_in_language, short

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
# In words, and the sign by which the author finds it.
_NAMED: Mapping[type[nodes.Node], tuple[str, str]] = {
    nodes.For: ("loops (`for`)", "for"),
    nodes.Call: ("calls (`…()`)", "("),
    nodes.CallBlock: ("`call` blocks", "call"),
    nodes.Macro: ("macros", "macro"),
    nodes.Include: ("`include`", "include"),
    nodes.Import: ("`import`", "import"),
    nodes.FromImport: ("`import`", "import"),
    nodes.Extends: ("`extends`", "extends"),
    nodes.Block: ("blocks", "block"),
    nodes.Assign: ("assignments (`set`)", "set"),
    nodes.AssignBlock: ("assignments (`set`)", "set"),
    nodes.With: ("`with`", "with"),
    nodes.FilterBlock: ("`filter` blocks", "filter"),
    nodes.Mul: ("multiplication", "*"),
    nodes.Div: ("division", "/"),
    nodes.FloorDiv: ("division", "//"),
    nodes.Mod: ("`%`", "%"),
    nodes.Pow: ("powers", "**"),
    nodes.Add: ("addition", "+"),
    nodes.Sub: ("subtraction", "-"),
    nodes.Neg: ("a minus sign", "-"),
    nodes.Pos: ("a plus sign", "+"),
    nodes.Concat: ("`~`", "~"),
    nodes.Test: ("tests (`is …`)", "is"),
    nodes.Slice: ("slices", ":"),
    nodes.List: ("lists", "["),
    nodes.Tuple: ("tuples", ","),
    nodes.Dict: ("mappings", "{"),
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
            yield _refuse(node, "`in`", found="in")
    elif type(node) not in (*_PLAIN, nodes.Compare):
        what, sign = _NAMED.get(type(node), (f"`{type(node).__name__}`", ""))
        yield _refuse(node, what, found=_called(node) or sign)


def _called(node: nodes.Node) -> str:
    """The name of what is called, where it has one."""
    callee = node.node if isinstance(node, nodes.Call) else None
    if isinstance(callee, nodes.Getattr):
        return callee.attr
    return callee.name if isinstance(callee, nodes.Name) else ""


def _refuse(node: nodes.Node, what: str, allowed: str = _LANGUAGE, *, found: str = "") -> TemplateProblem:
    return not_in_language(node.lineno or 1, what, allowed, found)


def _name(node: nodes.Name) -> Iterator[TemplateProblem]:
    if node.ctx != "load":
        yield _refuse(node, "assignments (`set`)", found="set")
    elif node.name == "self" or node.name.startswith("__"):
        yield _refuse(node, f"name `{short(node.name)}`", "columns of the audience", found=node.name)
    elif unicodedata.normalize("NFKC", node.name) != node.name:
        # Python takes such a name for its plain twin, and so would the compiled template.
        what = f"name in compatibility characters, `{short(node.name)}`"
        yield _refuse(node, what, f'{ROW}["…"]', found=node.name)
    elif node.name == ROW:
        yield _refuse(node, f"`{ROW}` by itself", f'{ROW}["column"]', found=ROW)


def _look_up(node: nodes.Getattr | nodes.Getitem) -> Iterator[TemplateProblem]:
    key = key_of(node)
    base = node.node
    if not (isinstance(base, nodes.Name) and base.ctx == "load" and base.name == ROW):
        what = "attributes or items: a column is plain text"
        yield _refuse(node, what, f'a column, or {ROW}["column"]', found=key or "[")
    elif key is None:
        yield _refuse(node, f"`{ROW}[…]` of anything but a constant text", f'{ROW}["column"]', found=ROW)
    elif key.startswith("_"):
        yield _refuse(node, "access to names that begin with `_`", "other columns", found=key)


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
            node,
            f"a constant of the kind {type(value).__name__}",
            "text, whole numbers, true, false",
            found=str(value)[:MAX_SHOWN],
        )
    elif type(value) is int and abs(value) >= MAX_INTEGER:
        yield _refuse(node, "a whole number of that size", "up to 18 digits", found=str(value))


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
            found=node.name,
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
        message = f"the filter `{node.name}` does not take that argument"
        yield TemplateProblem("ZS354", message, allowed=allowed, line=line, found=node.name)


def columns_used(tree: nodes.Node) -> list[tuple[str, int]]:
    """The columns that an accepted tree reads, with the line of each use, in order."""
    if isinstance(tree, (nodes.Getattr, nodes.Getitem)):
        return [(cast("str", key_of(tree)), tree.lineno or 1)]
    if isinstance(tree, nodes.Name):
        return [(tree.name, tree.lineno or 1)]
    return [use for child in tree.iter_child_nodes() for use in columns_used(child)]
