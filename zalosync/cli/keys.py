"""`zalosync keys`: the senders' RSA keys, shown, made by the provider, and pinned in the project file."""

import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from zalosync.cli.key_sizes import remember
from zalosync.cli.options import Options, common
from zalosync.cli.prompt import yes
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, LedgerError, ProviderRefused, UsageError

if TYPE_CHECKING:
    from zalosync.infobip.keys import PublicKey

_SETTINGS = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=_SETTINGS)
@common
def keys(options: Options) -> None:
    """Show, make and pin the RSA keys that values are encrypted with."""


@keys.command("show", epilog="Example: zalosync keys show -e production", context_settings=_SETTINGS)
@common
@click.argument("sender", nargs=-1)
def show(options: Options, *, sender: tuple[str, ...]) -> int:
    """Show the keys of SENDERs, or of the campaigns' senders: fingerprint, size, what fits, pinned or not."""
    session = Session(options)
    _show(session, _asked(session, sender))
    return ExitCode.DONE


@keys.command(
    "create", epilog="Example: zalosync keys create 4097700000000000001", context_settings=_SETTINGS
)
@common
@click.argument("sender")
def create(options: Options, *, sender: str) -> int:
    """Have the provider make SENDER's key pair, once; where there is one already, nothing is changed."""
    from zalosync.cli.templates import senders_of

    session = Session(options)
    (named,) = senders_of(session.project, (sender,))
    with session.provider() as provider:
        key = provider.client.public_key(named) or provider.client.create_public_key(named)
    remember(session.key_sizes, {named: key})
    _show(session, {named: key})
    return ExitCode.DONE


@keys.command("pin", epilog="Example: zalosync keys pin -e production", context_settings=_SETTINGS)
@common
@click.argument("sender", nargs=-1)
@click.option(
    "--fingerprint",
    metavar="SHA256",
    help="What the key must be, as you were told by another way; then nothing is asked.",
)
def pin(options: Options, *, sender: tuple[str, ...], fingerprint: str | None) -> int:
    """Write the keys' fingerprints into `publicKeys` of zalosync.yaml, comments kept. Commit it.

    From then on, plans and runs refuse any other key. Exit 8 where a key is not the one of --fingerprint.
    """
    session = Session(options)
    found = _asked(session, sender)
    missing = [each for each, key in found.items() if key is None]
    if missing:
        raise ProviderRefused(
            f"sender {missing[0]} has no RSA key yet", fix=f"zalosync keys create {missing[0]}", code="ZS821"
        )
    present = {each: key for each, key in found.items() if key is not None}
    if fingerprint is not None:
        _check_told(present, fingerprint)
    elif not _agreed(session, present):
        return ExitCode.INTERRUPTED
    pinned = {each: key.fingerprint for each, key in present.items()}
    _write(session, pinned)
    if options.json or fingerprint is not None:
        _show(Session(options), found)
    return ExitCode.DONE


def _asked(session: Session, named: tuple[str, ...]) -> "dict[str, PublicKey | None]":
    from zalosync.cli.templates import senders_of

    senders = senders_of(session.project, named)
    with session.asked_provider(about_messages=False) as provider:
        found = {each: provider.client.public_key(each) for each in senders}
    remember(session.key_sizes, {each: key for each, key in found.items() if key is not None})
    return found


def _check_told(found: "dict[str, PublicKey]", fingerprint: str) -> None:
    told = fingerprint.lower().removeprefix("sha256:").replace(":", "")
    for sender, key in found.items():
        if key.fingerprint != f"sha256:{told}":
            raise ProviderRefused(
                f"the RSA key of sender {sender} is {key.fingerprint}, not the one of --fingerprint",
                fix="ask the provider which key is right; nothing was pinned",
                code="ZS820",
            )


def _agreed(session: Session, found: "dict[str, PublicKey]") -> bool:
    """Show what would be trusted, and ask."""
    pinned = session.project.environment.public_keys
    if all(pinned.get(sender) == key.fingerprint for sender, key in found.items()):
        return True
    if not sys.stdin.isatty() or session.options.json:
        raise UsageError(
            "there is no terminal to ask whether these keys are right",
            fix="give --fingerprint SHA256 as the provider told it by another way",
        )
    _show(session, dict(found))
    return yes("Compare each fingerprint with what the provider tells by another way. Pin them?")


def _write(session: Session, pinned: dict[str, str]) -> None:
    from zalosync.cli.fmt import replace
    from zalosync.cli.session import PROJECT_FILE
    from zalosync.spec.document import MAX_BYTES
    from zalosync.spec.pin_key import with_public_key
    from zalosync.spec.safe_open import read_inside

    project = session.project
    before = read_inside(project.root, PROJECT_FILE, max_bytes=MAX_BYTES)
    data = before
    for sender, fingerprint in pinned.items():
        if project.environment.public_keys.get(sender) != fingerprint:
            data = with_public_key(data, PROJECT_FILE, project.environment_name, sender, fingerprint).encode()
    if data != before:
        replace(project.root / PROJECT_FILE, data.decode())
        click.echo(f"{PROJECT_FILE} is written: look at its diff, and commit it.", err=True)
    else:
        click.echo(f"{PROJECT_FILE} has them already.", err=True)


def _show(session: Session, found: "dict[str, PublicKey | None]") -> None:
    from zalosync.console import account, documents, text

    environment, seen = session.project.environment, _seen(session)
    document: dict[str, Any] = {
        "environment": session.project.environment_name,
        "keys": [
            {
                "sender": sender,
                "fingerprint": key.fingerprint if key else None,
                "bits": key.bits if key else None,
                "value_bytes": key.budget if key else None,
                "mgf1": environment.mgf1,
                "pinned": environment.public_keys.get(sender),
                "seen_before": seen.get(sender),
            }
            for sender, key in found.items()
        ],
    }
    if session.options.json:
        documents.write(document)
    else:
        text.say(account.keys_lines(document))


def _seen(session: Session) -> dict[str, str]:
    """The fingerprints that earlier runs used, where there is a ledger that can be read."""
    from zalosync.cli.senders import NOTE

    try:
        if not session.home.path.exists():
            return {}
        with session.reader() as reader:
            notes = reader.notes()
    except (LedgerError, UsageError):  # `doctor` tells of it
        return {}
    return {name.removeprefix(NOTE): value for name, value in notes.items() if name.startswith(NOTE)}
