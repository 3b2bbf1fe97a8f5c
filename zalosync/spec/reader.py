"""From the files of a project to checked shapes: reads each kind, collects every problem of all of them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from zalosync.errors import Problem
from zalosync.spec.document import Document, Steps, path_text
from zalosync.spec.files import ProjectFiles
from zalosync.spec.loaded import LoadedCampaign, LoadedPolicy
from zalosync.spec.meaning import Fault, campaign_faults
from zalosync.spec.mismatch import near
from zalosync.spec.model import Campaign
from zalosync.spec.pinned import LOCK_FILE, contract_faults
from zalosync.spec.policy import Policy
from zalosync.spec.project import Prices, Project, TemplateContract, TemplatesLock
from zalosync.spec.safe_open import FileRefused, inside
from zalosync.spec.shape import shaped
from zalosync.spec.shown import visible, with_source
from zalosync.spec.values import Reading, Shape

ShapeT = TypeVar("ShapeT", bound=Shape)

_UTC = Reading(ZoneInfo("UTC"))


class ProjectReader:
    """Reads the shapes of one project and collects what is wrong with them.

    What has problems is still read as far as it goes, so that one run tells everything.
    """

    def __init__(self, files: ProjectFiles, now: datetime) -> None:
        self._files = files
        self._now = now.astimezone(UTC)
        self._project: Project | None = None
        self._reading = Reading()
        self._problems: list[Problem] = []
        self.documents: list[Document] = []  # of campaigns, for names of those that cannot be read

    @property
    def problems(self) -> list[Problem]:
        """Every problem so far."""
        return [*self._files.problems, *self._problems]

    def project(self) -> Project | None:
        """The project file."""
        document = self._files.project
        self._project = self._shape(document, Project, trusted=True)
        self._check_default_environment(document)
        zone = document.at(("spec", "timezone"))
        if isinstance(zone, str):
            try:
                self._reading = Reading(ZoneInfo(zone))
            except (ZoneInfoNotFoundError, ValueError, OSError):
                self._reading = _UTC  # a problem of the project file; campaigns are read all the same
        elif self._project is None:
            self._reading = _UTC
        return self._project

    def campaigns(self, templates: Mapping[int, TemplateContract]) -> list[LoadedCampaign]:
        """Every campaign, also those with problems as far as they could be read."""
        loaded: list[LoadedCampaign] = []
        project = self._project.spec if self._project is not None else None
        for document in self._files.documents("Campaign"):
            self.documents.append(document)
            before = len(self._problems)
            campaign = self._shape(document, Campaign)
            if campaign is None:
                continue
            faults = chain(
                campaign_faults(campaign, project, document.file, self._now),
                contract_faults(campaign, templates),
            )
            self._problems += placed_faults(faults, document, self._problems[before:])
            loaded.append(loaded_campaign(campaign, document))
        return loaded

    def policies(self) -> list[LoadedPolicy]:
        """Every policy, also those with problems as far as they could be read."""
        loaded: list[LoadedPolicy] = []
        for document in self._files.documents("Policy"):
            before = len(self._problems)
            policy = self._shape(document, Policy)
            if policy is None:
                continue
            faults = _policy_paths(policy, document.file)
            self._problems += placed_faults(faults, document, self._problems[before:])
            loaded.append(_loaded_policy(policy, document))
        return loaded

    def prices(self) -> Prices | None:
        """The file that `prices` names."""
        document = self._files.named(("spec", "prices"))
        return None if document is None else self._shape(document, Prices, trusted=True)

    def templates(self) -> Mapping[int, TemplateContract]:
        """The pinned contracts, by template number; empty without a lock file that is right."""
        document = self._files.beside(LOCK_FILE)
        before = len(self._problems)
        lock = None if document is None else self._shape(document, TemplatesLock, trusted=True)
        if lock is None or len(self._problems) > before:
            return {}
        return {int(name): each for name, each in lock.templates.items()}

    def _shape(self, document: Document, model: type[ShapeT], *, trusted: bool = False) -> ShapeT | None:
        read = shaped(document, model, self._reading, trusted=trusted)
        self._problems += read.problems
        return read.shape

    def _check_default_environment(self, document: Document) -> None:
        steps: Steps = ("spec", "defaultEnvironment")
        default, environments = document.at(steps), document.at(("spec", "environments"))
        if not isinstance(default, str) or not isinstance(environments, dict) or default in environments:
            return
        problem = Problem(
            "ZS220",
            document.place(steps),
            path_text(steps),
            "there is no environment of this name",
            found=f"`{visible(default)[:60]}`",
            allowed=", ".join(environments),
            meant=near(default, list(environments)),
        )
        self._problems.append(with_source(problem, document, show=True))


def placed_faults(faults: Iterable[Fault], document: Document, known: Sequence[Problem]) -> list[Problem]:
    """The faults as problems; those that rest on a value already known to be wrong are left out."""
    wrong = {problem.path for problem in known}
    problems: list[Problem] = []
    for fault in faults:
        paths = [path_text(steps) for steps in (fault.steps, *fault.rests_on)]
        if any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in wrong for path in paths):
            continue
        steps = fault.steps
        if isinstance(steps[-1], int) and document.at(steps) is None:
            steps = steps[:-1]  # `path: a.csv` is a list of one
        problem = Problem(
            fault.code,
            document.place(steps, key=isinstance(document.at(steps), dict)),
            path_text(steps),
            fault.message,
            found=fault.found,
            allowed=fault.allowed,
            meant=fault.meant,
        )
        problems.append(with_source(problem, document, show=True))
    return problems


def _policy_paths(policy: Policy, file: str) -> Iterable[Fault]:
    for index, path in enumerate(policy.spec.suppressions):
        try:
            inside(path, named_in=file)
        except FileRefused as error:
            yield Fault(error.code, ("spec", "suppressions", index), error.reason)


def loaded_campaign(campaign: Campaign, document: Document) -> LoadedCampaign:
    """A campaign with its digest: of its meaning, with defaults, without notes and places of files."""
    meaning = campaign.model_dump(mode="json", by_alias=True)
    metadata, audience = meaning["metadata"], meaning["spec"]["audience"]
    annotations = {key: metadata.pop(key) for key in ("description", "owner", "labels")}
    # What stands in the files is in the plan under its own digest; where they lie
    # and how they are written changes nothing.
    del audience["path"], audience["exclude"], audience["encoding"]
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


def _loaded_policy(policy: Policy, document: Document) -> LoadedPolicy:
    meaning = policy.model_dump(mode="json", by_alias=True)
    # Where lists and signers lie is not bound; whose signatures count is, by what the file holds.
    del meaning["spec"]["suppressions"], meaning["spec"]["allowedSigners"]
    return LoadedPolicy(document.file, policy.metadata.name, policy, _digest(meaning), document)


def _digest(meaning: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(meaning, option=orjson.OPT_SORT_KEYS)).hexdigest()
