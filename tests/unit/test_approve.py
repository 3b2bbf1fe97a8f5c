"""Approvals: of one digest, by enough people, not by an author, signed where a policy says so."""

import json
import os
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import KEYS, NOON, PROJECT, Desk, phones
from zalosync.compose.message import Keys
from zalosync.errors import Blocked, PlanRefused, UsageError
from zalosync.plan.approval_file import MAX_BYTES, add_approval, approvals_path, read_approvals
from zalosync.plan.approve import (
    Approval,
    Needed,
    approval_of,
    approvals_needed,
    check_approved,
    platform_approval,
    useless_of_authors,
)
from zalosync.plan.bundle import Sealed
from zalosync.plan.people import Authors, names_of
from zalosync.plan.signing import sign, verified
from zalosync.spec.load import load_project

DIGEST = "sha256:" + "a" * 64
NOBODY = Authors(frozenset())
LATER = NOON + timedelta(minutes=5)


def sealed(**changes: Any) -> Sealed:
    """A plan made at noon, good for a day."""
    document = {
        "digest": DIGEST,
        "created_at": NOON.isoformat(),
        "expires_at": (NOON + timedelta(hours=24)).isoformat(),
        **changes,
    }
    return Sealed(document, {})


def yes(name: str, at: datetime = LATER, **more: str) -> Approval:
    """Somebody's yes."""
    return replace(approval_of(sealed(), name, "", "", "", at), **more)


def check(
    given: list[Approval], *needed: Needed, authors: Authors = NOBODY, **more: Any
) -> tuple[Approval, ...]:
    """Hold approvals against rules; signatures are right where they say `good`, and by which key."""
    return check_approved(
        sealed(),
        given,
        needed,
        authors,
        lambda each, _: each.signature if each.signature.startswith(f"good {each.name}") else "",
        **more,
    )


def test_as_many_people_as_asked() -> None:
    """One person's two yeses are one; the same name in another spelling is the same person."""
    rule = Needed(2, "rule")
    assert len(check([yes("lan"), yes("mai")], rule)) == 2
    for given in ([], [yes("lan")], [yes("lan"), yes("lan")], [yes("lan"), yes(" LAN ")]):
        with pytest.raises(Blocked, match=r"needs 2 approvals and has [01] \(rule\)"):
            check(given, rule)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (yes("Lan"), yes("L\u0430n")),
        (yes("Nguyễn Lan"), yes("nguyen  LAN")),
        (yes("Lan <lan@example.vn>"), yes("LAN@example.vn")),
        (yes("lan", actor="lan@example.vn"), yes("somebody", actor="Lan@Example.vn")),
        (yes("lan", actor="mai"), yes("mai", actor="hoa")),
        (yes("lan@example.vn"), yes("Lan Nguyễn")),
        (yes("lan", signature="good lan"), yes("lan", signature="good lan again")),
        (yes("lan", signature="good lan"), yes("Lan")),
        (yes("lan", signature="bad"), yes("mai", actor="lan")),
    ],
    ids=["script", "accents", "address", "actor", "actor's name", "git", "two keys", "one signed", "bad"],
)
def test_one_person_under_two_names_is_one(one: Approval, other: Approval) -> None:
    """However they are told apart: by look, by the user who ran the command, by what Git knows."""
    authors = Authors(frozenset(), (), (names_of("Lan Nguyễn <lan@example.vn>"),))
    rule = Needed(2, "rule", signers="allowed_signers")
    for given in ([one, other], [other, one]):
        with pytest.raises(Blocked, match=r"has 1 \(rule\); some are of one person"):
            check(given, rule, authors=authors)
        assert len(check([*given, yes("binh")], rule, authors=authors)) == 3


@pytest.mark.parametrize("user", ["root", "runner", "ROOT"])
def test_a_user_who_may_be_anybody_joins_nobody(user: str) -> None:
    """Two people who approve in containers of their own are two."""
    assert check([yes("lan", actor=user), yes("mai", actor=user)], Needed(2, "rule"))


