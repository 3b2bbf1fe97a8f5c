"""A template as the provider has it, in the shape that a project pins: for `templates pull`."""

from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from zalosync.infobip.account import Template
from zalosync.infobip.client import Reader
from zalosync.spec.project import TemplateContract
from zalosync.spec.values import Tag


def pull_contracts(
    reader: Reader, wanted: dict[int, str], pulled_at: datetime
) -> Iterator[tuple[int, TemplateContract]]:
    """The contracts of these templates, one call each.

    Args:
        reader: of the environment.
        wanted: sender by template number.
        pulled_at: now, aware.

    Raises:
        ProviderRefused: a template does not exist or the key may not see it.
        StoppedEarly: the provider cannot be reached.
    """
    for number, sender in sorted(wanted.items()):
        yield number, pinned(reader.template(sender, number), sender, pulled_at)


def pinned(template: Template, sender: str, pulled_at: datetime) -> TemplateContract:
    """The contract of a template; parameters whose name is empty cannot be meant by anybody."""
    return TemplateContract.model_validate(
        {
            "sender": sender,
            "status": template.status.value,
            "tag": template.tag if template.tag in get_args(Tag) else None,
            "displayName": template.display_name or None,
            "pulledAt": pulled_at,
            "parameters": {
                each.name: {
                    "required": each.required,
                    "minLength": each.min_length,
                    "maxLength": each.max_length,
                    "type": each.type or None,
                    "acceptNull": each.accept_null,
                }
                for each in template.parameters or ()
                if each.name
            },
        }
    )
