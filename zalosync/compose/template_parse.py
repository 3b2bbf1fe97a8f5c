"""From a template's source to its tree, within bounds, and the Jinja environment that compiles trees.

Nothing is judged here beyond size and syntax, and nothing is run.
"""

import unicodedata
from collections.abc import Callable

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes, pass_environment
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from zalosync.compose.filters import FILTERS
from zalosync.compose.quantities import printed
from zalosync.compose.template_problem import Refused, TemplateProblem, not_in_language

MAX_SOURCE = 2_000  # characters
MAX_NODES = 200
MAX_DEPTH = 20
MAX_BRACKETS = 20  # open at once; brackets leave no node, but the parser recurses for each


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


def parse(source: str) -> nodes.Template:
    """The tree of a source within the limits. Nothing is judged beyond size and syntax, nothing is run.

    Raises:
        Refused: with the problem.
    """
    if len(source) > MAX_SOURCE:
        raise _too_large(f"{len(source):,} characters", f"up to {MAX_SOURCE:,}")
    if not _is_unicode(source):
        raise Refused(TemplateProblem("ZS352", "the template holds half a character (a lone surrogate)"))
    source = unicodedata.normalize("NFC", source)
    try:
        _check_tokens(source)
        tree = Parser(ENVIRONMENT, source).parse()  # `parse` of the environment rewrites tracebacks by `exec`
    except TemplateSyntaxError as error:
        lines = source.split("\n")
        found = lines[error.lineno - 1].strip() if error.lineno <= len(lines) else ""
        message = f"it cannot be parsed: {_told(error)}"
        raise Refused(TemplateProblem("ZS352", message, line=error.lineno, found=found)) from None
    except RecursionError:
        raise _too_large("brackets or operators within each other", f"up to {MAX_DEPTH}") from None
    _check_size(tree)
    return tree


def _told(error: TemplateSyntaxError) -> str:
    return "".join(c if c.isprintable() else " " for c in (error.message or "syntax error"))[:200]


def _too_large(what: str, allowed: str) -> Refused:
    return Refused(TemplateProblem("ZS351", f"the template is too large: {what}", allowed=allowed))


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
            raise Refused(
                not_in_language(line, "numbers with a fraction or an exponent", "whole numbers", text)
            )
        elif kind == "string" and "\\" in text:
            raise Refused(
                not_in_language(
                    line,
                    "a backslash in a text",
                    "the character itself, in the other kind of quotes",
                    text,
                )
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
