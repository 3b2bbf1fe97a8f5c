"""What was approved is what is applied, once: each way in which it could be otherwise, with its exit code."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.command import Done, zalosync
from tests.support.shop import CAMPAIGN, SENDER, Shop, people, write_audience, write_shop
from zalosync.cli.show import code_of
from zalosync.compose.message import Keys
from zalosync.plan.approval_file import add_approval, approvals_path
from zalosync.plan.approve import Approval
from zalosync.plan.bundle import Sealed, unseal
from zalosync.sandbox import oracle

pytestmark = pytest.mark.usefixtures("loopback")

ROWS = 40
POLICY = "apiVersion: zalosync/v1\nkind: Policy\nmetadata: {name: guardrails}\nspec:\n"
ONE_YES = "  approvals:\n    - {above: 0, count: 1}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project whose plans need one approval."""
    return make_shop(tmp_path / "shop")


def make_shop(root: Path, policy: str = ONE_YES) -> Shop:
    """A project with a policy."""
    shop = write_shop(root, ROWS, encrypted=False)
    project = root / "zalosync.yaml"
    text = project.read_text(encoding="utf-8")
    project.write_text(
        text.replace("spec:\n", 'spec:\n  policies: ["policies/*.yaml"]\n', 1), encoding="utf-8"
    )
    write_policy(shop, policy)
    return shop


def write_policy(shop: Shop, policy: str) -> None:
    """Write the project's only policy."""
    (shop.root / "policies").mkdir(exist_ok=True)
    (shop.root / "policies" / "guardrails.yaml").write_text(POLICY + policy, encoding="utf-8")


def planned(shop: Shop, name: str = "a.zsplan") -> Done:
    """Seal a plan."""
    done = zalosync(shop.root, "plan", "-q", "-o", name)
    assert done.code == 0, done.err
    return done


def approved(shop: Shop, name: str = "a.zsplan", who: str = "lan@example.vn") -> None:
    """Approve a plan."""
    done = zalosync(shop.root, "approve", name, "--as", who)
    assert done.code == 0, done.err


def applied(shop: Shop, name: str = "a.zsplan") -> Done:
    """Apply a plan, whatever comes of it."""
    return zalosync(shop.root, "apply", name)


def sent(shop: Shop) -> int:
    """How many messages the sandbox took, by its own count."""
    state = shop.state / "here.sandbox"
    return int(oracle.read(state)["accepted"]) if state.exists() else 0


def refused(done: Done, code: int, *words: str) -> None:
    """The exit code, one error in one line, and its words."""
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert (done.code, len(errors)) == (code, 1), done.err
    for word in words:
        assert word in errors[0], errors[0]


def opened(shop: Shop, name: str = "a.zsplan") -> tuple[Sealed, Keys]:
    """A sealed plan and the project's key."""
    keys = Keys(bytes.fromhex((shop.state / "key").read_text(encoding="ascii").strip()))
    return unseal(shop.root / name, keys), keys


def test_a_plan_that_is_approved_is_applied(shop: Shop) -> None:
    """The way it is meant: plan, approve, apply; the run's record keeps the approval."""
    planned(shop)
    refused(applied(shop), 3, "needs 1 approval and has 0", "policies/guardrails.yaml")
    assert sent(shop) == 0
    approved(shop)
    assert applied(shop).code == 0
    assert sent(shop) == len(shop.valid)
    shown = zalosync(shop.root, "show", "a.zsplan", "--json")
    assert shown.json["sealed"]["state"] == "consumed"
    assert [each["name"] for each in shown.json["sealed"]["approvals"]] == ["lan@example.vn"]


def test_another_phone_beside_the_same_key(shop: Shop) -> None:
    """Who gets an approved message is approved too: another number beside the same key is stale: 4."""
    planned(shop)
    approved(shop)
    audience = shop.root / "audiences" / "people.csv"
    text = audience.read_text(encoding="utf-8")
    written = next(person.written for person in shop.people if not person.fate)
    assert text.count(written) == 1
    audience.write_text(text.replace(written, "0987654321"), encoding="utf-8")
    refused(applied(shop), 4, "stale", "the phones of its audience")
    assert sent(shop) == 0


