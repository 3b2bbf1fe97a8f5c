"""A template as the provider has it, in the shape that a project pins: for `templates pull`."""

from collections.abc import Iterator
from datetime import datetime
from typing import get_args

from pydantic import ValidationError

from zalosync.infobip.account import Template
from zalosync.infobip.client import Reader
from zalosync.infobip.exchange import not_an_answer
from zalosync.provider import Malformed
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
        ProviderRefused: a template does not exist, the key may not see it, or it cannot be pinned.
        StoppedEarly: the provider cannot be reached.
    """
    for number, sender in sorted(wanted.items()):
        template = reader.template(sender, number)
        try:
            yield number, pinned(template, sender, pulled_at)
        except ValidationError as error:
            # Its words would quote what the provider said, which may be anything.
            what = f"a contract of template {number} that can be pinned"
            raise not_an_answer(Malformed.SHAPE, reader.host, what) from error


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
