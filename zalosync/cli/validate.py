"""`zalosync validate`: every file of the project, offline, all errors at once."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, SpecError, UsageError


@click.command(epilog="Example: zalosync validate campaigns/order-shipped.yaml")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path, exists=True))
@click.option("--rows", is_flag=True, help="Also read every row of audiences and suppression lists.")
@common
def validate(options: Options, paths: tuple[Path, ...], *, rows: bool) -> int:
    """Check structure, meaning, templates and audience columns; sends nothing, needs no network.

    Of audiences and suppression lists only the headers are read, unless --rows says otherwise; `plan` reads
    every row. The whole project is always read; with PATHs, only what concerns these files or folders, and
    what they name, is reported. Exits 65 if anything is wrong.
    """
    from zalosync.compose.inspect import files_named, input_problems
    from zalosync.console import problems as drawing
    from zalosync.spec.across import policy_findings
    from zalosync.spec.load import survey_project

    session = Session(options)
    root, now = session.root, session.clock.now()
    asked = _concerned(root, paths)
    survey = survey_project(root, environment=options.environment, now=now, offline=True)
    found = [*survey.problems, *input_problems(root, survey, now, rows=rows)]
    project = survey.project
    said = [*project.findings, *policy_findings(project, now)] if project is not None else []
    every = SpecError(found).problems if found else ()
    named = files_named(root, survey, asked) if paths else frozenset()
    problems = tuple(each for each in every if asked(each.place.file) or each.place.file in named)
    hidden = len(every) - len(problems)
    findings = [each for each in said if each.place is None or asked(each.place.file)]
    wrong = bool(problems) or any(each.severity == "error" for each in findings)
    names = [each.name for each in survey.campaigns]
    if options.json:
        document = drawing.verdict_document(survey.files, names, problems, findings, rows=rows)
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        for problem in problems:
            click.echo(drawing.problem_text(problem, colour=colour) + "\n")
        for finding in findings:
            click.echo(drawing.finding_text(finding, colour=colour))
        click.echo(drawing.verdict_text(survey.files, len(names), len(problems), findings, hidden))
        if names and not wrong:
            click.echo(drawing.rows_text(read=rows))
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
