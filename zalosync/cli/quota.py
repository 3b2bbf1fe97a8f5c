"""`zalosync quota`: what each sender may still send today and this month."""

from typing import TYPE_CHECKING

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, ProviderRefused

if TYPE_CHECKING:
    from zalosync.infobip.account import Quota


@click.command(
    epilog="Example: zalosync quota -e production", context_settings={"help_option_names": ["-h", "--help"]}
)
@common
@click.argument("sender", nargs=-1)
def quota(options: Options, *, sender: tuple[str, ...]) -> int:
    """Show what SENDERs, or the campaigns' senders, may still send: today, and of promotions this month.

    The call is early access: not every account has it. Exit 8 where the provider tells nothing at all.
    """
    from zalosync.cli.templates import senders_of
    from zalosync.console import account, documents, text
    from zalosync.plan.timing import ZONE

    session = Session(options)
    found: dict[str, Quota | str] = {}
    with session.asked_provider(about_messages=False) as provider:
        for each in senders_of(session.project, sender):
            try:
                found[each] = provider.client.quota(each)
            except ProviderRefused as error:
                found[each] = str(error)
    now = session.clock.now()
    day = f"{now.astimezone(ZONE):%Y-%m-%d}"
    document = account.quota_document(session.project.environment_name, found, str(ZONE), day, now)
    if options.json:
        documents.write(document)
    else:
        text.say(account.quota_lines(document))
    return ExitCode.PROVIDER if all(isinstance(each, str) for each in found.values()) else ExitCode.DONE
