"""Read a whole project: every file, every problem at once, each with its place.

`load_project` is the way from files to specs. It opens what the project file names and nothing else, looks
at no clock and no environment variable, and reads no audience.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from zalosync.errors import Problem, SpecError, UsageError
from zalosync.spec.across import cross_problems, project_findings
from zalosync.spec.document import read_document
from zalosync.spec.files import PROJECT_FILE, ProjectFiles
from zalosync.spec.findings import settled
from zalosync.spec.loaded import LoadedCampaign, LoadedPolicy, LoadedProject
from zalosync.spec.meaning import campaign_faults
from zalosync.spec.mismatch import near
from zalosync.spec.model import Campaign
from zalosync.spec.project import Environment, Project, TemplateContract
from zalosync.spec.reader import ProjectReader, loaded_campaign, placed_faults
from zalosync.spec.safe_open import FileRefused
from zalosync.spec.shape import shaped
from zalosync.spec.values import Reading


@dataclass(frozen=True, slots=True)
class Survey:
    """What could be read of a project.

    Attributes:
        project: the project, or None where any file has a problem.
        campaigns: every campaign that could be read at all; those with problems have examples in place of
            required keys that are wrong, so check them only for what no problem is about.
        policies: every policy that could be read at all, likewise.
        problems: of all files, each once.
        files: how many were read.
    """

    project: LoadedProject | None
    campaigns: tuple[LoadedCampaign, ...]
    policies: tuple[LoadedPolicy, ...]
    problems: tuple[Problem, ...]
    files: int


def load_project(
    root: Path, *, environment: str | None, now: datetime, offline: bool = False, pinned: bool = True
) -> LoadedProject:
    """Read a project whose every file is right.

    Args:
        root: the folder with `zalosync.yaml`.
        environment: the environment to use, or None for the project's default.
        now: aware; for what must not be too far ahead, and for waivers.
        offline: nothing will be sent, so any environment does where none is named: the first one.
        pinned: False leaves templates.lock.yaml unread, to write it anew whatever is wrong with it.

    Raises:
        UsageError: there is no project here, or no such environment.
        SpecError: with every problem of every file.
    """
    survey = survey_project(root, environment=environment, now=now, offline=offline, pinned=pinned)
    if survey.project is None:
        raise SpecError(list(survey.problems))
    return survey.project


def survey_project(
    root: Path, *, environment: str | None, now: datetime, offline: bool = False, pinned: bool = True
) -> Survey:
    """Read a project as far as it goes; arguments as `load_project`.

    Raises:
        UsageError: there is no project here, or no such environment.
    """
    try:
        files = ProjectFiles(root)
    except FileRefused as error:
        if error.code != "ZS101":
            raise
        raise UsageError(
            f"there is no {PROJECT_FILE} in this folder",
            fix="run `zalosync init`, or name the project's folder with -C",
            code="ZS100",
        ) from error
    reader = ProjectReader(files, now)
    project = reader.project()
    policies = reader.policies()
    prices = reader.prices()
    templates = reader.templates() if pinned else {}
    campaigns = tuple(sorted(reader.campaigns(templates), key=lambda each: each.name))
    known = reader.problems
    problems = tuple(dict.fromkeys((*known, *cross_problems(reader.documents, policies, known))))
    if problems or project is None:
        return Survey(None, campaigns, tuple(policies), problems, files.read)
    name, settings = _environment(project, environment, offline=offline)
    place = files.place(("spec", "environments", name))
    found = project_findings(name, settings, campaigns, policies, templates, place, now)
    loaded = LoadedProject(
        root=root,
        name=project.metadata.name,
        spec=project.spec,
        environment_name=name,
        environment=settings,
        campaigns=campaigns,
        policies=tuple(sorted(policies, key=lambda each: each.name)),
        prices=prices,
        templates=templates,
        findings=settled(found, [each.policy for each in policies], now),
    )
    return Survey(loaded, campaigns, loaded.policies, (), files.read)


def pinned_templates(root: Path, now: datetime) -> Mapping[int, TemplateContract]:
    """The contracts of templates.lock.yaml by template number, without a look at what is held against them.

    Raises:
        SpecError: with every problem of the file.
        FileRefused: there is no project here.
    """
    reader = ProjectReader(ProjectFiles(root), now)
    templates = reader.templates()
    if reader.problems:
        raise SpecError(reader.problems)
    return templates


def read_campaign(
    text: str, *, file: str = "campaigns/campaign.yaml", timezone: str | None = None, now: datetime
) -> LoadedCampaign:
    """Read one campaign from text, without a project: its hosts and policies are not checked.

    Raises:
        SpecError: with every problem.
    """
    document = read_document(text.encode(), file)
    read = shaped(document, Campaign, Reading(ZoneInfo(timezone) if timezone else None))
    problems = list(read.problems)
    if read.shape is not None:
        problems += placed_faults(campaign_faults(read.shape, None, file, now), document, problems)
    if problems or read.shape is None:
        raise SpecError(list(dict.fromkeys(problems)))
    return loaded_campaign(read.shape, document)


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
