"""Read a whole project: every file, every problem at once, each with its place.

`load_project` is the only way from files to specs. It opens what the project file names and nothing else,
looks at no clock and no environment variable, and reads no audience.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from zalosync.errors import Place, Problem, SpecError, UsageError
from zalosync.spec.across import cross_problems, project_findings
from zalosync.spec.document import MAX_BYTES, Document, Steps, path_text, read_document
from zalosync.spec.findings import settled
from zalosync.spec.loaded import LoadedCampaign, LoadedPolicy, LoadedProject
from zalosync.spec.meaning import Fault, campaign_faults
from zalosync.spec.mismatch import near
from zalosync.spec.model import Campaign
from zalosync.spec.policy import Policy
from zalosync.spec.project import Environment, Prices, Project, TemplateContract, TemplatesLock
from zalosync.spec.safe_open import FileRefused, glob_inside, inside, is_glob, read_inside
from zalosync.spec.shape import shaped
from zalosync.spec.shown import is_ours, visible, with_source
from zalosync.spec.values import Reading, Shape

PROJECT_FILE = "zalosync.yaml"
LOCK_FILE = "templates.lock.yaml"
MAX_FILES = 10_000

ShapeT = TypeVar("ShapeT", bound=Shape)


def load_project(
    root: Path, *, environment: str | None, now: datetime, offline: bool = False
) -> LoadedProject:
    """Read a project.

    Args:
        root: the folder with `zalosync.yaml`.
        environment: the environment to use, or None for the project's default.
        now: aware; for what must not be too far ahead, and for waivers.
        offline: nothing will be sent, so any environment does where none is named: the first one.

    Raises:
        UsageError: there is no project here, or no such environment.
        SpecError: with every problem of every file.
    """
    reader = _Reader(root, now)
    project = reader.project()
    policies = reader.policies()
    campaigns = reader.campaigns()
    prices = reader.prices()
    templates = reader.templates()
    reader.problems += cross_problems(reader.documents, policies)
    if reader.problems or project is None:
        raise SpecError(_once(reader.problems))
    name, settings = _environment(project, environment, offline=offline)
    place = reader.place_in_project(("spec", "environments", name))
    found = project_findings(name, settings, campaigns, policies, templates, place, now)
    return LoadedProject(
        root=root,
        name=project.metadata.name,
        spec=project.spec,
        environment_name=name,
        environment=settings,
        campaigns=tuple(sorted(campaigns, key=lambda each: each.name)),
        policies=tuple(sorted(policies, key=lambda each: each.name)),
        prices=prices,
        templates=templates,
        findings=settled(found, [each.policy for each in policies], now),
    )


def read_campaign(
    text: str, *, file: str = "campaign.yaml", timezone: str | None = None, now: datetime
) -> LoadedCampaign:
    """Read one campaign from text, without a project: its hosts and policies are not checked.

    Raises:
        SpecError: with every problem.
    """
    document = read_document(text.encode(), file)
    read = shaped(document, Campaign, Reading(ZoneInfo(timezone) if timezone else None))
    problems = list(read.problems)
    if read.shape is not None:
        problems += _faults(campaign_faults(read.shape, None, file, now), document, problems)
    if problems or read.shape is None:
        raise SpecError(_once(problems))
    return _loaded_campaign(read.shape, document)


class _Reader:
    """Reads the files of one project and collects what is wrong with them."""

    def __init__(self, root: Path, now: datetime) -> None:
        self._root = root
        self._now = now.astimezone(UTC)
        self._project: Project | None = None
        self._reading = Reading()
        self.problems: list[Problem] = []
        self.documents: list[Document] = []  # of campaigns, for names of those that cannot be read
        self._document = Document(file=PROJECT_FILE, lines=())

    def project(self) -> Project | None:
        try:
            data = read_inside(self._root, PROJECT_FILE, max_bytes=MAX_BYTES)
        except FileRefused as error:
            if error.code == "ZS101":
                raise UsageError(
                    f"there is no {PROJECT_FILE} in this folder",
                    fix="run `zalosync init`, or name the project's folder with -C",
                    code="ZS100",
                ) from error
            raise
        self._document = read_document(data, PROJECT_FILE)
        self._project = self._shape(self._document, Project, trusted=True)
        self._check_default_environment()
        zone = self._document.at(("spec", "timezone"))
        if isinstance(zone, str):
            try:
                self._reading = Reading(ZoneInfo(zone))
            except (ZoneInfoNotFoundError, ValueError, OSError):
                # Already a problem of the project file; campaigns are still read, by some zone.
                self._reading = Reading(ZoneInfo("UTC"))
        elif self._project is None:
            self._reading = Reading(ZoneInfo("UTC"))
        return self._project

    def _check_default_environment(self) -> None:
        default = self._document.at(("spec", "defaultEnvironment"))
        environments = self._document.at(("spec", "environments"))
        if not isinstance(default, str) or not isinstance(environments, dict) or default in environments:
            return
        steps: Steps = ("spec", "defaultEnvironment")
        problem = Problem(
            "ZS220",
            self._document.place(steps),
            path_text(steps),
            "there is no environment of this name",
            found=f"`{visible(default)[:60]}`",
            allowed=", ".join(environments),
            meant=near(default, list(environments)),
        )
        self.problems.append(with_source(problem, self._document, show=True))

    def place_in_project(self, steps: Steps) -> Place:
        return self._document.place(steps)

    def campaigns(self) -> list[LoadedCampaign]:
        loaded: list[LoadedCampaign] = []
        for document in self._documents("specs", "Campaign"):
            self.documents.append(document)
            before = len(self.problems)
            campaign = self._shape(document, Campaign)
            if campaign is None:
                continue
            project = self._project.spec if self._project is not None else None
            faults = campaign_faults(campaign, project, document.file, self._now)
            self.problems += _faults(faults, document, self.problems[before:])
            if len(self.problems) == before:
                loaded.append(_loaded_campaign(campaign, document))
        return loaded

    def policies(self) -> list[LoadedPolicy]:
        loaded: list[LoadedPolicy] = []
        for document in self._documents("policies", "Policy"):
            policy = self._shape(document, Policy)
            if policy is None:
                continue
            for index, path in enumerate(policy.spec.suppressions):
                self._check_path(document, ("spec", "suppressions", index), path)
            meaning = policy.model_dump(mode="json", by_alias=True)
            del meaning["spec"]["suppressions"]
            loaded.append(
                LoadedPolicy(document.file, policy.metadata.name, policy, _digest(meaning), document)
            )
        return loaded

    def prices(self) -> Prices | None:
        path = self._document.at(("spec", "prices"))
        if not isinstance(path, str):
            return None
        data = self._named(("spec", "prices"), path)
        return None if data is None else self._shape(read_document(data[1], data[0]), Prices, trusted=True)

    def templates(self) -> Mapping[int, TemplateContract]:
        try:
            data = read_inside(self._root, LOCK_FILE, max_bytes=MAX_BYTES)
        except FileRefused as error:
            if error.code != "ZS101":
                self.problems += error.problems
            return {}
        lock = self._shape(read_document(data, LOCK_FILE), TemplatesLock, trusted=True)
        return {int(name): contract for name, contract in lock.templates.items()} if lock is not None else {}

    def _shape(self, document: Document, model: type[ShapeT], *, trusted: bool = False) -> ShapeT | None:
        read = shaped(document, model, self._reading, trusted=trusted)
        self.problems += read.problems
        return read.shape

    def _documents(self, key: str, kind: str) -> Iterable[Document]:
        for steps, file in self._files(key):
            try:
                data = read_inside(self._root, file, max_bytes=MAX_BYTES)
            except FileRefused as error:
                self.problems.append(self._at(steps, error.code, f"{file}: {error.reason}"))
                continue
            document = read_document(data, file)
            if self._is_kind(document, kind):
                yield document

    def _is_kind(self, document: Document, kind: str) -> bool:
        """Whether the file is of the kind that its list is for; another known kind gets one problem."""
        given = document.at(("kind",))
        lists = {"Campaign": "specs", "Policy": "policies"}
        if given == kind or given not in {"Project", "Campaign", "Policy"}:
            return True
        other = lists.get(str(given))
        mend = f"list it under `{other}` of {PROJECT_FILE}" if other else f"a project has one {PROJECT_FILE}"
        problem = Problem(
            code="ZS140",
            place=document.place(("kind",)),
            path="kind",
            message=f"this file is listed under `{lists[kind]}`, and it is a {given}; {mend}",
            found=f"`{given}`",
            allowed=kind,
        )
        self.problems.append(with_source(problem, document, show=is_ours(document)))
        return False

    def _files(self, key: str) -> list[tuple[Steps, str]]:
        """The files that a list of the project file names, each once, in order of their paths."""
        patterns = self._document.at(("spec", key))
        found: dict[str, Steps] = {}
        for index, pattern in enumerate(patterns if isinstance(patterns, list) else []):
            steps: Steps = ("spec", key, index)
            if not isinstance(pattern, str) or not pattern:
                continue  # the shape says so
            try:
                names = glob_inside(self._root, pattern) if is_glob(pattern) else (inside(pattern),)
            except FileRefused as error:
                self.problems.append(self._at(steps, error.code, error.reason))
                continue
            if not names:
                self.problems.append(
                    self._at(steps, "ZS108", "the pattern matches no file", found=f"`{pattern}`")
                )
            for name in names:
                if name != PROJECT_FILE or not is_glob(pattern):
                    found.setdefault(name, steps)
        if len(found) > MAX_FILES:
            message = f"{len(found):,} files match, at most {MAX_FILES:,} are read"
            self.problems.append(self._at(("spec", key), "ZS108", message))
            return []
        return sorted(((steps, name) for name, steps in found.items()), key=lambda pair: pair[1])

    def _named(self, steps: Steps, path: str) -> tuple[str, bytes] | None:
        try:
            name = inside(path)
            return name, read_inside(self._root, name, max_bytes=MAX_BYTES)
        except FileRefused as error:
            self.problems.append(self._at(steps, error.code, f"{path}: {error.reason}"))
            return None

    def _check_path(self, document: Document, steps: Steps, path: str) -> None:
        try:
            inside(path, named_in=document.file)
        except FileRefused as error:
            problem = Problem(error.code, document.place(steps), path_text(steps), error.reason)
            self.problems.append(with_source(problem, document, show=True))

    def _at(self, steps: Steps, code: str, message: str, found: str = "") -> Problem:
        problem = Problem(code, self._document.place(steps), path_text(steps), message, found=found)
        return with_source(problem, self._document, show=True)


def _environment(project: Project, wanted: str | None, *, offline: bool) -> tuple[str, Environment]:
    environments = project.spec.environments
    name = wanted or project.spec.default_environment
    if name is None and (offline or len(environments) == 1):
        name = next(iter(environments))
    if name is None:
        raise UsageError(
            f"the project has {len(environments)} environments and no `defaultEnvironment`",
            fix=f"name one with --env: {', '.join(environments)}",
            code="ZS221",
        )
    if name not in environments:
        meant = near(name, list(environments))
        raise UsageError(
            "the project has no environment of this name",
            fix=f"did you mean `{meant}`?" if meant else f"it has: {', '.join(environments)}",
            code="ZS221",
        )
    return name, environments[name]


def _faults(faults: Iterable[Fault], document: Document, known: Sequence[Problem]) -> list[Problem]:
    """The faults as problems; those of a value that is already wrong in itself are left out."""
    wrong = {problem.path for problem in known}
    problems: list[Problem] = []
    for fault in faults:
        paths = [path_text(fault.steps), *(path_text(steps) for steps in fault.rests_on)]
        if any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in wrong for path in paths):
            continue
        steps = fault.steps
        if isinstance(steps[-1], int) and document.at(steps) is None:
            steps = steps[:-1]  # `path: a.csv` is a list of one
        key = isinstance(document.at(steps), dict)
        place = document.place(steps, key=key)
        problem = Problem(
            fault.code, place, path_text(steps), fault.message, found=fault.found, allowed=fault.allowed
        )
        problems.append(with_source(problem, document, show=True))
    return problems


def _loaded_campaign(campaign: Campaign, document: Document) -> LoadedCampaign:
    meaning = campaign.model_dump(mode="json", by_alias=True)
    metadata, audience = meaning["metadata"], meaning["spec"]["audience"]
    annotations = {key: metadata.pop(key) for key in ("description", "owner", "labels")}
    # What stands in the files is in the plan under its own digest; where they lie changes nothing.
    del audience["path"], audience["exclude"]
    names = campaign.metadata.previous_names
    return LoadedCampaign(
        file=document.file,
        name=campaign.metadata.name,
        first_name=names[0] if names else campaign.metadata.name,
        campaign=campaign,
        digest=_digest(meaning),
        annotations=annotations,
        document=document,
    )


def _digest(meaning: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(meaning, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _once(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
