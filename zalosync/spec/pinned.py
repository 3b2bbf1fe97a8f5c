"""Pinned templates: `templates.lock.yaml`, held against campaigns and written by `templates pull`."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from zalosync.spec.document import Steps
from zalosync.spec.meaning import Fault
from zalosync.spec.mismatch import near
from zalosync.spec.model import Campaign
from zalosync.spec.project import TemplateContract

LOCK_FILE = "templates.lock.yaml"
# The contract's list of statuses says ENABLED, its default and its examples say ENABLE.
SENDING_STATUSES = frozenset({"ENABLE", "ENABLED"})


def contract_faults(campaign: Campaign, templates: Mapping[int, TemplateContract]) -> Iterator[Fault]:
    """What a campaign does otherwise than its pinned template says. Lengths are checked row by row later."""
    spec = campaign.spec
    contract = templates.get(spec.template.name)
    if contract is None:
        return
    parameters = contract.parameters
    for name in spec.template_data:
        if parameters and name not in parameters:
            meant = near(name, list(parameters))
            message = f"template {spec.template.name} has no parameter `{name}`"
            steps: Steps = ("spec", "templateData", name)
            yield Fault("ZS231", steps, message, ", ".join(parameters), meant=meant)
    missing = [name for name, each in parameters.items() if each.required and name not in spec.template_data]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        message = f"template {spec.template.name} requires {names}"
        yield Fault("ZS232", ("spec", "templateData"), message, ", ".join(parameters))
    if contract.tag is not None and contract.tag != spec.template.tag:
        message = f"the provider's tag of template {spec.template.name} is another"
        yield Fault("ZS233", ("spec", "template", "tag"), message, contract.tag, f"`{spec.template.tag}`")
    if contract.sender != spec.sender:
        message = f"template {spec.template.name} belongs to another sender"
        yield Fault("ZS234", ("spec", "sender"), message, contract.sender, f"`{spec.sender}`")


def write_templates_lock(root: Path, contracts: Mapping[int, TemplateContract]) -> Path:
    """Write `templates.lock.yaml`: the same contracts always give the same bytes.

    Args:
        root: the project's folder.
        contracts: by template number; what the file held before is replaced.

    Returns:
        The file's path. It is written aside, synced and renamed.
    """
    path = root / LOCK_FILE
    descriptor, aside = tempfile.mkstemp(dir=root, prefix=f".{LOCK_FILE}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(templates_lock_text(contracts))
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(aside, path)  # noqa: PTH105 - one call, atomic
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    return path


def templates_lock_text(contracts: Mapping[int, TemplateContract]) -> str:
    """The text of `templates.lock.yaml`, templates and parameters sorted."""
    templates = CommentedMap()
    for number, contract in sorted(contracts.items()):
        entry = CommentedMap(sender=DoubleQuotedScalarString(contract.sender), status=contract.status)
        for key, value in (("tag", contract.tag), ("displayName", contract.display_name)):
            if value is not None:
                entry[key] = value
        entry["pulledAt"] = f"{contract.pulled_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        entry["parameters"] = CommentedMap(
            (name, CommentedMap(each.model_dump(by_alias=True, exclude_none=True)))
            for name, each in sorted(contract.parameters.items())
        )
        templates[DoubleQuotedScalarString(str(number))] = entry
    yaml = YAML()
    yaml.width = 4096
    stream = StringIO("# Written by `zalosync templates pull`. Commit it: plans are checked against it.\n")
    stream.seek(0, os.SEEK_END)
    yaml.dump(CommentedMap(templates=templates), stream)
    return stream.getvalue()
