"""Which campaigns differ from a Git revision: by their specs, their audiences, or what all of them share."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from zalosync.cli.who import said
from zalosync.errors import UsageError
from zalosync.spec.loaded import LoadedCampaign, LoadedProject
from zalosync.spec.safe_open import inside

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./@{}^~+-]{0,200}")
_SHARED = ("zalosync.yaml", "templates.lock.yaml")


def changed_since(
    project: LoadedProject, campaigns: Iterable[LoadedCampaign], reference: str
) -> tuple[LoadedCampaign, ...]:
    """The campaigns whose files, or files of all, were changed since a Git revision, committed or not.

    Raises:
        UsageError: there is no such revision, or no repository.
    """
    changed = _changed(project.root, reference)
    shared = {*_SHARED, *_policy_files(project)}
    if any(_meets(file, shared) for file in changed):
        return tuple(campaigns)
    return tuple(each for each in campaigns if any(_meets(file, _files(each)) for file in changed))


def _changed(root: Path, reference: str) -> set[str]:
    if _REFERENCE.fullmatch(reference) is None:
        raise UsageError("this is not the name of a Git revision", fix="such as main, HEAD~1 or a commit")
    if said(root, "rev-parse", "--git-dir") is None:
        raise UsageError("there is no Git repository here", fix="leave out --changed-since")
    tracked = said(root, "diff", "--name-only", "--relative", "-z", reference, "--")
    if tracked is None:
        raise UsageError(
            "Git knows no such revision here",
            fix="fetch it first: a shallow checkout has only the newest commit",
        )
    untracked = said(root, "ls-files", "--others", "--exclude-standard", "-z") or ""
    return {file for file in (tracked + "\0" + untracked).split("\0") if file}


def _policy_files(project: LoadedProject) -> Iterator[str]:
    if project.spec.prices is not None:
        yield inside(project.spec.prices)
    for loaded in project.policies:
        yield loaded.file
        for path in loaded.policy.spec.suppressions:
            yield inside(path, named_in=loaded.file)
    # A policy that was removed is in no list of those that are there.
    yield from (inside(pattern) for pattern in project.spec.policies)


def _files(loaded: LoadedCampaign) -> set[str]:
    audience = loaded.campaign.spec.audience
    paths = (*audience.path, *audience.exclude)
    return {loaded.file, *(inside(path, named_in=loaded.file) for path in paths)}


def _meets(file: str, patterns: Iterable[str]) -> bool:
    return any(file == pattern or re.fullmatch(_expression(pattern), file) for pattern in patterns)


def _expression(pattern: str) -> str:
    """A glob as a regular expression: `**` is any folders, `*` and `?` stay within one name."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(part, re.escape(part)) for part in parts)
