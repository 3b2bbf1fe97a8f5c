"""What expressions yield, and what therefore cannot work for any row.

A column is text, and so is nearly everything; `int` and `round` yield numbers, comparisons a yes or a no.
"""

from collections.abc import Iterator, Mapping

from jinja2 import nodes

from zalosync.compose.filters import FILTERS, Kind
from zalosync.compose.template_problem import TemplateProblem

_CONSTANT_KINDS: Mapping[type, Kind] = {
    str: Kind.TEXT,
    int: Kind.NUMBER,
    bool: Kind.YES_NO,
    type(None): Kind.NOTHING,
}
_SIGNS: Mapping[str, str] = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_PRINTABLE = frozenset({Kind.TEXT, Kind.NUMBER})


def _kinds(node: nodes.Node | None) -> frozenset[Kind]:
    """What an accepted expression can yield."""
    if isinstance(node, nodes.Const):
        return frozenset({_CONSTANT_KINDS[type(node.value)]})
    if isinstance(node, nodes.Filter):
        yields = FILTERS[node.name].yields
        if yields is not None:
            return frozenset({yields})
        return _kinds(node.node) | _kinds(node.args[0])
    if isinstance(node, (nodes.Compare, nodes.Not)):
        return frozenset({Kind.YES_NO})
    if isinstance(node, (nodes.And, nodes.Or)):
        return _kinds(node.left) | _kinds(node.right)
    if isinstance(node, nodes.CondExpr):
        return _kinds(node.expr1) | _kinds(node.expr2)
    return frozenset({Kind.TEXT})  # a column; and what is not said after an inline if is empty text


def _cannot(node: nodes.Node, message: str, allowed: str, found: str = "") -> TemplateProblem:
    return TemplateProblem("ZS356", message, allowed=allowed, line=node.lineno or 1, found=found)


def text_problems(tree: nodes.Template) -> Iterator[TemplateProblem]:
    """Whatever is printed must be text or a number, whatever the row holds."""
    yield from _operations(tree)
    for output in tree.find_all(nodes.Output):
        for expression in output.nodes:
            odd = _kinds(expression) - _PRINTABLE
            if odd:
                yield _cannot(
                    expression,
                    f"the expression may give {' or '.join(sorted(odd))}, which cannot be printed",
                    "`'…' if … else '…'`",
                )


def predicate_problems(tree: nodes.Template) -> Iterator[TemplateProblem]:
    """`where` must be one expression, and a yes or a no whatever the row holds."""
    expression = sole_expression(tree)
    if expression is None:
        yield TemplateProblem("ZS357", "`where` is not one expression", allowed="{{ expression }}")
        return
    yield from _operations(tree)
    yield from _yes_no(expression)


def sole_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that is nothing but one `{{ … }}`, white space around it aside."""
    parts: list[nodes.Expr] = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            return None
        parts += [
            part
            for part in statement.nodes
            if not (isinstance(part, nodes.TemplateData) and not part.data.strip())
        ]
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData) else None


def _yes_no(node: nodes.Expr) -> Iterator[TemplateProblem]:
    """Text is no condition of `where`: the text "false" is not empty, and so would count as a yes."""
    if isinstance(node, (nodes.And, nodes.Or)):
        yield from _yes_no(node.left)
        yield from _yes_no(node.right)
    elif isinstance(node, nodes.Not):
        yield from _yes_no(node.node)
    elif _kinds(node) != {Kind.YES_NO}:
        given = " or ".join(sorted(_kinds(node)))
        yield TemplateProblem(
            "ZS357",
            f"`where` needs a yes or a no, and the expression gives {given}",
            allowed="a comparison, such as `status == 'shipped'` or `consent != ''`",
            line=node.lineno or 1,
        )


def _operations(tree: nodes.Template) -> Iterator[TemplateProblem]:
    """Comparisons and filters that cannot work for any row."""
    for comparison in tree.find_all(nodes.Compare):
        left = _kinds(comparison.expr)
        for operand in comparison.ops:
            right = _kinds(operand.expr)
            ordered = operand.op not in {"eq", "ne"}
            if not left & right or (ordered and left | right != left & right):
                yield _cannot(
                    comparison,
                    f"{' or '.join(sorted(left))} is compared with {' or '.join(sorted(right))}",
                    "two texts, or two numbers: a column is text, `column|int` a number",
                    _SIGNS[operand.op],
                )
            left = right
    for use in tree.find_all(nodes.Filter):
        odd = _kinds(use.node) - _PRINTABLE
        if odd:
            message = f"the filter `{use.name}` is given {' or '.join(sorted(odd))}"
            yield _cannot(use, message, "text or a number", use.name)
