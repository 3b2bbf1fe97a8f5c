"""Who runs a command, from where: what goes into a run's record. Never the arguments."""

import getpass
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zalosync import __version__
from zalosync.infobip.proxy import Way
from zalosync.plan.people import Authors, names_of

_ACTORS = ("ZALOSYNC_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN")
_CI_RUNS = ("GITHUB_RUN_ID", "CI_PIPELINE_ID")
GIT_SECONDS = 30
LOCK = "zalosync.lock"


def who(root: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """Actor, commit, CI run, host, version, and the way to the provider where it is not the plain one."""
    actor = next((environ[name] for name in _ACTORS if environ.get(name)), None)
    return {
        "actor": actor or git(root, "config", "user.email") or _user(),
        "commit": git(root, "rev-parse", "HEAD"),
        "dirty": bool(_changes(root, ".", f":(exclude){LOCK}")),
        "ci_run": next((environ[name] for name in _CI_RUNS if environ.get(name)), None),
        "host": platform.node(),
        "version": __version__,
        **Way.read(environ).record,
    }


def authors(root: Path, files: Iterable[str]) -> Authors:
    """The names and addresses of the Git authors of the last commit that touched each file.

    Whose changes are not committed, nobody can say. Who goes by several names, the history and its mailmap
    tell.
    """
    known: list[str] = []
    missing: list[str] = []
    for file in files:
        format_ = "--format=%an%n%ae%n%aN%n%aE"
        lines = None if _changes(root, file) else git(root, "log", "-1", format_, "--", file)
        if lines is None:
            missing.append(file)
        else:
            known.extend(lines.splitlines())
    people = (git(root, "shortlog", "-se", "HEAD") or "").splitlines()
    alike = {names_of(line.partition("\t")[2]) for line in people}
    return Authors(names_of(*known), tuple(missing), tuple(alike))


def _changes(root: Path, *paths: str) -> str | None:
    """What is not committed of tracked files; `zalosync.lock` is ours to write, and decides nothing."""
    return git(root, "status", "--porcelain", "--untracked-files=no", "--", *paths)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def git(root: Path, *arguments: str) -> str | None:
    """What git says, or None where there is no git, no repository, or where it says nothing."""
    return said(root, *arguments) or None


def said(root: Path, *arguments: str) -> str | None:
    """What git says, be it nothing; None where there is no git or no repository, or it refuses."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.environ.get("HOME", ""),
        "LC_ALL": "C",
    }
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with fixed arguments
            ["git", "-C", str(root), *arguments],  # noqa: S607 - git is where the user's PATH says
            capture_output=True,
            check=False,
            timeout=GIT_SECONDS,
            env=environment,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
