"""Approvals: named people's yes to exactly one plan, and whether they are enough.

Names are as said; where a policy wants more, an approval is signed with the person's own SSH key.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from zalosync.errors import Blocked, PlanRefused
from zalosync.ledger.chain import canonical
from zalosync.plan.bundle import Sealed
from zalosync.plan.people import Authors, names_of, persons, user_of
from zalosync.plan.signing import signers_of
from zalosync.spec.loaded import LoadedProject

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
        above: asked for above so many messages and SMS; None: of whatever size the plan is.
    """

    count: int
    by: str
    not_author: bool = False
    signed: bool = False
    signers: str | None = None
    above: int | None = None


# Of an approval, by a file of allowed signers: the fingerprint of the key that signed it; empty: none that is
# allowed for its name.
Verify = Callable[[Approval, str], str]


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
        verify: which key signed an approval.
        platform: the yes of the CI system's protected environment, if this job runs in one. It counts as one
            person where nothing is asked about who that is: nobody signed, and who it was is not known.

    Raises:
        Blocked: too few, or too few of whom a rule asks.
    """
    given = tuple(approvals)
    own = tuple(each for each in given if is_of(each, sealed))
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
        people = people_of(counted, rule.signers, authors, verify)
        if platform is not None and not rule.signed and not rule.not_author:
            people += 1
        if people < rule.count:
            raise _too_few(rule, people, given, own, counted)
    return own if platform is None else (*own, platform)


def check_unasked(needed: Sequence[Needed]) -> None:
    """Raise where approvals are asked for and there is no sealed plan that could have them.

    Whoever applies without one says yes at the terminal, or nobody does: neither is somebody else's yes.

    Raises:
        Blocked: some rule asks.
    """
    if needed:
        rule = max(needed, key=lambda each: each.count)
        raise Blocked(
            f"the plan needs {_wanted(rule)} ({rule.by}), which only a sealed plan can have",
            fix="`zalosync plan -o FILE`, `zalosync approve FILE --as NAME`, `zalosync apply FILE`",
            code="ZS541",
        )


def is_of(approval: Approval, sealed: Sealed) -> bool:
    """Whether a yes is to this plan: to its digest, and said after it was made."""
    made = datetime.fromisoformat(sealed.document["created_at"])
    return approval.digest == sealed.digest and datetime.fromisoformat(approval.at) >= made


def _counts(approval: Approval, rule: Needed, authors: Authors, verify: Verify) -> bool:
    if rule.not_author and authors.include(approval.name, approval.actor):
        return False
    return not rule.signed or (rule.signers is not None and bool(verify(approval, rule.signers)))


def people_of(approvals: Iterable[Approval], signers: str | None, authors: Authors, verify: Verify) -> int:
    """How many different people said yes, as far as names, machines, Git and keys tell.

    Whose signature is good is told from others by name and key alone. Without one, whoever ran the command as
    the same user, or by a name that Git has beside another's, is the same person.
    """
    signed: list[tuple[frozenset[str], frozenset[str]]] = []  # by all names; by name and key
    others: list[frozenset[str]] = []
    for each in approvals:
        names = names_of(each.name, user_of(each.actor))
        key = verify(each, signers) if signers is not None and each.signature else ""
        if key:
            signed.append((names, names_of(each.name) | {key}))
        else:
            others.append(names)
    by_names = [names for names, _ in signed]
    apart = persons([*by_names, *others], authors.alike) - persons(by_names, [*authors.alike, *others])
    return apart + persons([names for _, names in signed])


def useless_of_authors(rules: Iterable[Needed]) -> bool:
    """Whether an author's yes counts for nothing: as many others are asked for as people at all."""
    rules = tuple(rules)
    others = max((rule.count for rule in rules if rule.not_author), default=0)
    return others > 0 and others >= max((rule.count for rule in rules if not rule.not_author), default=0)


def _too_few(
    rule: Needed, people: int, given: Sequence[Approval], own: Sequence[Approval], counted: Sequence[Approval]
) -> Blocked:
    others = "somebody who is not an author" if rule.count == 1 else "people who are no authors"
    whose = f" by {others} of it" if rule.not_author else ""
    rest = []
    if len(given) > len(own):
        rest.append(f"{len(given) - len(own)} here are of another plan, or older than it")
    if len(own) > len(counted):
        rest.append(f"{len(own) - len(counted)} do not count: {_why_not(rule)}")
    if len(counted) > people:
        rest.append("some are of one person by name, address, user or key")
    more = f"; {', '.join(rest)}" if rest else ""
    return Blocked(
        f"the plan needs {_wanted(rule)}{whose} and has {people} ({rule.by}){more}",
        fix=_FIX + (", with --sign KEYFILE" if rule.signed else ""),
        code="ZS541",
    )


def _wanted(rule: Needed) -> str:
    return f"{rule.count} {'signed ' if rule.signed else ''}approval{'' if rule.count == 1 else 's'}"


def _why_not(rule: Needed) -> str:
    unsigned = f"not signed with a key that {rule.signers} has for the name" if rule.signed else ""
    return " or ".join(filter(None, (unsigned, "of an author" if rule.not_author else "")))


def approval_of(sealed: Sealed, name: str, reason: str, commit: str, actor: str, now: datetime) -> Approval:
    """A yes to a plan, now.

    Raises:
        PlanRefused: the plan has expired.
    """
    if now >= sealed.expires_at:
        raise PlanRefused("the plan has expired", fix="plan again", code="ZS536")
    return Approval(sealed.digest, name, f"{now:%Y-%m-%dT%H:%M:%SZ}", reason, commit, actor)


def approvals_needed(project: LoadedProject, contacts: int) -> list[Needed]:
    """What a plan of this size needs by the policies; in a protected environment one approval at least.

    Args:
        project: with its policies and environment.
        contacts: messages of the plan, with each SMS that may follow one.
    """
    needed = [
        Needed(
            rule.count,
            f"above {rule.above:,} messages, approvals in {loaded.file}",
            rule.not_author,
            rule.signed,
            signers_of(loaded),
            rule.above,
        )
        for loaded in project.policies
        for rule in loaded.policy.spec.approvals
        if contacts > rule.above
    ]
    if project.environment.protected and not needed:
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
