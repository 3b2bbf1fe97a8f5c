"""What a CI job may do, by what started it. A guard rail: the boundary is that no secret is there."""

from collections.abc import Mapping

from zalosync.errors import Blocked

# Events that strangers can cause, or in which code of strangers runs.
_FOREIGN = ("pull_request", "issue_comment", "workflow_run", "discussion")


def started_by(environ: Mapping[str, str]) -> str:
    """The event that started this CI job, if it is one that code from outside can cause; else empty."""
    event = environ.get("GITHUB_EVENT_NAME", "") if environ.get("GITHUB_ACTIONS") == "true" else ""
    if event.startswith(_FOREIGN):
        return event
    if environ.get("CI_PIPELINE_SOURCE") in ("merge_request_event", "external_pull_request_event"):
        return environ["CI_PIPELINE_SOURCE"]
    return ""


def check_job(environ: Mapping[str, str], *, rehearsal: bool) -> None:
    """Refuse to use the project's key in a job that code from outside can cause.

    Args:
        environ: the environment variables.
        rehearsal: nothing can leave this machine: then any job may.

    Raises:
        Blocked: the job was started by such an event.
    """
    event = "" if rehearsal else started_by(environ)
    if event:
        raise Blocked(
            f"this job was started by `{event}`, in which the project's key is not used",
            fix="there, `zalosync plan --preview`; plan and apply in a job of the protected branch",
            code="ZS546",
        )


def check_clean(environ: Mapping[str, str], *, dirty: bool, rehearsal: bool) -> None:
    """Refuse to seal or approve, in CI, what is not in the commit.

    Raises:
        Blocked: files of the checkout were changed.
    """
    if environ.get("CI", "").lower() in ("", "0", "false") or rehearsal or not dirty:
        return
    raise Blocked(
        "the checkout has changes that are not committed, and in CI no plan is sealed or approved from it",
        fix="commit them, or find what writes into the checkout: `git status`",
        code="ZS547",
    )
