"""Values as anybody may see them: the author's words in clear, whatever came from the row masked.

What an expression prints is masked, whole words and all. What stands in an `{% if %}` is masked too, since
the choice between two texts tells something of the row.
"""

import unicodedata

from jinja2 import nodes

from zalosync.compose.quantities import printed
from zalosync.compose.template import Part, Program
from zalosync.compose.template_names import numbered
from zalosync.compose.template_parse import Environment

DOT = "•"


def mask(text: str) -> str:
    """A dot for each letter, digit and sign; white space and ASCII punctuation stay."""
    return "".join(_masked(character) for character in unicodedata.normalize("NFC", text))


def _masked(character: str) -> str:
    if character.isspace() or (character.isascii() and not character.isalnum()):
        return character
    return "" if unicodedata.category(character).startswith("M") else DOT


MASKING = Environment(lambda value: mask(printed(value)))


class MaskedProgram(Program):
    """A program whose values show their form and nothing of the row; `where` is not for it."""

    def _part(self, tree: nodes.Template) -> Part:
        return Part(_branches_as_values(numbered(tree, self.names)), MASKING, None)


def _branches_as_values(tree: nodes.Template) -> nodes.Template:
    for branch in tree.find_all(nodes.If):
        for output in branch.find_all(nodes.Output):
            output.nodes = [
                nodes.Const(part.data, lineno=part.lineno, environment=part.environment)
                if isinstance(part, nodes.TemplateData)
                else part
                for part in output.nodes
            ]
    return tree