def test_signatures_tell_people_apart_and_keys_tell_that_they_are_one() -> None:
    """Who signs is told from others by name and key, whatever machine it was; one key is one person."""
    rule = Needed(2, "rule", signed=True, signers="allowed_signers")
    both = [
        yes(name, actor="desk", signature=f"good {name}") for name in ("an1@example.vn", "an2@example.vn")
    ]
    alike = Authors(frozenset(), (), tuple(names_of(f"Nguyễn Văn An <{each.name}>") for each in both))
    assert check(both, rule, replace(rule, signed=False), authors=alike)
    third = yes("an3@example.vn", actor="desk")
    with pytest.raises(Blocked, match="needs 3 approvals and has 2"):
        check([*both, third], Needed(3, "rule", signers="allowed_signers"), authors=alike)
    with pytest.raises(Blocked, match=r"needs 2 signed approvals and has 1 .*of one person"):
        check_approved(sealed(), both, [rule], NOBODY, lambda *_: "SHA256:one key")


@pytest.mark.parametrize(
    ("rules", "useless"),
    [
        ([], False),
        ([Needed(1, "r")], False),
        ([Needed(1, "r", not_author=True)], True),
        ([Needed(1, "r"), Needed(2, "r", not_author=True)], True),
        ([Needed(3, "r"), Needed(2, "r", not_author=True)], False),
    ],
)
def test_when_an_author_s_yes_is_of_no_use(rules: list[Needed], *, useless: bool) -> None:
    """Where the people who are asked for besides are enough for every rule."""
    assert useless_of_authors(rules) is useless


def test_without_rules_all_that_are_of_the_plan_are_kept() -> None:
    """What nobody asked for is recorded all the same; what is of another plan is not."""
    given = [yes("lan"), yes("mai", digest="sha256:" + "b" * 64)]
    assert [each.name for each in check(given)] == ["lan"]


def test_of_another_plan_or_older_than_it() -> None:
    """They do not count, and the refusal says how many there are."""
    older = Approval(DIGEST, "mai", f"{NOON - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}")
    with pytest.raises(Blocked, match=r"has 0 .*2 here are of another plan, or older than it"):
        check([yes("lan", digest="other"), older], Needed(1, "rule"))
    assert check([replace(older, at=f"{NOON:%Y-%m-%dT%H:%M:%SZ}")], Needed(1, "rule"))


@pytest.mark.parametrize("author", ["Lan Nguyễn", "lan@example.vn", "LAN@EXAMPLE.VN", "lan  nguyễn"])
def test_an_author_does_not_approve_the_own_work(author: str) -> None:
    """Neither by name nor by address, nor under another name on the same machine."""
    authors = Authors(names_of("Lan Nguyễn", "lan@example.vn"))
    rule = Needed(1, "rule", not_author=True)
    for given in ([yes(author)], [yes("somebody else", actor="lan@example.vn")]):
        with pytest.raises(Blocked, match=r"not an author of it and has 0 .*1 do not count"):
            check(given, rule, authors=authors)
        assert check(given, Needed(1, "rule"), authors=authors)
    assert check([yes(author), yes("mai@example.vn")], rule, authors=authors)


def test_an_author_whom_nobody_knows() -> None:
    """Without the history nobody can be told from the author: nothing is applied."""
    with pytest.raises(Blocked, match=r"nobody can say who wrote campaigns/a.yaml"):
        check(
            [yes("mai")],
            Needed(1, "rule", not_author=True),
            authors=Authors(frozenset(), ("campaigns/a.yaml",)),
        )


