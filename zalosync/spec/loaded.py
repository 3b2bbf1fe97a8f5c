"""What a project is once it is read: frozen records that plan, apply and the commands work with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zalosync.errors import Place, Problem, UsageError
from zalosync.spec.document import Document, Steps, parse_path, path_text, place_of
from zalosync.spec.findings import Finding
from zalosync.spec.mismatch import near, some_of
from zalosync.spec.model import Campaign
from zalosync.spec.policy import Policy
from zalosync.spec.project import Environment, Prices, ProjectSpec, TemplateContract
from zalosync.spec.shown import visible, with_source
from zalosync.spec.within import place_within

MAX_FOUND = 60  # characters of what stands there

_NAMED = 10  # campaigns that an error names


@dataclass(frozen=True, slots=True)
class LoadedCampaign:
    """One campaign as read.

    Attributes:
        file: path from the project's folder.
        name: of the campaign.
        first_name: by which its messages are identified: the oldest of `previousNames`, else its name.
        campaign: as written, with defaults.
        digest: SHA-256 (hex) of its meaning. Comments, order of keys, white space, spellings of one time or
            duration, descriptions and paths of files change nothing.
        annotations: description, owner and labels, which are not in the digest.
        document: the file with its positions.
    """

    file: str
    name: str
    first_name: str
    campaign: Campaign
    digest: str
    annotations: Mapping[str, Any]
    document: Document = field(repr=False, compare=False)

    def place(self, path: str | Steps) -> Place:
        """Where a key stands, such as `spec.audience.phone`; the nearest part above where it is absent."""
        return place_of(self.document, path)

    def problem(self, code: str, path: str | Steps, message: str, **more: str) -> Problem:
        """A problem of this file with its place and source line; `more` is found, allowed or meant."""
        text = path if isinstance(path, str) else path_text(path)
        bare = Problem(code=code, place=self.place(path), path=text, message=message, **more)
        return with_source(bare, self.document, show=True)

    def problem_within(
        self, code: str, path: str, message: str, *, line: int, column: int, found: str, **more: str
    ) -> Problem:
        """As `problem`, for a word of a text: `line` and `column` count in it, `found` stands there."""
        place = place_within(self.document, parse_path(path), line, column, found)
        told = f"`{visible(found)[:MAX_FOUND]}`" if found else ""
        bare = Problem(code=code, place=place, path=path, message=message, found=told, **more)
        return with_source(bare, self.document, show=True)


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """One policy as read; `digest` as of campaigns."""

    file: str
    name: str
    policy: Policy
    digest: str
    document: Document = field(repr=False, compare=False)

    def place(self, path: str | Steps) -> Place:
        """Where a key stands; the nearest part above where it is absent."""
        return place_of(self.document, path)

    def problem(self, code: str, path: str, message: str, **more: str) -> Problem:
        """A problem of this file with its place and source line; `more` is found, allowed or meant."""
        bare = Problem(code=code, place=self.place(path), path=path, message=message, **more)
        return with_source(bare, self.document, show=True)


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """A project whose every file is right.

    Attributes:
        root: the project's folder.
        name: of the project.
        spec: the project file.
        environment_name: the chosen environment.
        environment: its settings.
        campaigns: sorted by name.
        policies: sorted by name.
        prices: None where the project names none.
        templates: the pinned contracts by template number.
        findings: what need not stop anything, or what policies make an error of.
    """

    root: Path
    name: str
    spec: ProjectSpec
    environment_name: str
    environment: Environment
    campaigns: tuple[LoadedCampaign, ...]
    policies: tuple[LoadedPolicy, ...]
    prices: Prices | None
    templates: Mapping[int, TemplateContract]
    findings: tuple[Finding, ...]

    def campaign(self, name: str) -> LoadedCampaign:
        """The campaign of a name.

        Raises:
            UsageError: there is none; says which is near.
        """
        for each in self.campaigns:
            if each.name == name:
                return each
        meant = near(name, [each.name for each in self.campaigns])
        there = some_of(sorted(each.name for each in self.campaigns), _NAMED) or "none"
        fix = f"did you mean `{meant}`?" if meant else f"there are: {there}"
        raise UsageError("there is no campaign of this name", fix=fix, code="ZS222")
