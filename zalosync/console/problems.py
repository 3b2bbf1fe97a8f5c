"""Problems and findings as people read them: the line, a caret under the mistake, and the way out."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from zalosync.console.display import display, plural
from zalosync.errors import Problem

if TYPE_CHECKING:
    from zalosync.spec.findings import Finding

FORMAT_VERSION = "1.0"
_INDENT = "  "
_LONGEST = 400  # characters of one line


def problem_text(problem: Problem, *, colour: bool = False) -> str:
    """One problem: `file:line:column: error ZS130: …`, then the path, the source with a caret, the mend."""
    place, message = str(problem.place), _gated(problem.message)
    code = f"error {problem.code}" if problem.code else "error"
    head = f"{_styled(place, colour, bold=True)}: {_styled(code, colour, fg='red', bold=True)}: {message}"
    lines = [head]
    if problem.path:
        lines.append(f"{_INDENT}at {problem.path}")
    lines += source_lines(problem)
    for word, text in (("found", problem.found), ("allowed", problem.allowed)):
        if text:
            lines.append(f"{_INDENT}{word}: {_gated(text)}")
    if problem.meant:
        lines.append(f"{_INDENT}{_styled(f'did you mean `{_gated(problem.meant)}`?', colour, fg='green')}")
    return "\n".join(lines)


def source_lines(problem: Problem) -> list[str]:
    """The source line with carets under the mistake, where it may be shown."""
    if not problem.source:
        return []
    number = str(problem.place.line)
    gutter = " " * len(number)
    return [f"{_INDENT}{number} | {problem.source}", f"{_INDENT}{gutter} | {_caret(problem)}"]


def _caret(problem: Problem) -> str:
    """White space as wide as the source before the column, then carets under the word there."""
    before = problem.source[: problem.place.column - 1]
    pad = "".join("\t" if letter == "\t" else " " for letter in before)
    rest = problem.source[problem.place.column - 1 :]
    found = problem.found[1:-1] if problem.found[:1] == "`" else ""
    length = len(found) if found and rest.startswith(found) else _word_length(rest)
    return pad + "^" * max(1, length)


def _word_length(text: str) -> int:
    """How many characters the word at the start of a text has: a quoted text, or up to a separator."""
    if text[:1] in {'"', "'"}:
        end = text.find(text[0], 1)
        return end + 1 if end > 0 else len(text)
    for index, letter in enumerate(text):
        if letter in ",]}#" or (letter in ": \t" and text[index : index + 2] in {": ", ":", " #"}):
            return len(text[:index].rstrip())
    return len(text.rstrip())


def finding_text(finding: "Finding", *, colour: bool = False) -> str:
    """One finding: where, how grave, what."""
    grave = finding.severity == "error"
    word = _styled("error" if grave else "warning", colour, fg="red" if grave else "yellow", bold=True)
    place = f"{_styled(str(finding.place), colour, bold=True)}: " if finding.place is not None else ""
    return f"{place}{word} {finding.id}: {_gated(finding.message)}"


def verdict_text(
    files: int, campaigns: int, problems: int, findings: "Sequence[Finding]", hidden: int = 0
) -> str:
    """The last line: how much was checked, and what came of it; `hidden` errors were not asked for."""
    errors = problems + sum(each.severity == "error" for each in findings)
    warnings = sum(each.severity == "warn" for each in findings)
    checked = f"{plural(files, 'file')}, {plural(campaigns, 'campaign')}"
    verdict = f"{checked}: {plural(errors, 'error')}, {plural(warnings, 'warning')}"
    if not errors and not warnings and not hidden:
        verdict = f"{checked}: everything is right"
    if hidden:
        verdict += f"; {plural(hidden, 'error')} in files that were not asked for"
    return f"{verdict}; `zalosync explain CODE` says more about each" if errors else verdict


def rows_text(*, read: bool) -> str:
    """How far audiences and suppression lists were looked at."""
    if read:
        return "Every row of audiences and suppression lists was read; values are checked by `plan`."
    return (
        "Of audiences and suppression lists only the headers were read:"
        " `plan` and `validate --rows` read the rows."
    )


def verdict_document(
    files: int,
    campaigns: Sequence[str],
    problems: Iterable[Problem],
    findings: "Iterable[Finding]",
    *,
    rows: bool = False,
) -> dict[str, Any]:
    """The document of `validate --json`; `rows` says whether more than the headers of audiences was read."""
    problems, findings = tuple(problems), tuple(findings)
    return {
        "format_version": FORMAT_VERSION,
        "ok": not problems and all(each.severity != "error" for each in findings),
        "files": files,
        "campaigns": list(campaigns),
        "rows_read": rows,
        "problems": [problem_document(each) for each in problems],
        "findings": [finding_document(each) for each in findings],
    }


def problem_document(problem: Problem) -> dict[str, Any]:
    """A problem in JSON; texts that are not there are empty."""
    return {
        "code": problem.code,
        "file": problem.place.file,
        "line": problem.place.line,
        "column": problem.place.column,
        "path": problem.path,
        "message": problem.message,
        "found": problem.found,
        "allowed": problem.allowed,
        "meant": problem.meant,
    }


def finding_document(finding: "Finding") -> dict[str, Any]:
    """A finding in JSON."""
    place = finding.place
    return {
        "id": finding.id,
        "severity": finding.severity,
        "message": finding.message,
        "campaign": finding.campaign,
        "file": place.file if place else "",
        "line": place.line if place else 0,
        "column": place.column if place else 0,
        "count": finding.count,
    }


def _gated(text: str) -> str:
    return display(text, _LONGEST)


def _styled(text: str, colour: bool, **style: Any) -> str:  # noqa: FBT001 - private, always by place
    return click.style(text, **style) if colour else text