def test_signed_ones_where_a_policy_asks() -> None:
    """An approval without a signature, or with another's, does not count."""
    rule = Needed(1, "rule", signed=True, signers="allowed_signers")
    assert check([yes("lan", signature="good lan")], rule)
    for signature in ("", "good mai", "bad"):
        with pytest.raises(Blocked, match=r"1 signed approval and has 0 .*: not signed with a key"):
            check([yes("lan", signature=signature)], rule)
    with pytest.raises(Blocked, match="names no allowedSigners"):
        check([yes("lan", signature="good lan")], replace(rule, signers=None))


def test_the_platform_s_environment_is_one_yes_of_nobody_in_particular() -> None:
    """It counts where only a number is asked, and is recorded as not verified."""
    github = {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "77", "GITHUB_ACTOR": "lan"}
    assert platform_approval(github, DIGEST, NOON) is None
    assert platform_approval({"ZALOSYNC_CI_ENVIRONMENT": "production"}, DIGEST, NOON) is None
    platform = platform_approval({**github, "ZALOSYNC_CI_ENVIRONMENT": "production"}, DIGEST, NOON)
    assert platform is not None
    assert (platform.name, platform.actor) == ("github:production", "lan")
    assert "run 77" in platform.reason
    assert "not verified" in platform.reason
    assert check([], Needed(1, "rule"), platform=platform) == (platform,)
    assert check([yes("mai")], Needed(2, "rule"), platform=platform)
    for rule in (Needed(1, "rule", not_author=True), Needed(1, "rule", signed=True, signers="file")):
        with pytest.raises(Blocked):
            check([], rule, platform=platform)
    gitlab = {"GITLAB_CI": "true", "CI_ENVIRONMENT_NAME": "prod", "CI_PIPELINE_ID": "9"}
    found = platform_approval(gitlab, DIGEST, NOON)
    assert found is not None
    assert found.name == "gitlab:prod"


def test_an_expired_plan_is_not_approved() -> None:
    """A yes to what cannot be applied is refused when it is said."""
    with pytest.raises(PlanRefused, match="expired"):
        approval_of(sealed(), "lan", "", "", "", NOON + timedelta(hours=24))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Each field, in order; the same person's second yes adds nothing, unless it is signed at last."""
    plan = tmp_path / "a.zsplan"
    assert read_approvals(plan, KEYS) == ()
    first = approval_of(sealed(), "Lan Nguyễn", "checked with sales", "c" * 40, "lan@example.vn", LATER)
    assert add_approval(plan, sealed(), KEYS, first)
    assert not add_approval(plan, sealed(), KEYS, replace(first, name=" lan  NGUYỄN"))
    assert add_approval(plan, sealed(), KEYS, replace(first, signature="sig"))
    assert add_approval(plan, sealed(), KEYS, yes("mai"))
    assert read_approvals(plan, KEYS) == (first, replace(first, signature="sig"), yes("mai"))


def test_a_yes_to_the_plan_of_yesterday_can_be_said_again(tmp_path: Path) -> None:
    """The digest is the same; the earlier yes does not count for the new plan, so a new one is added."""
    plan = tmp_path / "a.zsplan"
    assert add_approval(plan, sealed(), KEYS, yes("lan"))
    tomorrow = NOON + timedelta(days=1)
    again = sealed(created_at=tomorrow.isoformat(), expires_at=(tomorrow + timedelta(days=1)).isoformat())
    new = approval_of(again, "lan", "", "", "", tomorrow + timedelta(minutes=1))
    assert add_approval(plan, again, KEYS, new)
    assert check_approved(again, read_approvals(plan, KEYS), [Needed(1, "r")], NOBODY, lambda *_: "") == (
        new,
    )


@pytest.mark.parametrize("field", ["digest", "name", "at", "reason", "commit", "actor", "signature", "mac"])
def test_a_changed_field_is_refused(tmp_path: Path, field: str) -> None:
    """Whichever it is, by its line."""
    plan = tmp_path / "a.zsplan"
    add_approval(plan, sealed(), KEYS, yes("mai"))
    add_approval(plan, sealed(), KEYS, yes("lan"))
    path = approvals_path(plan)
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), field: "x" * 64})
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(PlanRefused, match=r"a.zsplan.approvals:2 was changed"):
        read_approvals(plan, KEYS)


