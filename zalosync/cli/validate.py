"""`zalosync validate`: every file of the project, offline, all errors at once."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, Problem, SpecError, UsageError

if TYPE_CHECKING:
    from zalosync.spec.loaded import LoadedCampaign


@click.command(epilog="Example: zalosync validate campaigns/order-shipped.yaml")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path, exists=True))
@common
def validate(options: Options, paths: tuple[Path, ...]) -> int:
    """Check structure, meaning, templates and audience columns; sends nothing, needs no network.

    The whole project is always read; with PATHs, only what concerns these files or folders is reported.
    Exits 65 if anything is wrong.
    """
    from zalosync.console import problems as drawing
    from zalosync.spec.across import policy_findings
    from zalosync.spec.load import survey_project

    session = Session(options)
    root, now = session.root, session.clock.now()
    concerns = _concerned(root, paths)
    survey = survey_project(root, environment=options.environment, now=now, offline=True)
    found = [*survey.problems, *audience_problems(root, survey.campaigns, survey.problems)]
    project = survey.project
    said = [*project.findings, *policy_findings(project, now)] if project is not None else []
    every = SpecError(found).problems if found else ()
    problems = tuple(each for each in every if concerns(each.place.file))
    hidden = len(every) - len(problems)
    findings = [each for each in said if each.place is None or concerns(each.place.file)]
    wrong = bool(problems) or any(each.severity == "error" for each in findings)
    names = [each.name for each in survey.campaigns]
    if options.json:
        document = drawing.verdict_document(survey.files, names, problems, findings)
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        for problem in problems:
            click.echo(drawing.problem_text(problem, colour=colour) + "\n")
        for finding in findings:
            click.echo(drawing.finding_text(finding, colour=colour))
        click.echo(drawing.verdict_text(survey.files, len(names), len(problems), findings, hidden))
    return ExitCode.SPEC if wrong else ExitCode.DONE


def _concerned(root: Path, paths: Sequence[Path]) -> Callable[[str], bool]:
    """Whether a file of the project is one of those that were asked for, or in a folder of them."""
    wanted: list[PurePosixPath] = []
    for path in paths:
        try:
            wanted.append(PurePosixPath(path.resolve().relative_to(root.resolve())))
        except ValueError as error:
            raise UsageError(
                f"{path} is not in the project {root}", fix="name the project with -C", code="ZS102"
            ) from error
    return lambda file: not wanted or any(PurePosixPath(file).is_relative_to(each) for each in wanted)


def audience_problems(
    root: Path, campaigns: Sequence["LoadedCampaign"], known: Sequence[Problem]
) -> Iterator[Problem]:
    """Templates and columns of every campaign, against the headers of its audience."""
    from zalosync.compose.prepare import column_problems, placed, template_fields
    from zalosync.compose.template import check, check_predicate

    wrong = {(problem.place.file, problem.path) for problem in known}
    headers = _Headers(root)
    for each in campaigns:
        flagged = {path for file, path in wrong if file == each.file}

        def is_sound(path: str, flagged: set[str] = flagged) -> bool:
            return not any(path == bad or path.startswith((f"{bad}.", f"{bad}[")) for bad in flagged)

        columns, problems = headers.of(each) if is_sound("spec.audience.path") else (None, [])
        yield from problems
        if columns is not None:
            yield from (each_ for each_ in column_problems(each, columns) if is_sound(each_.path))
        for path, source, condition in template_fields(each):
            if is_sound(path):
                found = check_predicate(source, columns) if condition else check(source, columns)
                yield from (placed(each, path, problem) for problem in found)


class _Headers:
    """The columns of audiences, each set of files opened once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[tuple[str, ...], tuple[tuple[str, ...] | None, tuple[Problem, ...]]] = {}

    def of(self, loaded: "LoadedCampaign") -> tuple[tuple[str, ...] | None, list[Problem]]:
        """The columns, or None and what is wrong with the files, placed where the campaign names them."""
        from zalosync.audience.read import open_audience
        from zalosync.spec.safe_open import inside

        paths = loaded.campaign.spec.audience.path
        key = tuple(inside(path, named_in=loaded.file) for path in paths)
        if key not in self._known:
            try:
                with open_audience(self._root, Path(), key) as opened:
                    self._known[key] = (opened.columns, ())
            except SpecError as error:
                self._known[key] = (None, error.problems)
        columns, problems = self._known[key]
        placed = [
            loaded.problem(
                each.code,
                "spec.audience.path",
                f"{each.place if each.place.line > 1 else each.place.file}: {each.message}",
                found=each.found,
                allowed=each.allowed,
            )
            for each in problems
        ]
        return columns, placed
