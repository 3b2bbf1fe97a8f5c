"""Approvals: named people's yes to exactly one plan, kept in a file beside it and in the ledger when applied.

A file of JSON lines, each under a MAC by the project's key: who cannot make a plan cannot approve one. Names
are as said; where a policy wants more, an approval is signed with the person's own SSH key.
"""

import hmac
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from zalosync.compose.message import Keys
from zalosync.errors import Blocked, PlanRefused
from zalosync.ledger.chain import canonical
from zalosync.plan.authors import Authors, folded
from zalosync.plan.bundle import Sealed
from zalosync.plan.signing import signers_of
from zalosync.spec.loaded import LoadedProject

SUFFIX = ".approvals"
MAX_BYTES = 2**20
_FIX = "`zalosync approve FILE --as NAME`, by as many people"


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes.

    Attributes:
        digest: of the plan.
        name: of the person, as said.
        at: ISO 8601, UTC.
        reason: as said; never personal data.
        commit: of the person's checkout, where there is one.
        actor: who ran the command, as far as the machine or CI says.
        signature: by the person's SSH key over all of the above, armoured; empty where there is none.
    """

    digest: str
    name: str
    at: str
    reason: str = ""
    commit: str = ""
    actor: str = ""
    signature: str = ""

    @property
    def signed_bytes(self) -> bytes:
        """What a signature is over."""
        return canonical({name: value for name, value in asdict(self).items() if name != "signature"})


@dataclass(frozen=True, slots=True)
class Needed:
    """What one rule asks for.

    Attributes:
        count: of different people.
        by: which rule, for people.
        not_author: none of them may be an author of a campaign of the plan.
        signed: each approval must be signed.
        signers: the policy's file of allowed signers, from the project's root; None: it names none.
    """

    count: int
    by: str
    not_author: bool = False
    signed: bool = False
    signers: str | None = None


Verify = Callable[[Approval, str], bool]


def approvals_path(plan: Path) -> Path:
    """Where the approvals of a plan's file are."""
    return plan.with_name(plan.name + SUFFIX)


