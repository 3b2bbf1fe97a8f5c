"""From the provider's template to the one a project pins."""

from collections.abc import Iterator
from datetime import UTC, datetime

from zalosync.infobip.account import Parameter, Template, TemplateStatus
from zalosync.infobip.pinning import pinned

NOW = datetime(2026, 12, 1, tzinfo=UTC)
SENDER = "4097700000000000001"


def _templates() -> Iterator[Template]:
    yield Template(
        name=322307,
        display_name="Order",
        status=TemplateStatus.ENABLED,
        tag="TRANSACTION",
        parameters=(
            Parameter("code", "STRING", required=True, min_length=1, max_length=30, accept_null=False),
            Parameter("", "", required=False, min_length=None, max_length=None, accept_null=True),
        ),
    )
    yield Template(name=1, tag="SOMETHING_NEW")


def test_a_template_is_pinned_with_all_that_is_checked() -> None:
    """Sender, status, tag, lengths; a parameter without a name is nobody's."""
    whole, bare = (pinned(template, SENDER, NOW) for template in _templates())
    assert (whole.sender, whole.status, whole.tag, whole.display_name) == (
        SENDER,
        "ENABLE",
        "TRANSACTION",
        "Order",
    )
    assert set(whole.parameters) == {"code"}
    code = whole.parameters["code"]
    assert (code.required, code.min_length, code.max_length, code.type) == (True, 1, 30, "STRING")
    assert (bare.status, bare.tag, bare.display_name, bare.parameters) == ("UNKNOWN", None, None, {})