def test_approve_a_and_apply_b(shop: Shop) -> None:
    """An approval of one plan is none of another, wherever its file lies: 3."""
    planned(shop, "a.zsplan")
    approved(shop, "a.zsplan")
    shop.people = people(ROWS + 5)
    write_audience(shop)
    planned(shop, "b.zsplan")
    refused(applied(shop, "b.zsplan"), 3, "needs 1 approval and has 0")
    shutil.copy(shop.root / "a.zsplan.approvals", shop.root / "b.zsplan.approvals")
    refused(applied(shop, "b.zsplan"), 3, "needs 1 approval and has 0", "of another plan")
    refused(applied(shop, "a.zsplan"), 4, "stale", "its audience")
    assert sent(shop) == 0


def test_an_approval_that_is_older_than_the_plan(shop: Shop) -> None:
    """The same inputs give the same digest tomorrow; yesterday's yes does not count for it: 3."""
    planned(shop)
    sealed, keys = opened(shop)
    before = datetime.now(UTC) - timedelta(days=1)
    old = Approval(sealed.digest, "lan@example.vn", f"{before:%Y-%m-%dT%H:%M:%SZ}")
    add_approval(shop.root / "a.zsplan", sealed, keys, old)
    refused(applied(shop), 3, "needs 1 approval and has 0", "older than it")
    approved(shop)
    assert applied(shop).code == 0


def test_a_plan_applied_twice(shop: Shop) -> None:
    """It is consumed once: 4, and nobody gets a second message."""
    planned(shop)
    approved(shop)
    assert applied(shop).code == 0
    refused(applied(shop), 4, "consumed")
    assert sent(shop) == len(shop.valid)


def test_a_copy_of_a_consumed_plan(shop: Shop) -> None:
    """A copy under another name is the same plan: 4."""
    planned(shop)
    approved(shop)
    for name in ("a.zsplan", "a.zsplan.approvals"):
        shutil.copy(shop.root / name, shop.root / name.replace("a.", "b."))
    assert applied(shop, "b.zsplan").code == 0
    refused(applied(shop, "a.zsplan"), 4, "consumed")


def test_two_plans_of_the_same_state(shop: Shop) -> None:
    """Two approved plans say the same; who comes second is told that the ledger moved on: 4."""
    planned(shop, "a.zsplan")
    shop.people = people(ROWS + 20)
    write_audience(shop)
    planned(shop, "b.zsplan")
    approved(shop, "a.zsplan")
    approved(shop, "b.zsplan")
    assert applied(shop, "b.zsplan").code == 0
    refused(applied(shop, "a.zsplan"), 4, "moved on")
    assert sent(shop) == len(shop.valid)


def test_a_ledger_that_was_deleted(shop: Shop) -> None:
    """A missing memory is an error and never an empty one: 7 from plan and apply."""
    planned(shop)
    approved(shop)
    assert applied(shop).code == 0
    (shop.state / "here.db").unlink()
    for command in (("plan",), ("apply", "a.zsplan"), ("apply", "--auto-approve")):
        refused(zalosync(shop.root, *command), 7, "missing")
    assert sent(shop) == len(shop.valid)


def test_a_ledger_that_was_restored_from_last_week(shop: Shop) -> None:
    """An older copy does not know who was messaged since: 7 from plan and apply."""
    planned(shop)
    old = shop.root / "old.db"
    assert zalosync(shop.root, "ledger", "backup", str(old)).code == 0
    approved(shop)
    assert applied(shop).code == 0
    shutil.copy(old, shop.state / "here.db")
    for command in (("plan",), ("apply", "a.zsplan"), ("apply", "--auto-approve")):
        refused(zalosync(shop.root, *command), 7, "older than it was")
    assert sent(shop) == len(shop.valid)


def test_a_person_who_opts_out_after_the_approval(shop: Shop) -> None:
    """Suppression lies outside the digest: the plan shrinks by that person, says so, and is applied: 0."""
    planned(shop)
    approved(shop)
    phone = next(iter(shop.valid))
    with (shop.root / "audiences" / "gone.csv").open("a", encoding="utf-8") as file:
        file.write(f"{phone}\n")
    done = applied(shop)
    assert done.code == 0, done.err
    assert "1 message less than planned" in done.out
    assert "1  less than planned: on a suppression list by now" in done.out
    run = zalosync(shop.root, "history", "--json").json["runs"][-1]
    assert (run["shrunk"], run["totals"]["shrunk"]) == ({"suppressed": 1}, 1)
    assert run["totals"]["not_sent"] == 0
    assert sent(shop) == len(shop.valid) - 1
    messages = oracle.read_messages(shop.state / "here.sandbox")
    assert phone not in {message["to"] for message in messages}
    refused(applied(shop), 4, "consumed")