def test_a_file_that_is_a_link_a_folder_or_a_pipe(tmp_path: Path) -> None:
    """None of them is read, nor waited for, whether it leads anywhere or not."""
    plan = tmp_path / "a.zsplan"
    path = approvals_path(plan)
    add_approval(plan, sealed(), KEYS, yes("lan"))
    path.rename(tmp_path / "elsewhere")
    for target in ("elsewhere", "nowhere"):
        path.symlink_to(tmp_path / target)
        with pytest.raises(PlanRefused, match="cannot be opened"):
            read_approvals(plan, KEYS)
        path.unlink()
    path.mkdir()
    with pytest.raises(PlanRefused, match="is no file"):
        read_approvals(plan, KEYS)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(PlanRefused, match="is no file"):
        read_approvals(plan, KEYS)


def test_a_file_without_end(tmp_path: Path) -> None:
    """No more is read than such a file may hold, and no line is added that makes it larger."""
    plan = tmp_path / "a.zsplan"
    with approvals_path(plan).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(PlanRefused, match="larger than 1,048,576 bytes"):
        read_approvals(plan, KEYS)
    approvals_path(plan).unlink()
    assert add_approval(plan, sealed(), KEYS, yes("lan", reason="x" * (MAX_BYTES - 1000)))
    with pytest.raises(PlanRefused, match="larger than"):
        add_approval(plan, sealed(), KEYS, yes("mai", reason="x" * 1000))
    assert [each.name for each in read_approvals(plan, KEYS)] == ["lan"]


def test_a_line_is_to_the_byte_as_it_was_written(tmp_path: Path) -> None:
    """White space, a key that stands twice, other order: somebody wrote there."""
    plan = tmp_path / "a.zsplan"
    add_approval(plan, sealed(), KEYS, yes("lan"))
    path = approvals_path(plan)
    line = path.read_text(encoding="utf-8").rstrip("\n")
    for other in (f"{line} ", line.replace("{", '{"name":"boss",', 1), json.dumps(json.loads(line))):
        path.write_text(f"{other}\n", encoding="utf-8")
        with pytest.raises(PlanRefused, match="was changed"):
            read_approvals(plan, KEYS)


@pytest.mark.parametrize(
    "line",
    [
        r'{"mac": "\ud800", "digest": "", "name": "", "at": ""}',
        '{"mac": "é", "digest": "", "name": "", "at": ""}',
        "",
        "{}",
        "[]",
        "null",
        "not json",
        '{"mac": 1}',
        '{"mac": "x", "more": 1}',
    ],
)
def test_a_line_that_is_no_approval(tmp_path: Path, line: str) -> None:
    """It is refused, not left out: somebody wrote there."""
    plan = tmp_path / "a.zsplan"
    approvals_path(plan).write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(PlanRefused):
        read_approvals(plan, KEYS)


def test_another_key_s_approvals(tmp_path: Path) -> None:
    """Who cannot make a plan cannot approve one."""
    plan = tmp_path / "a.zsplan"
    add_approval(plan, sealed(), Keys(b"x" * 32), yes("lan"))
    with pytest.raises(PlanRefused, match="another key"):
        read_approvals(plan, KEYS)


@pytest.fixture
def ssh_key(tmp_path: Path) -> Path:
    """An SSH key of lan's, and a file that allows it and mai's."""
    keys = {}
    for name in ("lan", "mai"):
        path = tmp_path / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        keys[name] = " ".join(path.with_suffix(".pub").read_text(encoding="ascii").split()[:2])
    allowed = "".join(f"{name}@example.vn {key}\n" for name, key in keys.items())
    (tmp_path / "allowed_signers").write_text(allowed, encoding="ascii")
    return tmp_path / "lan"


