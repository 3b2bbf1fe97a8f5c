"""Which templates are accepted: an allow-list over the parsed tree, before anything is evaluated.

Jinja's own sandbox has been escaped four times in public, so it is the second wall here, not the first.
Only what is named below may stand in a template, and sizes are bounded, so that what is accepted can
neither reach an object, nor loop, nor build anything large. What cannot work is refused too: a number
compared with text, a yes-or-no that would be printed, an unknown column.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_environment
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from zalosync.compose.filters import FILTERS, Kind, printed
from zalosync.compose.sms import fold_ascii

MAX_SOURCE = 2_000  # characters
MAX_NODES = 200
MAX_DEPTH = 20
MAX_BRACKETS = 20  # open at once; brackets leave no node, but the parser recurses for each
MAX_INTEGER = 10**18
MAX_LISTED = 12  # columns named in a message
MAX_SHOWN = 60  # characters of a name in a message
ROW = "row"  # `row["Mã đơn"]` reaches a column whose name is not an identifier

# Stable codes of the problems, and what `explain` says of them.
CODES: Mapping[str, str] = {
    "ZS351": "The template is too large: 2,000 characters, 200 nodes, 20 levels.",
    "ZS352": "The template cannot be parsed.",
    "ZS353": "The template uses something that the template language does not have.",
    "ZS354": "The filter is not known, or its argument is not one that it takes.",
    "ZS355": "The column is not in the audience.",
    "ZS356": "The expression cannot work: text compared with a number, or a yes-or-no that would be printed.",
    "ZS357": "`where` is not one `{{ expression }}` that is a yes or a no.",
}


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """One thing wrong with a template, in words for its author.

    Attributes:
        code: stable, a key of `CODES`.
        message: what is wrong.
        meant: the nearest column or filter, where there is one.
        allowed: what may stand there.
        line: of the template's source, from 1.
    """

    code: str
    message: str
    meant: str = ""
    allowed: str = ""
    line: int = 1


def _finalizer(spelled: Callable[[object], str]) -> Callable[["Environment", object], str]:
    """A finalizer; its first argument keeps Jinja from evaluating constants while it compiles."""

    @pass_environment
    def finalize(_environment: "Environment", value: object) -> str:
        return spelled(value)

    return finalize


class Environment(ImmutableSandboxedEnvironment):
    """Jinja without globals, tests, loader or extensions; a dot is a look-up of a key, never an attribute.

    Accepted templates have no attribute and no item left when they are compiled: this is the wall
    behind the wall.

    Args:
        spelled: how a value is printed; the default is `filters.printed`.
    """

    def __init__(self, spelled: Callable[[object], str] = printed) -> None:
        super().__init__(
            autoescape=False,
            undefined=StrictUndefined,
            finalize=_finalizer(spelled),
            optimized=False,
            cache_size=0,
            auto_reload=False,
        )
        self.globals.clear()
        self.tests.clear()
        self.filters.clear()
        self.filters.update({name: rule.apply for name, rule in FILTERS.items()})

    def getattr(self, obj: object, attribute: str) -> object:
        """The value of a key of a plain mapping, else undefined."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """The value of a key of a plain mapping, else undefined."""
        if type(obj) is dict and type(argument) is str and argument in obj:
            return obj[argument]
        return self.undefined(name=str(argument))


ENVIRONMENT = Environment()


class _Refused(Exception):
    """What stops a check at once: the tree cannot be had."""

    def __init__(self, problem: TemplateProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


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
    except _Refused as refused:
        return [refused.problem]
    problems = list(_shape(tree))
    if problems:
        return _distinct(problems)
    problems = list(_unknown_columns(tree, columns)) if columns is not None else []
    problems += _predicate(tree) if predicate else _text(tree)
    return _distinct(problems)


def _distinct(problems: list[TemplateProblem]) -> list[TemplateProblem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line)


# -- parsing --------------------------------------------------------------------------------------------


def parse(source: str) -> nodes.Template:
    """The tree of a source within the limits. Nothing is judged beyond size and syntax, nothing is run.

    Raises:
        _Refused: with the problem.
    """
    if len(source) > MAX_SOURCE:
        raise _too_large(f"{len(source):,} characters", f"up to {MAX_SOURCE:,}")
    if not _is_unicode(source):
        raise _Refused(TemplateProblem("ZS352", "the template holds half a character (a lone surrogate)"))
    source = unicodedata.normalize("NFC", source)
    try:
        _check_tokens(source)
        tree = Parser(ENVIRONMENT, source).parse()  # `parse` of the environment rewrites tracebacks by `exec`
    except TemplateSyntaxError as error:
        raise _Refused(
            TemplateProblem("ZS352", f"it cannot be parsed: {_told(error)}", line=error.lineno)
        ) from None
    except RecursionError:
        raise _too_large("brackets or operators within each other", f"up to {MAX_DEPTH}") from None
    _check_size(tree)
    return tree


def _told(error: TemplateSyntaxError) -> str:
    return "".join(c if c.isprintable() else " " for c in (error.message or "syntax error"))[:200]


def _too_large(what: str, allowed: str) -> _Refused:
    return _Refused(TemplateProblem("ZS351", f"the template is too large: {what}", allowed=allowed))


def _is_unicode(source: str) -> bool:
    try:
        source.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_tokens(source: str) -> None:
    """What must be known before parsing: open brackets, since the parser recurses, and escapes in text."""
    opened = 0
    for line, kind, text in ENVIRONMENT.lexer.tokeniter(source, None):
        if kind == "operator":
            opened += (text in "([{") - (text in ")]}")
            if opened > MAX_BRACKETS:
                raise _too_large("brackets within each other", f"up to {MAX_BRACKETS}")
        elif kind == "float":
            raise _Refused(_refuse_at(line, "numbers with a fraction or an exponent", "whole numbers"))
        elif kind == "string" and "\\" in text:
            raise _Refused(
                _refuse_at(line, "a backslash in a text", "the character itself, in the other kind of quotes")
            )


def _check_size(tree: nodes.Template) -> None:
    count = 0
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        count += len(level)
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            break
    if level:
        raise _too_large(f"more than {MAX_DEPTH} levels", f"up to {MAX_DEPTH}")
    if count > MAX_NODES:
        raise _too_large(f"{count:,} nodes", f"up to {MAX_NODES}")


# -- the allow-list -------------------------------------------------------------------------------------

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


def _shape(node: nodes.Node) -> Iterator[TemplateProblem]:
    """Everything in the tree that is not on the allow-list; goes no deeper where it finds something."""
    own = list(_shape_of(node))
    yield from own
    if own or isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return
    for child in node.iter_child_nodes():
        yield from _shape(child)


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
    return _refuse_at(node.lineno or 1, what, allowed)


def _refuse_at(line: int, what: str, allowed: str) -> TemplateProblem:
    return TemplateProblem("ZS353", f"not in the template language: {what}", allowed=allowed, line=line)


def _name(node: nodes.Name) -> Iterator[TemplateProblem]:
    if node.ctx != "load":
        yield _refuse(node, "assignments (`set`)")
    elif node.name == "self" or node.name.startswith("__"):
        yield _refuse(node, f"name `{_short(node.name)}`", "columns of the audience")
    elif unicodedata.normalize("NFKC", node.name) != node.name:
        # Python takes such a name for its plain twin, and so would the compiled template.
        yield _refuse(node, f"name in compatibility characters, `{_short(node.name)}`", f'{ROW}["…"]')
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
        meant = difflib.get_close_matches(_short(node.name), FILTERS, 1)
        yield TemplateProblem(
            "ZS354",
            f"there is no filter `{_short(node.name)}`",
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


def _short(name: str) -> str:
    return name if len(name) <= MAX_SHOWN else name[:MAX_SHOWN] + "…"


# -- columns --------------------------------------------------------------------------------------------


def columns_used(tree: nodes.Node) -> list[tuple[str, int]]:
    """The columns that an accepted tree reads, with the line of each use, in order."""
    if isinstance(tree, (nodes.Getattr, nodes.Getitem)):
        return [(cast("str", key_of(tree)), tree.lineno or 1)]
    if isinstance(tree, nodes.Name):
        return [(tree.name, tree.lineno or 1)]
    return [use for child in tree.iter_child_nodes() for use in columns_used(child)]


def _unknown_columns(tree: nodes.Template, columns: Collection[str]) -> Iterator[TemplateProblem]:
    known = [unicodedata.normalize("NFC", column) for column in columns]
    for name, line in columns_used(tree):
        if name not in known:
            yield TemplateProblem(
                "ZS355",
                f"the audience has no column `{_short(name)}`",
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


# -- kinds ----------------------------------------------------------------------------------------------

_CONSTANT_KINDS: Mapping[type, Kind] = {
    str: Kind.TEXT,
    int: Kind.NUMBER,
    bool: Kind.YES_NO,
    type(None): Kind.NOTHING,
}
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


def _cannot(node: nodes.Node, message: str, allowed: str) -> TemplateProblem:
    return TemplateProblem("ZS356", message, allowed=allowed, line=node.lineno or 1)


def _text(tree: nodes.Template) -> Iterator[TemplateProblem]:
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


def _predicate(tree: nodes.Template) -> Iterator[TemplateProblem]:
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
                )
            left = right
    for use in tree.find_all(nodes.Filter):
        odd = _kinds(use.node) - _PRINTABLE
        if odd:
            yield _cannot(
                use, f"the filter `{use.name}` is given {' or '.join(sorted(odd))}", "text or a number"
            )