def test_a_person_who_comes_back_after_the_approval(shop: Shop) -> None:
    """A plan does no more than it says: who was suppressed in it stays so, whatever the lists say now."""
    planned(shop)
    approved(shop)
    (shop.root / "audiences" / "gone.csv").write_text("phone\n", encoding="utf-8")
    assert applied(shop).code == 0
    assert sent(shop) == len(shop.valid)


def test_an_audience_that_doubled(shop: Shop) -> None:
    """The approved plan is stale (4), and a new one is blocked by the share of new people (3)."""
    write_policy(shop, f"{ONE_YES}  maxNewShare: 50%\n")
    planned(shop)
    approved(shop)
    assert applied(shop).code == 0
    planned(shop, "b.zsplan")
    approved(shop, "b.zsplan")
    shop.people = people(2 * ROWS)
    write_audience(shop)
    refused(applied(shop, "b.zsplan"), 4, "its audience")
    done = zalosync(shop.root, "plan", "-q", "--json", "-o", "c.zsplan")
    assert done.code == 3
    (finding,) = [each for each in done.json["campaigns"][0]["findings"] if each["severity"] == "error"]
    assert finding["id"] == "max-new-share"
    assert "limit 50%" in finding["message"]
    assert finding["place"].startswith("policies/guardrails.yaml:")
    assert not (shop.root / "c.zsplan").exists(), "a blocked plan is not sealed"
    refused(zalosync(shop.root, "apply", "--auto-approve"), 3, "blocked", "limit 50%")
    assert sent(shop) == 30


def test_two_campaigns_over_one_cap_at_the_edge_of_a_day(tmp_path: Path) -> None:
    """At 23:30 and at 00:30 they would break a cap of one in 24 hours: the second is held back: 0."""
    shop = make_shop(tmp_path / "shop", "  frequencyCaps:\n    - {max: 1, per: 24h}\n")
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    campaign = shop.root / "campaigns" / f"{CAMPAIGN}.yaml"
    text = campaign.read_text(encoding="utf-8")
    for name, at in (
        ("evening", f"{tomorrow}T23:30:00"),
        ("night", f"{tomorrow + timedelta(days=1)}T00:30:00"),
    ):
        spec = f"{text.replace(CAMPAIGN, name)}  schedule: {{sendAt: {at}+07:00}}\n"
        (shop.root / "campaigns" / f"{name}.yaml").write_text(spec, encoding="utf-8")
    campaign.unlink()
    done = zalosync(shop.root, "plan", "-q", "--json", "-o", "a.zsplan")
    assert done.code == 0, done.err
    counts = {each["name"]: each["totals"]["send"] for each in done.json["campaigns"]}
    assert counts == {"evening": len(shop.valid), "night": 0}
    assert done.json["campaigns"][1]["skipped"]["frequency-cap"] == len(shop.valid)
    (finding,) = [each for each in done.json["campaigns"][1]["findings"] if each["id"] == "frequency-cap"]
    assert finding["message"].endswith("; of this plan, evening comes first, by name")
    assert applied(shop).code == 0
    messages = oracle.read_messages(shop.state / "here.sandbox")
    assert len({message["to"] for message in messages}) == len(messages) == len(shop.valid)
    again = zalosync(shop.root, "plan", "-q", "--json", "night")
    assert again.json["totals"]["send"] == 0, "what was handed over counts from then on"


def test_what_show_says_of_a_plan(shop: Shop) -> None:
    """Reviewers see what a message looks like, of nobody; the exit code says if the plan still applies."""
    planned(shop)
    for form in ("markdown", "html", "text"):
        shown = zalosync(shop.root, "show", "a.zsplan", "--format", form, "--explain", "--detailed-exitcode")
        assert (shown.code, "with what comes from the row as dots" in shown.out) == (2, True), shown.err
        assert "•" in shown.out
    (sample,) = zalosync(shop.root, "show", "a.zsplan", "--json").json["campaigns"][0]["samples"]
    assert set(sample["values"]) == {"customer_name", "order_code"}
    data = (shop.root / "a.zsplan").read_text(encoding="utf-8", errors="replace")
    for person in shop.people:
        found = [
            text for text in (person.phone, person.name, person.name.title(), person.code) if text in data
        ]
        assert not found
    approved(shop)
    planned(shop, "b.zsplan")
    assert applied(shop).code == 0
    for name, state in (("a.zsplan", "consumed"), ("b.zsplan", "consumed")):
        shown = zalosync(shop.root, "show", name, "--json", "--detailed-exitcode")
        assert (shown.code, shown.json["sealed"]["state"]) == (4, state)
    for form in ("markdown", "html", "text"):
        shown = zalosync(shop.root, "show", "a.zsplan", "--format", form)
        assert shown.code == 0
        assert "This plan is CONSUMED" in shown.out
        assert "approved 20" in shown.out, "when, and by whom"
        assert "can be applied" not in shown.out


