"""What is wrong between a project's specs and the files that they name, without a plan: for `validate`.

Headers are read, and every template is held against them; rows only where they are asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from zalosync.audience.encoding import Encoding
from zalosync.audience.limits import Limits
from zalosync.audience.read import matching, open_files
from zalosync.audience.suppress import read_suppressions
from zalosync.compose.desired import CHUNK_ROWS
from zalosync.compose.inputs import AUDIENCE, EXCLUDE, SUPPRESSIONS, Spec, limits_of, list_problems, told_in
from zalosync.compose.prepare import problems_with
from zalosync.errors import Problem, SpecError
from zalosync.spec.load import Survey
from zalosync.spec.loaded import LoadedCampaign

_Key = tuple[tuple[str, ...], Encoding | None]


def input_problems(root: Path, survey: Survey, now: datetime, *, rows: bool = False) -> Iterator[Problem]:
    """Templates, columns and lists of every campaign and policy, against the files that they name.

    Args:
        root: the project's folder.
        survey: the specs; what is known to be wrong with them is not looked at again.
        now: aware; for lists whose rows end.
        rows: also read every row of every audience and list, as a plan does.
    """
    wrong = {(problem.place.file, problem.path) for problem in survey.problems}
    limits = limits_of(survey.project.spec if survey.project is not None else None)
    audiences = _Audiences(root, limits, rows=rows)
    regions = {"VN"}
    for each in survey.campaigns:
        sound = _Sound({path for file, path in wrong if file == each.file})
        found = audiences.of(each) if sound(AUDIENCE) else _Opened(None, ())
        yield from found.problems
        yield from problems_with(each, found.columns, found.files, sound)
        regions.add(each.campaign.spec.audience.region)
    lists: list[tuple[Spec, str, Sequence[str]]] = [
        *((each, EXCLUDE, each.campaign.spec.audience.exclude) for each in survey.campaigns),
        *((each, SUPPRESSIONS, each.policy.spec.suppressions) for each in survey.policies),
    ]
    for spec, path, patterns in lists:
        if _Sound({bad for file, bad in wrong if file == spec.file})(path):
            refused = list(list_problems(root, spec, path, patterns))
            yield from refused
            if rows and not refused:
                mine = {spec.campaign.spec.audience.region} if isinstance(spec, LoadedCampaign) else regions
                yield from _rows_of_lists(root, spec.file, patterns, mine, now)


def files_named(root: Path, survey: Survey, asked: Callable[[str], bool]) -> frozenset[str]:
    """The audiences and suppression lists that the specs of these files name, as far as they are there."""
    lists: list[tuple[Spec, Sequence[str]]] = []
    for each in survey.campaigns:
        lists += [(each, each.campaign.spec.audience.path), (each, each.campaign.spec.audience.exclude)]
    lists += [(each, each.policy.spec.suppressions) for each in survey.policies]
    found: set[str] = set()
    for spec, patterns in lists:
        for pattern in patterns if asked(spec.file) else ():
            try:
                found.update(matching(root, Path(spec.file).parent, [pattern]))
            except SpecError:  # said as a problem of the spec
                continue
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Sound:
    """Whether nothing is wrong yet at a path, nor above it, nor below it."""

    wrong: set[str]

    def __call__(self, path: str) -> bool:
        return not any(
            path == bad or path.startswith((f"{bad}.", f"{bad}[")) or bad.startswith(f"{path}[")
            for bad in self.wrong
        )


@dataclass(frozen=True, slots=True)
class _Opened:
    """What opening an audience told: its columns (None where it could not be), and what is wrong with it."""

    columns: tuple[str, ...] | None
    files: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


class _Audiences:
    """The audiences of campaigns, each set of files opened once."""

    def __init__(self, root: Path, limits: Limits, *, rows: bool) -> None:
        self._root = root
        self._limits = limits
        self._rows = rows
        self._known: dict[_Key, tuple[_Opened, SpecError | None]] = {}

    def of(self, loaded: LoadedCampaign) -> _Opened:
        """A campaign's audience; what is wrong with its files is placed where the campaign names them."""
        audience = loaded.campaign.spec.audience
        patterns = audience.path
        try:
            names = matching(self._root, Path(loaded.file).parent, patterns)
        except SpecError as error:
            return _Opened(None, (), tuple(told_in(self._root, loaded, AUDIENCE, patterns, error)))
        key = (names, audience.encoding)
        if key not in self._known:
            self._known[key] = self._opened(*key)
        opened, refusal = self._known[key]
        if refusal is None:
            return opened
        return _Opened(None, names, tuple(told_in(self._root, loaded, AUDIENCE, patterns, refusal)))

    def _opened(self, names: tuple[str, ...], encoding: Encoding | None) -> tuple[_Opened, SpecError | None]:
        try:
            with open_files(self._root, names, self._limits, encoding) as audience:
                columns, files = audience.columns, audience.files
                try:
                    for _ in audience.chunks(CHUNK_ROWS) if self._rows else ():
                        pass
                except SpecError as error:
                    return _Opened(columns, files, error.problems), None
                return _Opened(columns, files), None
        except SpecError as error:
            return _Opened(None, names), error


def _rows_of_lists(
    root: Path, named_in: str, patterns: Sequence[str], regions: set[str], now: datetime
) -> Iterator[Problem]:
    """Rows of suppression lists that hold no phone or no time that can be read."""
    for region in sorted(regions):
        for pattern in patterns:
            try:
                read_suppressions(root, Path(named_in).parent, [pattern], region, now)
            except SpecError as error:
                yield from error.problems