def test_a_real_signature(tmp_path: Path, ssh_key: Path) -> None:
    """Good for the name and the bytes that were signed, and for nothing else."""
    approval = yes("lan@example.vn")
    signature = sign(ssh_key, approval.signed_bytes)

    def good(name: str, data: bytes, text: str = signature) -> str:
        return verified(tmp_path, "allowed_signers", name, data, text)

    listed = subprocess.run(["ssh-keygen", "-l", "-f", str(ssh_key)], capture_output=True, check=True)
    assert good("lan@example.vn", approval.signed_bytes) == listed.stdout.decode().split()[1]
    assert not good("mai@example.vn", approval.signed_bytes)
    assert not good("lan@example.vn", replace(approval, reason="another").signed_bytes)
    assert not good("lan@example.vn", approval.signed_bytes, "")
    assert not good("lan@example.vn", approval.signed_bytes, signature.replace("A", "B"))
    assert not good("-lan@example.vn", approval.signed_bytes)
    assert not good("*", approval.signed_bytes)


def test_a_signature_of_another_use(tmp_path: Path, ssh_key: Path) -> None:
    """What was signed for Git, or for mail, is no approval."""
    data = yes("lan@example.vn").signed_bytes
    done = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-q", "-f", str(ssh_key), "-n", "git"],
        input=data,
        capture_output=True,
        check=True,
    )
    assert not verified(tmp_path, "allowed_signers", "lan@example.vn", data, done.stdout.decode())


def test_a_file_of_signers_that_is_not_there(tmp_path: Path, ssh_key: Path) -> None:
    """It is named; a link to another place is none."""
    data = yes("lan@example.vn").signed_bytes
    signature = sign(ssh_key, data)
    with pytest.raises(UsageError, match="allowed signers"):
        verified(tmp_path, "missing", "lan@example.vn", data, signature)
    (tmp_path / "link").symlink_to(tmp_path / "allowed_signers")
    with pytest.raises(UsageError, match="allowed signers"):
        verified(tmp_path, "link", "lan@example.vn", data, signature)


def test_a_key_that_is_none(tmp_path: Path) -> None:
    """ssh-keygen's own words, in one line."""
    (tmp_path / "key").write_text("no key", encoding="ascii")
    with pytest.raises(UsageError, match="ssh-keygen would not sign"):
        sign(tmp_path / "key", b"data")


@pytest.mark.parametrize(
    ("protected", "rules", "to_send", "counts"),
    [
        (False, "[]", 50_000, []),
        (True, "[]", 1, [1]),
        (False, "[{above: 1000}, {above: 20000, count: 2, notAuthor: true}]", 1000, []),
        (False, "[{above: 1000}, {above: 20000, count: 2, notAuthor: true}]", 1001, [1]),
        (False, "[{above: 1000}, {above: 20000, count: 2, notAuthor: true}]", 20_001, [1, 2]),
        (True, "[{above: 1000}]", 1000, [1]),
        (True, "[{above: 0, count: 2}]", 1, [2]),
    ],
)
def test_what_a_plan_of_a_size_needs(
    tmp_path: Path,
    protected: bool,  # noqa: FBT001 - a table column
    rules: str,
    to_send: int,
    counts: list[int],
) -> None:
    """More than `above` needs that rule's people; what is protected is never applied without a yes."""
    desk = Desk(tmp_path)
    desk.policy("guardrails", f"approvals: {rules}\n")
    desk.campaign("tet", phones(1))
    environment = f"batchSize: 100, protected: {str(protected).lower()}"
    desk.write("zalosync.yaml", PROJECT.replace("batchSize: 100", environment))
    needed = approvals_needed(load_project(tmp_path, environment=None, now=desk.now), to_send)
    assert [each.count for each in needed] == counts
    assert [each.not_author for each in needed] == [count == 2 and not protected for count in counts]