def test_how_a_plan_in_each_state_ends_show() -> None:
    """What cannot be applied any more is 4, whatever it would have sent."""
    assert [code_of(state, 3) for state in ("applicable", "unknown")] == [2, 2]
    assert [code_of(state, 0) for state in ("applicable", "unknown")] == [0, 0]
    assert {code_of(state, count) for state in ("consumed", "expired", "stale") for count in (0, 3)} == {4}


def test_held_messages_whose_campaign_is_gone(shop: Shop) -> None:
    """Nothing could send them: a plan names them, is bound to them, and ends them once it is applied: 0."""
    at = datetime.now(UTC) + timedelta(days=2)
    text = (shop.root / "campaigns" / f"{CAMPAIGN}.yaml").read_text(encoding="utf-8")
    tet = shop.root / "campaigns" / "tet.yaml"
    tet.write_text(
        f'{text.replace(CAMPAIGN, "tet")}  schedule: {{mode: hold, sendAt: "{at:%Y-%m-%dT%H:%M:%SZ}"}}\n',
        encoding="utf-8",
    )
    planned(shop)
    approved(shop)
    assert applied(shop).code == 0
    away = tet.rename(shop.root / "tet.yaml")
    plan = zalosync(shop.root, "plan", "-q", "--json", "-o", "b.zsplan", "--detailed-exitcode")
    assert (plan.code, plan.json["cancel"], plan.json["totals"]["send"]) == (0, len(shop.valid), 0)
    assert zalosync(shop.root, "plan", "-q", "--json", CAMPAIGN).json["cancel"] == 0
    away.rename(tet)
    refused(applied(shop, "b.zsplan"), 4, "stale", "campaign tet")
    tet.rename(away)
    done = applied(shop, "b.zsplan")
    assert (done.code, f"{len(shop.valid)}  held ones cancelled" in done.out) == (0, True), done.err
    status = zalosync(shop.root, "status", "--json").json["campaigns"]
    assert {each["name"]: each["states"] for each in status}["tet"] == {"cancelled": len(shop.valid)}
    refused(applied(shop, "b.zsplan"), 4, "consumed")
    assert sent(shop) == len(shop.valid)


def test_a_plan_for_another_environment(shop: Shop) -> None:
    """It is applied where it was made for, or not at all: 4."""
    project = shop.root / "zalosync.yaml"
    text = project.read_text(encoding="utf-8")
    project.write_text(f"{text}    there:\n      baseUrl: sandbox\n", encoding="utf-8")
    planned(shop)
    approved(shop)
    refused(zalosync(shop.root, "apply", "a.zsplan", "-e", "there"), 4, "for environment here")


def test_another_policy_after_the_approval(shop: Shop) -> None:
    """Policies are bound too: 4."""
    planned(shop)
    approved(shop)
    write_policy(shop, f"{ONE_YES}  maxRecipientsPerPlan: 100\n")
    refused(applied(shop), 4, "the policies")


def test_other_settings_after_the_approval(shop: Shop) -> None:
    """Hosts, report path, batch size, pinned keys, signers: what of them was approved holds, or exit 4."""
    write_policy(shop, f"{ONE_YES}  allowedSigners: signers\n")
    signers = shop.root / "policies" / "signers"
    signers.write_text("lan@example.vn ssh-ed25519 AAAA\n", encoding="ascii")
    planned(shop)
    approved(shop)
    project = shop.root / "zalosync.yaml"
    text = project.read_text(encoding="utf-8")
    pinned = f'publicKeys: {{"{SENDER}": "sha256:{"0" * 64}"}}'
    for written, other, name in (
        ("batchSize: 50", "batchSize: 51", "batchSize"),
        ("batchSize: 50", "batchSize: 50\n      reportsPath: /zalo/2/reports", "reportsPath"),
        ("batchSize: 50", f"batchSize: 50\n      {pinned}", "publicKeys"),
        ("spec:\n", "spec:\n  allowedWebhookHosts: [evil.example]\n", "allowedWebhookHosts"),
    ):
        assert text.count(written) == 1
        project.write_text(text.replace(written, other), encoding="utf-8")
        refused(applied(shop), 4, f"the project's settings ({name}) changed")
    project.write_text(text, encoding="utf-8")
    with signers.open("a", encoding="ascii") as file:
        file.write("mallory@example.vn ssh-ed25519 BBBB\n")
    refused(applied(shop), 4, "the project's settings (allowedSigners) changed")
    assert sent(shop) == 0