def add_approval(plan: Path, sealed: Sealed, keys: Keys, approval: Approval) -> bool:
    """Append an approval, synced. The same person's second yes to the same plan changes nothing: False."""
    for each in read_approvals(plan, keys):
        same = (each.digest, folded(each.name)) == (approval.digest, folded(approval.name))
        if same and _is_of(each, sealed) and bool(each.signature) >= bool(approval.signature):
            return False
    line = canonical({**asdict(approval), "mac": _mac(keys, approval)}) + b"\n"
    descriptor = os.open(approvals_path(plan), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    return True


def read_approvals(plan: Path, keys: Keys) -> tuple[Approval, ...]:
    """The approvals beside a plan.

    Raises:
        PlanRefused: a line was changed, or made with another key.
    """
    path = approvals_path(plan)
    if not path.exists():
        return ()
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise PlanRefused(f"{path.name} is too large", fix="have the plan approved again", code="ZS542")
    found = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            fields = json.loads(line)
            mac = str(fields.pop("mac"))
            approval = Approval(**{name: str(value) for name, value in fields.items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _changed(path, number) from error
        if not hmac.compare_digest(mac, _mac(keys, approval)):
            raise _changed(path, number)
        found.append(approval)
    return tuple(found)


def check_approved(
    sealed: Sealed,
    approvals: Iterable[Approval],
    needed: Sequence[Needed],
    authors: Authors,
    verify: Verify,
    platform: Approval | None = None,
) -> tuple[Approval, ...]:
    """The approvals of exactly this plan, if they are enough.

    Args:
        sealed: the plan. Only yeses that came after it was made count.
        approvals: of its file.
        needed: what rules ask.
        authors: of its campaigns.
        verify: whether an approval's signature is of an allowed signer for its name, by that file.
        platform: the yes of the CI system's protected environment, if this job runs in one. It counts as one
            person where nothing is asked about who that is: nobody signed, and who it was is not known.

    Raises:
        Blocked: too few, or too few of whom a rule asks.
    """
    given = tuple(approvals)
    own = tuple(each for each in given if _is_of(each, sealed))
    for rule in needed:
        if rule.not_author and authors.missing:
            raise Blocked(
                f"nobody can say who wrote {', '.join(authors.missing[:3])}, and {rule.by} asks for others",
                fix="apply from a full Git checkout in which the campaigns are committed",
                code="ZS543",
            )
        if rule.signed and rule.signers is None:
            raise Blocked(
                f"{rule.by} asks for signed approvals, and the policy names no allowedSigners",
                fix="write `allowedSigners: FILE`, a file as ssh-keygen reads it",
                code="ZS544",
            )
        counted = [each for each in own if _counts(each, rule, authors, verify)]
        people = {folded(each.name) for each in counted}
        if platform is not None and not rule.signed and not rule.not_author:
            people.add(platform.name)
        if len(people) < rule.count:
            raise _too_few(rule, len(people), given, own, counted)
    return own if platform is None else (*own, platform)


def _is_of(approval: Approval, sealed: Sealed) -> bool:
    """Whether a yes is to this plan: to its digest, and said after it was made."""
    made = datetime.fromisoformat(sealed.document["created_at"])
    return approval.digest == sealed.digest and datetime.fromisoformat(approval.at) >= made


def _counts(approval: Approval, rule: Needed, authors: Authors, verify: Verify) -> bool:
    if rule.not_author and authors.include(approval.name, approval.actor):
        return False
    return not rule.signed or (rule.signers is not None and verify(approval, rule.signers))


def _too_few(
    rule: Needed, people: int, given: Sequence[Approval], own: Sequence[Approval], counted: Sequence[Approval]
) -> Blocked:
    wanted = "approval" if rule.count == 1 else "approvals"
    whose = " that are signed" if rule.signed else ""
    whose += " of somebody who is not an author of it" if rule.not_author else ""
    rest = []
    if len(given) > len(own):
        rest.append(f"{len(given) - len(own)} here are of another plan, or older than it")
    if len(own) > len(counted):
        rest.append(f"{len(own) - len(counted)} do not count")
    more = f"; {', '.join(rest)}" if rest else ""
    return Blocked(
        f"the plan needs {rule.count} {wanted}{whose} and has {people} ({rule.by}){more}",
        fix=_FIX + (", with --sign KEYFILE" if rule.signed else ""),
        code="ZS541",
    )


def approval_of(sealed: Sealed, name: str, reason: str, commit: str, actor: str, now: datetime) -> Approval:
    """A yes to a plan, now.

    Raises:
        PlanRefused: the plan has expired.
    """
    if now >= sealed.expires_at:
        raise PlanRefused("the plan has expired", fix="plan again", code="ZS536")
    return Approval(sealed.digest, name, f"{now:%Y-%m-%dT%H:%M:%SZ}", reason, commit, actor)


def approvals_needed(project: LoadedProject, to_send: int) -> list[Needed]:
    """What a plan of this size needs; without a policy a protected environment needs one approval."""
    needed = [
        Needed(
            rule.count,
            f"above {rule.above:,} messages, approvals in {loaded.file}",
            rule.not_author,
            rule.signed,
            signers_of(loaded),
        )
        for loaded in project.policies
        for rule in loaded.policy.spec.approvals
        if to_send > rule.above
    ]
    said = any(loaded.policy.spec.approvals for loaded in project.policies)
    if project.environment.protected and not said:
        needed.append(Needed(1, f"environment {project.environment_name} is protected"))
    return needed


def platform_approval(environ: Mapping[str, str], digest: str, now: datetime) -> Approval | None:
    """The yes of the CI system's protected environment in which this job runs, as its variables tell.

    Nothing proves them to us: whoever has the job's secrets could set them. They are recorded as they are.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        system, name = "github", environ.get("ZALOSYNC_CI_ENVIRONMENT", "")
        run, actor = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_ACTOR", "")
    elif environ.get("GITLAB_CI") == "true":
        system, name = "gitlab", environ.get("CI_ENVIRONMENT_NAME", "")
        run, actor = environ.get("CI_PIPELINE_ID", ""), environ.get("GITLAB_USER_LOGIN", "")
    else:
        return None
    if not name:
        return None
    reason = f"the job ran in this protected environment of {system} (run {run}), which is not verified"
    return Approval(digest, f"{system}:{name}", f"{now:%Y-%m-%dT%H:%M:%SZ}", reason, "", actor)


def _mac(keys: Keys, approval: Approval) -> str:
    data = canonical(asdict(approval))
    return blake2b(data, key=keys.plans, person=b"zs approval", digest_size=32).hexdigest()


def _changed(path: Path, number: int) -> PlanRefused:
    return PlanRefused(
        f"{path.name}:{number} was changed, or made with another key",
        fix="remove the line, and have the plan approved again",
        code="ZS542",
    )
