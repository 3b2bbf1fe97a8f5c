"""What a plan is bound to of the project's own files, besides campaigns, policies and templates.

Whoever changes one of these after the approval has the plan made and approved again: they say who is sent
from, where reports go, and whose signatures count. Where files lie and how they are written changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from zalosync.compose.message import Keys
from zalosync.plan.history import History
from zalosync.plan.shape import SEND, Plan
from zalosync.plan.signing import allowed_signers, signers_of
from zalosync.spec.loaded import LoadedProject
from zalosync.spec.safe_open import FileRefused


def bound_plan(
    project: LoadedProject,
    keys: Keys,
    reader: History,
    notes: Mapping[str, str],
    *,
    base_url: str,
    now: datetime,
    kind: str = SEND,
    due: bool = False,
    complete: bool = True,
) -> Plan:
    """A plan without campaigns: it says what it is bound to, and nothing else yet.

    Args:
        project: with its policies and environment.
        keys: the project's.
        reader: the ledger.
        notes: of the ledger.
        base_url: of the environment.
        now: aware.
        kind: what is planned.
        due: held messages whose time has come are to be sent, and nothing else.
        complete: False without ledger and key.
    """
    return Plan(
        project.environment_name,
        base_url,
        now,
        notes.get("lineage", ""),
        reader.head(),
        settings=settings_of(project, keys),
        policies=tuple(sorted(loaded.digest for loaded in project.policies)),
        due=due,
        complete=complete,
        key=keys.fingerprint,
        kind=kind,
    )


def settings_of(project: LoadedProject, keys: Keys) -> dict[str, Any]:
    """The settings by their names in the files; those of the environment, then those of the whole project.

    Args:
        project: with the environment to send to.
        keys: for keyed digests of what the files hold.
    """
    environment = project.environment
    signers = {loaded.name: signers_of(loaded) for loaded in project.policies}
    return {
        "apiKey": "" if environment.api_key is None else str(environment.api_key),
        "protected": environment.protected,
        "publicKeys": dict(environment.public_keys),
        "mgf1": environment.mgf1,
        "reportsPath": environment.reports_path,
        "batchSize": environment.batch_size,
        "allowedWebhookHosts": sorted(set(project.spec.allowed_webhook_hosts)),
        "allowedSigners": {
            name: _signers(project, file, keys) for name, file in signers.items() if file is not None
        },
    }


def _signers(project: LoadedProject, file: str, keys: Keys) -> str:
    """A digest of a file of allowed signers; of one that cannot be read, which approves nothing, none."""
    try:
        return keys.input_digest(allowed_signers(project.root, file))
    except FileRefused:
        return ""