def test_comments_and_order_change_nothing(shop: Shop) -> None:
    """What does not change what is sent does not make a plan stale: 0."""
    planned(shop)
    approved(shop)
    campaign = shop.root / "campaigns" / f"{CAMPAIGN}.yaml"
    moved = shop.root / "campaigns" / "renamed-file.yaml"
    moved.write_text(f"# a comment\n{campaign.read_text(encoding='utf-8')}", encoding="utf-8")
    campaign.unlink()
    shop.people.reverse()
    kept = [each for each in shop.people if each.fate != "duplicate-key"]
    shop.people = kept + [each for each in shop.people if each.fate == "duplicate-key"]
    write_audience(shop)
    assert applied(shop).code == 0


def test_a_run_that_was_stopped_resumes_from_the_same_file(shop: Shop) -> None:
    """`--max-messages` stops early (5); the same file and the same approval go on, and end it."""
    planned(shop)
    approved(shop)
    assert zalosync(shop.root, "apply", "a.zsplan", "--max-messages", "7").code == 5
    assert sent(shop) == 7
    assert zalosync(shop.root, "show", "a.zsplan", "--json").json["sealed"]["state"] == "applicable"
    assert applied(shop).code == 0
    assert sent(shop) == len(shop.valid)
    refused(applied(shop), 4, "consumed")


def test_a_changed_approval_file(shop: Shop) -> None:
    """A line that was written by hand is refused: 4."""
    planned(shop)
    approved(shop)
    path = approvals_path(shop.root / "a.zsplan")
    line = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**line, "name": "boss@example.vn"}) + "\n", encoding="utf-8")
    refused(applied(shop), 4, "was changed")


def test_no_plan_and_no_terminal(shop: Shop) -> None:
    """There is nobody to ask: 64."""
    refused(zalosync(shop.root, "apply"), 64, "no terminal")


def test_a_protected_environment_takes_a_sealed_and_approved_plan_only(tmp_path: Path) -> None:
    """Without FILE: 3; without a yes: 3, although no policy asks for one."""
    shop = make_shop(tmp_path / "shop", "  {}\n")
    project = shop.root / "zalosync.yaml"
    project.write_text(f"{project.read_text(encoding='utf-8')}      protected: true\n", encoding="utf-8")
    lock = (
        'templates: {"322307": {sender: "4097700000000000001", status: ENABLE, tag: TRANSACTION, pulledAt: '
    )
    lock += "2026-11-23T08:00:00Z, parameters: {customer_name: {}, order_code: {}}}}\n"
    (shop.root / "templates.lock.yaml").write_text(lock, encoding="utf-8")
    refused(zalosync(shop.root, "apply", "--auto-approve"), 3, "protected")
    done = planned(shop)
    assert "needs 1 approval (environment here is protected)" in done.out
    refused(applied(shop), 3, "needs 1 approval and has 0")
    approved(shop)
    assert applied(shop).code == 0


def test_own_files_are_written_anew(shop: Shop) -> None:
    """A plan over a plan, skips over skips, a report over a report, and each over an empty file."""
    for place in ("a.zsplan", "skips.csv", "skips.jsonl", "report.html"):
        (shop.root / place).touch()
    for _ in range(2):
        for skips in ("skips.csv", "skips.jsonl"):
            done = zalosync(shop.root, "plan", "--output", "a.zsplan", "--skips", skips)
            assert done.code == 0, done.err
        assert zalosync(shop.root, "audit", "report").code == 0


def test_a_preview_says_who_must_approve(shop: Shop) -> None:
    """Rules need counts only, and a pull request is where people look for them."""
    done = zalosync(shop.root, "plan", "--preview", "--json")
    (needed,) = done.json["approvals_needed"]
    assert (needed["count"], needed["messages"]) == (1, len(shop.valid))
