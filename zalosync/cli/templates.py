"""`zalosync templates`: the provider's templates, and their contracts pinned in templates.lock.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import AskedProvider, Session
from zalosync.errors import ExitCode, ProviderRefused, SpecError, UsageError

if TYPE_CHECKING:
    from zalosync.infobip.account import Template
    from zalosync.spec.loaded import LoadedProject
    from zalosync.spec.project import TemplateContract

_MOST_DIGITS = 19  # of a 64-bit number
_SETTINGS = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_SETTINGS)
@common
def templates(options: Options) -> None:
    """Pin the contracts of templates; list the provider's templates."""


@templates.command(
    "pull", epilog="Example: zalosync templates pull -e production", context_settings=_SETTINGS
)
@common
def pull(options: Options) -> int:
    """Ask for the contract of every campaign's template and write templates.lock.yaml. Commit it.

    Plans and `validate` are held against that file and never ask themselves. Exit 8 where the provider
    refuses a template: its old contract then stays.
    """
    from zalosync.console import account, documents, text
    from zalosync.spec.pinned import write_templates_lock

    session = Session(options, pinned=False)  # a lock that no longer fits must not keep itself alive
    project = session.project
    before = _pinned(session)
    with session.asked_provider(about_messages=False) as provider:
        pulled = _pull(provider, _wanted(project), before, session)
    if pulled.contracts != before:
        write_templates_lock(project.root, pulled.contracts)
    document = account.pull_document(project.environment_name, before, pulled.contracts, pulled.refused)
    if options.json:
        documents.write(document)
    else:
        text.say(account.pull_lines(document, rehearsal=project.environment.is_sandbox))
    return ExitCode.PROVIDER if pulled.refused else ExitCode.DONE


@templates.command(
    "list", epilog="Example: zalosync templates list -e production", context_settings=_SETTINGS
)
@common
@click.argument("sender", nargs=-1)
def listing(options: Options, *, sender: tuple[str, ...]) -> int:
    """List the provider's templates of SENDERs, or of the campaigns' senders: status, tag, pinned or not."""
    from zalosync.console import account, documents, text

    session = Session(options, pinned=False)
    project = session.project
    used = {(each.campaign.spec.sender, each.campaign.spec.template.name) for each in project.campaigns}
    senders = senders_of(project, sender)
    with session.asked_provider(about_messages=False) as provider:
        found: dict[str, tuple[Template, ...]] = {each: provider.client.templates(each) for each in senders}
    document = account.templates_document(project.environment_name, found, _pinned(session), used)
    if options.json:
        documents.write(document)
    else:
        text.say(account.templates_lines(document))
    return ExitCode.DONE


def senders_of(project: "LoadedProject", named: tuple[str, ...]) -> tuple[str, ...]:
    """The senders that were named, or those of the project's campaigns.

    Raises:
        UsageError: nobody is named and there are no campaigns, or what was named is no sender.
    """
    wrong = [each for each in named if not (each.isascii() and each.isdigit() and len(each) <= _MOST_DIGITS)]
    if wrong:
        raise UsageError("a sender is the Official Account's id: 1 to 19 digits", fix="give its number")
    found = named or sorted({each.campaign.spec.sender for each in project.campaigns})
    if not found:
        raise UsageError("the project has no campaigns that name a sender", fix="give the sender's id")
    return tuple(dict.fromkeys(found))


@dataclass(slots=True)
class _Pulled:
    """What became of it: contracts by template number, and why some were refused."""

    contracts: "dict[int, TemplateContract]" = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)


def _pull(
    provider: AskedProvider,
    wanted: Mapping[int, str],
    before: "Mapping[int, TemplateContract]",
    session: Session,
) -> _Pulled:
    """Each contract; one that says what it said before keeps its date, so that the file stays too."""
    from zalosync.infobip.pinning import pull_contracts

    pulled = _Pulled()
    for number, sender in wanted.items():
        old = before.get(number)
        new = old
        try:
            ((_, new),) = pull_contracts(provider.client, {number: sender}, session.clock.now())
        except ProviderRefused as error:
            pulled.refused[number] = error.message
        if new is not None:
            pulled.contracts[number] = old if old is not None and same(old, new) else new
    return pulled


def same(one: "TemplateContract", other: "TemplateContract") -> bool:
    """Whether two contracts say the same, whenever they were asked for."""
    return one.model_dump(exclude={"pulled_at"}) == other.model_dump(exclude={"pulled_at"})


def _wanted(project: "LoadedProject") -> dict[int, str]:
    """Sender by template number; of two campaigns that differ, the first one's."""
    wanted: dict[int, str] = {}
    for each in project.campaigns:
        wanted.setdefault(each.campaign.spec.template.name, each.campaign.spec.sender)
    if not wanted:
        raise UsageError("the project has no campaigns, so no templates", fix="write a campaign first")
    return dict(sorted(wanted.items()))


def _pinned(session: Session) -> "Mapping[int, TemplateContract]":
    """What is pinned until now; a lock file that cannot be read holds nothing worth keeping."""
    from zalosync.spec.load import pinned_templates

    try:
        return pinned_templates(session.root, session.clock.now())
    except SpecError:
        return {}
