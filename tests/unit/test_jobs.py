"""Which CI jobs use the project's key."""

import pytest

from zalosync.cli.jobs import check_clean, check_job, started_by
from zalosync.errors import Blocked


@pytest.mark.parametrize(
    "event",
    [
        "pull_request",
        "pull_request_target",
        "pull_request_review",
        "pull_request_review_comment",
        "issue_comment",
        "workflow_run",
        "discussion_comment",
    ],
)
def test_events_of_strangers(event: str) -> None:
    """No key is used there; on a server of this machine it may be."""
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": event}
    assert started_by(environ) == event
    with pytest.raises(Blocked, match=event) as caught:
        check_job(environ, rehearsal=False)
    assert caught.value.code == "ZS546"
    check_job(environ, rehearsal=True)


@pytest.mark.parametrize("source", ["merge_request_event", "external_pull_request_event"])
def test_pipelines_of_strangers(source: str) -> None:
    """Merge requests of GitLab are the same."""
    assert started_by({"CI_PIPELINE_SOURCE": source}) == source


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GITHUB_EVENT_NAME": "pull_request"},
        {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push"},
        {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "workflow_dispatch"},
        {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "schedule"},
        {"CI_PIPELINE_SOURCE": "push"},
    ],
)
def test_jobs_of_one_s_own(environ: dict[str, str]) -> None:
    """Pushes, schedules, a person's click, and no CI at all."""
    assert not started_by(environ)
    check_job(environ, rehearsal=False)


@pytest.mark.parametrize(
    ("ci", "dirty", "rehearsal", "stops"),
    [
        ("true", True, False, True),
        ("1", True, False, True),
        ("true", False, False, False),
        ("true", True, True, False),
        ("false", True, False, False),
        ("0", True, False, False),
        ("", True, False, False),
    ],
)
def test_changes_that_are_not_committed(ci: str, *, dirty: bool, rehearsal: bool, stops: bool) -> None:
    """In CI they stop what is sealed or approved for an account, and nothing else."""
    if not stops:
        check_clean({"CI": ci}, dirty=dirty, rehearsal=rehearsal)
        return
    with pytest.raises(Blocked, match="not committed"):
        check_clean({"CI": ci}, dirty=dirty, rehearsal=rehearsal)
