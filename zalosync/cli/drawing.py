"""A plan's document, printed in the form that was asked for."""

import sys
from collections.abc import Mapping
from typing import Any

from zalosync.console.display import inert


def draw(document: Mapping[str, Any], form: str, *, digest: str | None = None, explain: bool = False) -> None:
    """Print a plan.

    Args:
        document: as `plan_document` gives it.
        form: text, json, markdown or html.
        digest: of the sealed plan that it comes from, where that is another.
        explain: also why rows have their fate.
    """
    if form == "json":
        from zalosync.console.documents import write

        write(dict(document))
    elif form == "markdown":
        from zalosync.console.plan_markdown import plan_markdown

        sys.stdout.write(inert(plan_markdown(document, digest=digest, explain=explain)))
    elif form == "html":
        from zalosync.console.plan_html import plan_html

        sys.stdout.write(inert(plan_html(document, digest=digest)))
    else:
        from zalosync.console.plan_text import plan_lines
        from zalosync.console.text import say

        say(plan_lines(document, digest=digest, explain=explain))
