"""`zalosync approve`: a named person's yes to exactly one plan."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import Blocked, ExitCode, UsageError

if TYPE_CHECKING:
    from zalosync.plan.approve import Approval
    from zalosync.plan.bundle import Sealed

_PHONE_LIKE = re.compile(r"\d[\d .()/-]{7,}\d")
_NAME_LENGTH, _REASON_LENGTH = 200, 1000


@click.command(
    epilog="Example: zalosync approve release.zsplan --as lan@example.vn --reason 'checked with sales'",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, help="Who approves.")
@click.option("--reason", default="", help="Why; kept with the history, never personal data.")
@click.option(
    "--sign",
    "key",
    metavar="KEYFILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Sign with this SSH key (`ssh-keygen -Y sign`).",
)
def approve(options: Options, *, file: Path, name: str, reason: str, key: Path | None) -> int:
    """Approve a sealed plan. The approval is of its digest: any other plan needs its own."""
    from dataclasses import replace

    from zalosync.cli.jobs import check_clean, check_job
    from zalosync.cli.who import who
    from zalosync.plan.approval_file import add_approval
    from zalosync.plan.approve import approval_of
    from zalosync.plan.bundle import unseal
    from zalosync.plan.signing import sign
    from zalosync.spec.project import is_rehearsal

    checked_reason(reason)
    session = Session(options)
    sealed = unseal(file, session.keys)
    rehearsal = is_rehearsal(sealed.meaning["base_url"])
    check_job(session.environ, rehearsal=rehearsal)
    origin = who(session.root, session.environ)
    check_clean(session.environ, dirty=origin["dirty"], rehearsal=rehearsal)
    commit, actor = str(origin["commit"] or ""), str(origin["actor"] or "")
    approval = approval_of(sealed, _checked_name(name), reason, commit, actor, session.clock.now())
    # The policies are those of the plan's environment, whatever the project's default is.
    environment = str(sealed.meaning["environment"])
    there = Session(replace(options, environment=environment), session.environ, session.clock)
    _check_author(there, sealed, approval)
    if key is not None:
        approval = replace(approval, signature=sign(key, approval.signed_bytes))
    _check_signature(there, sealed, approval)
    new = add_approval(file, sealed, session.keys, approval)
    if new and key is None:
        _tell_if_known(there, file, sealed, approval)
    signed = " and signed" if key is not None else ""
    again = "" if new else " before: nothing was added"
    if options.json:
        from zalosync.console import documents

        documents.write(
            {"digest": sealed.digest, "name": approval.name, "at": approval.at, "signed": key is not None}
        )
    else:
        click.echo(f"approved{signed} by {approval.name}{again}: {sealed.digest}")
    return ExitCode.DONE


def _check_author(session: Session, sealed: "Sealed", approval: "Approval") -> None:
    """Refuse at once what `apply` would not count: an author's yes where a policy asks for somebody else's.

    Raises:
        Blocked: the person is an author of a campaign of the plan.
    """
    from zalosync.plan.approve import approvals_needed, useless_of_authors

    if not useless_of_authors(approvals_needed(session.project, sealed.contacts)):
        return
    if session.authors(sealed.meaning["campaigns"]).include(approval.name, approval.actor):
        raise Blocked(
            "you are an author of a campaign of this plan, and a policy asks for somebody else's approval",
            fix="have it approved by who did not write it",
            code="ZS548",
        )


def _check_signature(session: Session, sealed: "Sealed", approval: "Approval") -> None:
    """Refuse at once what `apply` would not count: a yes without a good signature where all are to be signed.

    Raises:
        Blocked: it is not signed, or with a key that the policy's signers do not have for this name.
        UsageError: the file of signers cannot be read.
    """
    from zalosync.plan.approve import approvals_needed
    from zalosync.plan.signing import verified

    needed = approvals_needed(session.project, sealed.contacts)
    files = {rule.signers for rule in needed if rule.signed and rule.signers is not None}
    if not files or (not approval.signature and not all(rule.signed for rule in needed)):
        return
    given = approval.name, approval.signed_bytes, approval.signature
    if any(verified(session.root, signers, *given) for signers in files):
        return
    listed = ", ".join(sorted(files))
    signed = f"{listed} does not have the key of this signature for {approval.name}, as a policy asks"
    raise Blocked(
        signed if approval.signature else f"a policy asks for a signature with a key of {listed}",
        fix="give --sign the file of your key, and --as the name that the file of signers has beside it",
        code="ZS550",
    )


def _tell_if_known(session: Session, file: Path, sealed: "Sealed", approval: "Approval") -> None:
    """Say so where `apply` will take this approval for one more of somebody who gave one."""
    from zalosync.events import Warned
    from zalosync.plan.approval_file import read_approvals
    from zalosync.plan.approve import is_of, people_of

    authors = session.authors(())  # for the names that Git has beside each other
    given = [each for each in read_approvals(file, session.keys) if is_of(each, sealed)]
    before = [each for each in given if each != approval]
    unsigned = (None, authors, lambda *_: "")
    if people_of(given, *unsigned) == people_of(before, *unsigned):
        with session.reporter() as emit:
            emit(Warned("ZS549", "by name, user or Git this is somebody who approved the plan before"))


def _checked_name(name: str) -> str:
    """A name as it may be kept.

    Raises:
        UsageError: there is none, it is too long, or holds what cannot be seen.
    """
    name = " ".join(name.split())
    if not name or len(name) > _NAME_LENGTH or not name.isprintable():
        raise UsageError("this is no name", fix="give --as a name or an e-mail address, in one line")
    return name


def checked_reason(reason: str) -> str:
    """A reason as it may be kept.

    Raises:
        UsageError: it is long, or holds what looks like a phone number; reasons are kept with the history.
    """
    if len(reason) > _REASON_LENGTH:
        raise UsageError(f"the reason has more than {_REASON_LENGTH:,} characters", fix="say it in short")
    if _PHONE_LIKE.search(reason):
        raise UsageError(
            "the reason holds what looks like a phone number, and reasons are kept",
            fix="say it without personal data",
        )
    return reason
