"""The files that specs name, opened: what is wrong with one is told at the line of the spec that names it.

What is wrong within a file, past its header, keeps the file's own line: there it has to be mended.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

import polars as pl

from zalosync.audience.limits import Limits
from zalosync.audience.read import Audience, matching, open_files
from zalosync.audience.suppress import NotAListError, open_list, read_suppressions
from zalosync.errors import Problem, SpecError
from zalosync.spec.files import near_path
from zalosync.spec.loaded import LoadedCampaign, LoadedPolicy, LoadedProject
from zalosync.spec.project import ProjectSpec
from zalosync.spec.safe_open import FileRefused, glob_inside, inside, is_glob

AUDIENCE = "spec.audience.path"
EXCLUDE = "spec.audience.exclude"
SUPPRESSIONS = "spec.suppressions"

Spec = LoadedCampaign | LoadedPolicy


def limits_of(project: ProjectSpec | None) -> Limits:
    """How large an audience of a project may be; None: of one that says nothing."""
    if project is None:
        return Limits()
    return Limits(size=project.audience_limits.bytes, rows=project.audience_limits.rows)


def opened_audience(project: LoadedProject, loaded: LoadedCampaign) -> Audience:
    """The audience of a campaign, opened.

    Raises:
        SpecError: a file is missing, refused or broken; placed where the campaign names it.
    """
    root, audience = project.root, loaded.campaign.spec.audience
    patterns = audience.path
    try:
        names = matching(root, Path(loaded.file).parent, patterns)
        return open_files(root, names, limits_of(project.spec), audience.encoding)
    except SpecError as error:
        raise SpecError(list(told_in(root, loaded, AUDIENCE, patterns, error))) from error


def audience_words(files: Sequence[str]) -> str:
    """An audience by its files, for messages."""
    more = len(files) - 1
    return f"the audience {files[0]}" + (f" (and {more} more like it)" if more else "")


def suppressed(
    root: Path, lists: Sequence[tuple[Spec, str, Sequence[str]]], region: str, now: datetime
) -> pl.Series | None:
    """Everybody on the lists that specs name, or None where none is named.

    Args:
        root: the project's folder.
        lists: spec, YAML path of its lists, and their patterns.
        region: how national numbers are read.
        now: in the zone whose days the lists mean.

    Raises:
        SpecError: with the problems of all lists; of files that cannot be used, where a spec names them.
    """
    phones: list[pl.Series] = []
    problems: list[Problem] = []
    for spec, path, patterns in lists:
        for pattern in patterns:
            try:
                phones.append(read_suppressions(root, Path(spec.file).parent, [pattern], region, now).phones)
            except NotAListError as error:
                problems += told_in(root, spec, path, patterns, error)
            except SpecError as error:
                problems += error.problems
    if problems:
        raise SpecError(list(dict.fromkeys(problems)))
    return pl.concat(phones).unique() if phones else None


def list_problems(root: Path, spec: Spec, path: str, patterns: Sequence[str]) -> Iterator[Problem]:
    """What is wrong with the suppression lists of a spec as far as their headers tell, each at its line."""
    for pattern in patterns:
        try:
            names = matching(root, Path(spec.file).parent, [pattern])
        except SpecError as error:
            yield from told_in(root, spec, path, patterns, error)
            continue
        for name in names:
            try:
                open_list(root, name, Limits()).close()
            except SpecError as error:
                yield from told_in(root, spec, path, patterns, error)


def told_in(
    root: Path, spec: Spec, path: str, patterns: Sequence[str], error: SpecError
) -> Iterator[Problem]:
    """The problems of files, as problems of the spec whose patterns name them."""
    for each in error.problems:
        index = _which(root, spec.file, patterns, each.place.file)
        listed = spec.document.at((*path.split("."), index)) is not None
        where = each.place if each.place.line > 1 else each.place.file
        meant = each.meant
        if each.code == "ZS101":
            near = near_path(root, each.place.file)
            meant = str(PurePosixPath(patterns[index]).with_name(near)) if near else ""
        yield spec.problem(
            each.code,
            f"{path}[{index}]" if listed else path,
            f"{where}: {each.message}",
            found=each.found,
            allowed=each.allowed,
            meant=meant,
        )


def _which(root: Path, named_in: str, patterns: Sequence[str], file: str) -> int:
    """Which of the patterns names the file; the first where none does."""
    for index, pattern in enumerate(patterns):
        try:
            name = inside(pattern, named_in=named_in)
            if file in {pattern, name} or (is_glob(name) and file in glob_inside(root, name)):
                return index
        except FileRefused:
            continue
    return 0
