"""Columns by number: what an accepted template is turned into before it is compiled.

A column's name becomes `c0`, `c1`, … in the tree, wherever the author wrote it as a name or as
`row["…"]`. So no name of an audience ever becomes a name in compiled Python code, and the compiled
template has no attribute and no item to look up.
"""

from typing import cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from zalosync.compose.template_columns import clean
from zalosync.compose.template_language import columns_used


def numbered(tree: nodes.Template, names: tuple[str, ...]) -> nodes.Template:
    """The tree with the columns by their place in `names`, and every constant cleaned as values are."""
    return cast("nodes.Template", _Numbering(names).visit(tree))


class _Numbering(NodeTransformer):
    def __init__(self, names: tuple[str, ...]) -> None:
        self._numbers = {name: f"c{index}" for index, name in enumerate(names)}

    def _column(self, node: nodes.Expr) -> nodes.Node:
        ((name, line),) = columns_used(node)
        return nodes.Name(self._numbers[name], "load", lineno=line, environment=node.environment)

    visit_Name = visit_Getattr = visit_Getitem = _column  # noqa: N815 -- Jinja's names for visitors

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802 -- as above
        """Without an else there is nothing to print: empty text, not an undefined object."""
        if node.expr2 is None:
            node.expr2 = nodes.Const("", lineno=node.lineno, environment=node.environment)
        return self.generic_visit(node)

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802 -- as above
        if type(node.value) is str:
            node.value = clean(node.value)
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Node:  # noqa: N802 -- as above
        node.data = clean(node.data)
        return node
