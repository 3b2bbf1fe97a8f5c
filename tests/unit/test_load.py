"""Reading a project: what is loaded, digests that follow meaning, names across files, findings."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zalosync.errors import Place, Problem, SpecError, UsageError
from zalosync.spec.across import policy_findings
from zalosync.spec.findings import Finding
from zalosync.spec.load import load_project, read_campaign, survey_project
from zalosync.spec.loaded import LoadedProject
from zalosync.spec.pinned import templates_lock_text, write_templates_lock

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
PROJECT = """\
apiVersion: zalosync/v1
kind: Project
metadata: {name: shop}
spec:
  specs: ["campaigns/*.yaml"]
  policies: ["policies/*.yaml"]
  timezone: Asia/Ho_Chi_Minh
  environments:
    sandbox: {baseUrl: sandbox}
  allowedWebhookHosts: [hooks.example.vn]
"""
CAMPAIGN = """\
apiVersion: zalosync/v1
kind: Campaign
metadata: {name: shipped}
spec:
  sender: "4097700000000000001"
  template: {name: 322307, tag: TRANSACTION}
  audience: {path: ../audiences/people.csv, phone: phone}
  templateData: {order_code: "{{ order_code }}"}
"""
POLICY = """\
apiVersion: zalosync/v1
kind: Policy
metadata: {name: guardrails}
spec: {maxRecipientsPerPlan: 1000}
"""

Shop = Callable[..., LoadedProject]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project that is right."""
    write(tmp_path, "zalosync.yaml", PROJECT)
    write(tmp_path, "campaigns/shipped.yaml", CAMPAIGN)
    write(tmp_path, "policies/guardrails.yaml", POLICY)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    """A file of the project."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def load(root: Path, environment: str | None = None) -> LoadedProject:
    """The project as it is now."""
    return load_project(root, environment=environment, now=NOW)


def problems(root: Path) -> tuple[Problem, ...]:
    """What is wrong with the project."""
    with pytest.raises(SpecError) as caught:
        load(root)
    return caught.value.problems


def digest(text: str) -> str:
    """The digest of a campaign's text."""
    return read_campaign(text, timezone="Asia/Ho_Chi_Minh", now=NOW).digest


def ids(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    """Which findings, and how grave."""
    return [(each.id, each.severity) for each in findings]


def test_a_project_is_loaded(root: Path) -> None:
    """Names, files and places; campaigns in the order of their names."""
    write(root, "campaigns/a.yaml", CAMPAIGN.replace("shipped", "welcome"))
    project = load(root)
    assert (project.name, project.environment_name, project.root) == ("shop", "sandbox", root)
    assert [(each.name, each.file) for each in project.campaigns] == [
        ("shipped", "campaigns/shipped.yaml"),
        ("welcome", "campaigns/a.yaml"),
    ]
    shipped = project.campaign("shipped")
    assert shipped.place("spec.audience.phone") == Place("campaigns/shipped.yaml", 7, 52)
    assert shipped.place(("spec", "templateData", "order_code")) == Place("campaigns/shipped.yaml", 8, 30)
    assert shipped.place("spec.encrypted") == Place("campaigns/shipped.yaml", 4, 1)
    assert shipped.first_name == "shipped"
    assert [each.name for each in project.policies] == ["guardrails"]
    assert project.prices is None
    assert project.templates == {}
    with pytest.raises(UsageError, match="did you mean `shipped`"):
        project.campaign("shiped")


def test_a_problem_of_a_campaign_has_its_place_and_source(root: Path) -> None:
    """As other rooms raise them, for a column for example."""
    problem = (
        load(root).campaign("shipped").problem("ZS355", "spec.audience.phone", "no such column", meant="tel")
    )
    assert str(problem).startswith("campaigns/shipped.yaml:7:52: spec.audience.phone: no such column")
    assert problem.source.strip().startswith("audience:")
    assert problem.meant == "tel"


def test_a_digest_is_that_of_the_meaning() -> None:
    """Comments, order, white space, quotes, notes, spellings of one time or length, and places of files."""
    same = [
        CAMPAIGN,
        "# a comment\n" + CAMPAIGN,
        CAMPAIGN.replace("{name: 322307, tag: TRANSACTION}", "{tag: 'TRANSACTION', name: 322307}"),
        CAMPAIGN.replace("{name: shipped}", "\n  owner: a@b.vn\n  name: shipped\n  labels: {team: crm}"),
        CAMPAIGN.replace("../audiences/people.csv", "../data/*.csv"),
        CAMPAIGN.replace("phone: phone}", "phone: phone, region: VN, exclude: [../s.csv]}"),
        CAMPAIGN.replace("phone: phone}", "phone: phone, encoding: windows-1258}"),
        CAMPAIGN + "  occurrence: 1\n  encrypted: false\n",
    ]
    assert len({digest(text) for text in same}) == 1
    assert len(digest(CAMPAIGN)) == 64
    timed = CAMPAIGN + "  schedule: {sendAt: 2026-12-01T09:00:00+07:00}\n  validityPeriod: 6h\n"
    again = CAMPAIGN + "  schedule: {sendAt: 2026-12-01 09:00}\n  validityPeriod: {amount: 360}\n"
    assert digest(timed) == digest(again)


@pytest.mark.parametrize(
    "text",
    [
        CAMPAIGN + "  occurrence: 2\n",
        CAMPAIGN + "  encrypted: true\n",
        CAMPAIGN.replace("322307", "322308"),
        CAMPAIGN.replace("{{ order_code }}", "{{ order_code | upper }}"),
        CAMPAIGN.replace("phone: phone", "phone: tel"),
        CAMPAIGN.replace("{name: shipped}", "{name: shipped, previousNames: [sent]}"),
        CAMPAIGN.replace("{name: shipped}", "{name: sent}"),
        CAMPAIGN + "  schedule: {sendAt: 2026-12-01T09:00:00+07:00}\n",
        CAMPAIGN + "  validityPeriod: 6h\n",
        CAMPAIGN + "  onChange: fail\n",
    ],
)
def test_a_change_of_meaning_changes_the_digest(text: str) -> None:
    """Whatever decides what is sent, to whom and when."""
    assert digest(text) != digest(CAMPAIGN)


def test_annotations_are_kept_beside_the_digest() -> None:
    """Policies read labels; readers read the rest."""
    text = CAMPAIGN.replace("{name: shipped}", "{name: shipped, owner: a@b.vn, labels: {team: crm}}")
    assert read_campaign(text, now=NOW).annotations == {
        "description": "",
        "owner": "a@b.vn",
        "labels": {"team": "crm"},
    }


def test_a_rename_keeps_the_first_name() -> None:
    """Identities are made from the oldest name for ever."""
    text = CAMPAIGN.replace("{name: shipped}", "{name: shipped, previousNames: [first, second]}")
    assert read_campaign(text, now=NOW).first_name == "first"


@pytest.mark.parametrize(
    ("one", "two", "code", "file"),
    [
        ("{name: a}", "{name: a}", "ZS201", "campaigns/two.yaml"),
        ("{name: a}", "{name: b, previousNames: [a]}", "ZS202", "campaigns/two.yaml"),
        ("{name: a, previousNames: [b]}", "{name: b}", "ZS202", "campaigns/one.yaml"),
        ("{name: a, previousNames: [x]}", "{name: b, previousNames: [x]}", "ZS202", "campaigns/two.yaml"),
    ],
)
def test_names_that_collide(tmp_path: Path, one: str, two: str, code: str, file: str) -> None:
    """Two of one name, and a former name that is another's, present or former."""
    write(tmp_path, "zalosync.yaml", PROJECT.replace('  policies: ["policies/*.yaml"]\n', ""))
    write(tmp_path, "campaigns/one.yaml", CAMPAIGN.replace("{name: shipped}", one))
    write(tmp_path, "campaigns/two.yaml", CAMPAIGN.replace("{name: shipped}", two))
    (problem,) = problems(tmp_path)
    assert (problem.code, problem.place.file) == (code, file)


def test_names_collide_also_with_a_broken_campaign(root: Path) -> None:
    """The names of files with other mistakes count."""
    write(root, "campaigns/broken.yaml", CAMPAIGN.replace("TRANSACTION", "X"))
    assert {problem.code for problem in problems(root)} == {"ZS134", "ZS201"}


def test_all_problems_of_all_files_come_at_once(root: Path) -> None:
    """Project, campaigns, policies, prices and pinned templates, in the order of files and lines."""
    write(root, "zalosync.yaml", PROJECT + "  prices: prices.yaml\n  polices: []\n")
    write(root, "campaigns/shipped.yaml", CAMPAIGN + "  encrypted: yes\n  validityPeriod: 3d\n")
    write(root, "campaigns/unreadable.yaml", "a: [\n")
    write(root, "policies/guardrails.yaml", POLICY.replace("1000", "0"))
    write(root, "prices.yaml", "currency: eur\n")
    write(root, "templates.lock.yaml", "templates: []\n")
    found = [(problem.place.file, problem.code) for problem in problems(root)]
    assert found == [
        ("campaigns/shipped.yaml", "ZS132"),
        ("campaigns/shipped.yaml", "ZS209"),
        ("campaigns/unreadable.yaml", "ZS111"),
        ("policies/guardrails.yaml", "ZS135"),
        ("prices.yaml", "ZS136"),
        ("templates.lock.yaml", "ZS132"),
        ("zalosync.yaml", "ZS130"),
    ]


def test_meaning_is_checked_beside_wrong_shapes(root: Path) -> None:
    """A wrong type in one place does not hide a contradiction in another."""
    text = CAMPAIGN + "  encrypted: yes\n  sendingMode: AUTO\n  schedule: {mode: hold}\n"
    write(root, "campaigns/shipped.yaml", text)
    assert [problem.code for problem in problems(root)] == ["ZS132", "ZS211", "ZS210"]


def test_what_rests_on_a_wrong_value_is_not_said(root: Path) -> None:
    """With a misspelt tag nobody knows whether the sending mode fits."""
    text = CAMPAIGN.replace("TRANSACTION", "PROMOTON") + "  sendingMode: AUTO\n"
    write(root, "campaigns/shipped.yaml", text)
    assert [problem.code for problem in problems(root)] == ["ZS134"]


def test_a_file_that_is_not_ours_is_never_quoted(root: Path) -> None:
    """A list of specs may name any file; what stands in it is not shown."""
    write(root, "zalosync.yaml", PROJECT.replace('"campaigns/*.yaml"', "notes.txt"))
    write(root, "notes.txt", "password: canary-value\nnumbers: [0901234567]\n")
    found = problems(root)
    assert found
    assert all("canary" not in repr(problem) and "0901" not in repr(problem) for problem in found)


def test_environments(root: Path) -> None:
    """The one named, else the default, else the only one; a wrong name says what there is."""
    write(root, "zalosync.yaml", PROJECT.replace("sandbox: {", "test: {baseUrl: sandbox}\n    sandbox: {"))
    assert load(root, "test").environment_name == "test"
    with pytest.raises(UsageError, match="name one with --env: test, sandbox"):
        load(root)
    with pytest.raises(UsageError, match="did you mean `sandbox`"):
        load(root, "sandbx")
    assert load_project(root, environment=None, now=NOW, offline=True).environment_name == "test"
    text = (
        (root / "zalosync.yaml")
        .read_text()
        .replace("  timezone", "  defaultEnvironment: sandbox\n  timezone")
    )
    write(root, "zalosync.yaml", text)
    assert load(root).environment_name == "sandbox"


def test_no_project_is_a_usage_error(tmp_path: Path) -> None:
    """With the way out."""
    with pytest.raises(UsageError, match="zalosync init") as caught:
        load(tmp_path)
    assert caught.value.code == "ZS100"


def test_a_file_is_read_once_however_often_it_is_listed(root: Path) -> None:
    """Overlapping globs do not make a campaign twice."""
    write(
        root, "zalosync.yaml", PROJECT.replace('["campaigns/*.yaml"]', '["campaigns/*.yaml", "campaigns/**"]')
    )
    assert len(load(root).campaigns) == 1


def test_unpinned_templates_are_found(root: Path) -> None:
    """A warning, an error in protected environments, nothing once the template is pinned."""
    assert ids(load(root).findings) == [("template-unpinned", "warn")]
    live = "    live: {baseUrl: https://a.api.infobip.com, protected: true, apiKey: {env: K}}\n"
    write(root, "zalosync.yaml", PROJECT.replace("    sandbox", f"{live}    sandbox"))
    assert ids(load(root, "live").findings) == [("template-unpinned", "error")]
    contract = (
        'templates:\n  "322307":\n    sender: "4097700000000000001"\n    status: ENABLE\n'
        "    pulledAt: 2026-11-23T08:00:00Z\n"
    )
    write(root, "templates.lock.yaml", contract)
    assert load(root, "live").findings == ()
    assert load(root, "live").templates[322307].status == "ENABLE"
    write(root, "templates.lock.yaml", contract.replace("ENABLE", "PENDING_REVIEW"))
    assert ids(load(root, "live").findings) == [("template-disabled", "error")]


def test_a_protected_environment_needs_pinned_keys(root: Path) -> None:
    """For senders of encrypted campaigns."""
    live = "    live: {baseUrl: https://a.api.infobip.com, protected: true, apiKey: {env: K}}\n"
    write(root, "zalosync.yaml", PROJECT.replace("    sandbox", f"{live}    sandbox"))
    write(root, "campaigns/shipped.yaml", CAMPAIGN + "  encrypted: true\n")
    assert ("public-key-unpinned", "error") in ids(load(root, "live").findings)
    pinned = live.replace("apiKey", f'publicKeys: {{"4097700000000000001": "sha256:{"0" * 64}"}}, apiKey')
    write(root, "zalosync.yaml", PROJECT.replace("    sandbox", f"{pinned}    sandbox"))
    assert ("public-key-unpinned", "error") not in ids(load(root, "live").findings)


def test_other_findings(root: Path) -> None:
    """A foreign host, a promotional SMS without a way out, a window in a zone with daylight saving."""
    write(root, "zalosync.yaml", PROJECT.replace("{baseUrl: sandbox}", "{baseUrl: https://gw.example.vn}"))
    text = CAMPAIGN.replace("TRANSACTION", "PROMOTION") + (
        '  smsFailover: {text: "Giam gia"}\n'
        "  schedule:\n    deliveryTimeWindow:\n"
        '      {days: [MONDAY], from: "08:00", to: "20:00", timezone: Europe/Berlin}\n'
    )
    write(root, "campaigns/shipped.yaml", text)
    assert sorted(name for name, _ in ids(load(root).findings)) == [
        "base-url-host",
        "failover-without-optout",
        "template-unpinned",
        "window-clock-change",
    ]
    for way_out in ("TC gui 1800", "Từ chối: 1800", "reply STOP", "Hủy: 1800"):
        write(root, "campaigns/shipped.yaml", text.replace("Giam gia", f"Giam gia. {way_out}"))
        assert "failover-without-optout" not in dict(ids(load(root).findings))


def test_policies_set_the_severity_of_findings(root: Path) -> None:
    """Stricter at once; weaker only with a reason and until a day; the strictest policy counts."""

    def rule(text: str) -> dict[str, str]:
        write(
            root,
            "policies/guardrails.yaml",
            POLICY.replace("maxRecipientsPerPlan: 1000", f"rules: {{{text}}}"),
        )
        return dict(ids(load(root).findings))

    assert rule("template-unpinned: error") == {"template-unpinned": "error"}
    waiver = "template-unpinned: {severity: off, reason: new account, until: %s}"
    assert rule(waiver % "2026-11-23") == {}
    assert rule(waiver % "2026-11-22") == {"template-unpinned": "warn", "waiver-expired": "warn"}
    write(
        root,
        "policies/strict.yaml",
        POLICY.replace("guardrails", "strict").replace(
            "maxRecipientsPerPlan: 1000", "rules: {template-unpinned: error}"
        ),
    )
    assert rule(waiver % "2026-11-23") == {"template-unpinned": "error"}


def test_what_policies_forbid_of_a_campaign(root: Path) -> None:
    """Encryption, plain failover texts, senders and templates, each with its place."""
    policy = 'requireEncrypted: true, allowPlaintextFailover: false, allowedSenders: ["1"]'
    write(root, "policies/guardrails.yaml", POLICY.replace("maxRecipientsPerPlan: 1000", policy))
    assert ids(policy_findings(load(root), NOW)) == [
        ("require-encrypted", "error"),
        ("allowed-senders", "error"),
    ]
    write(root, "campaigns/shipped.yaml", CAMPAIGN + "  encrypted: true\n  smsFailover: {text: x}\n")
    found = policy_findings(load(root), NOW)
    assert ids(found) == [("plaintext-failover", "error"), ("allowed-senders", "error")]
    assert found[0].place == Place("campaigns/shipped.yaml", 10, 16)
    write(
        root,
        "policies/guardrails.yaml",
        POLICY.replace("maxRecipientsPerPlan: 1000", "allowedTemplates: [7]"),
    )
    assert ids(policy_findings(load(root), NOW)) == [("allowed-templates", "error")]


def test_a_window_that_wraps_may_be_accepted(root: Path) -> None:
    """`allowWrap` says that the risk is known."""
    window = 'days: [MONDAY], from: "05:00", to: "09:00"'
    write(root, "campaigns/shipped.yaml", CAMPAIGN + f"  schedule: {{deliveryTimeWindow: {{{window}}}}}\n")
    assert [problem.code for problem in problems(root)] == ["ZS208"]
    accepted = f"  schedule: {{deliveryTimeWindow: {{{window}, allowWrap: true}}}}\n"
    write(root, "campaigns/shipped.yaml", CAMPAIGN + accepted)
    assert load(root).campaigns[0].campaign.spec.schedule.delivery_time_window is not None


def test_promotions_may_go_over_the_limit(root: Path) -> None:
    """The modes that cost more exist for them."""
    for mode in ("OVER_THE_LIMIT", "AUTO"):
        text = CAMPAIGN.replace("TRANSACTION", "PROMOTION") + f"  sendingMode: {mode}\n"
        write(root, "campaigns/shipped.yaml", text)
        assert load(root).campaigns[0].campaign.spec.sending_mode == mode


def test_allowed_hosts_are_allowed(root: Path) -> None:
    """Reports, clicks and short links on a listed host; the token may stand in the path."""
    write(
        root,
        "campaigns/shipped.yaml",
        CAMPAIGN + '  webhooks: {delivery: {url: "https://hooks.example.vn/zalo/{token}"}}\n'
        "  tracking: {shortenUrl: true, trackClicks: true, trackingUrl: https://hooks.example.vn/c,"
        " customDomain: hooks.example.vn}\n",
    )
    assert load(root).campaigns


@pytest.mark.parametrize("file", ["zalosync.yaml", "templates.lock.yaml"])
def test_files_of_fixed_names_are_opened_as_safely_as_others(root: Path, file: str) -> None:
    """A link in their place is refused by name."""
    (root / "real.yaml").write_text(PROJECT)
    (root / file).unlink(missing_ok=True)
    (root / file).symlink_to("real.yaml")
    (problem,) = problems(root)
    assert (problem.code, problem.place.file) == ("ZS103", file)


def test_a_link_among_the_specs_is_refused_where_it_is_listed(root: Path) -> None:
    """The place is the list's, the name the link's."""
    (root / "campaigns" / "link.yaml").symlink_to("shipped.yaml")
    (problem,) = problems(root)
    assert (problem.code, problem.place) == ("ZS103", Place("zalosync.yaml", 5, 11))
    assert problem.message.startswith("campaigns/link.yaml: ")


def test_a_campaign_of_text_raises_all_its_problems() -> None:
    """As for a project."""
    with pytest.raises(SpecError) as caught:
        read_campaign(CAMPAIGN.replace("322307", "0") + "  validityPeriod: 3d\n", now=NOW)
    assert [problem.code for problem in caught.value.problems] == ["ZS135", "ZS209"]


def test_a_name_without_a_campaign_or_a_policy_is_no_collision(root: Path) -> None:
    """Files without a name, or with something else in its place, are told apart by their own problem."""
    for number, name in enumerate(("{}", "{name: [a]}", "{name: b, previousNames: [[x], 5]}")):
        write(root, f"campaigns/{number}.yaml", CAMPAIGN.replace("{name: shipped}", name))
    write(root, "policies/nameless.yaml", POLICY.replace("{name: guardrails}", "{}"))
    found = problems(root)
    assert {problem.code for problem in found} == {"ZS131", "ZS132", "ZS133"}, [str(each) for each in found]


def test_the_lock_is_written_the_same_way_each_time(root: Path) -> None:
    """What is read of a lock file and written again is the same; the old file is replaced as a whole."""
    text = """\
# Written by `zalosync templates pull`. Commit it: plans are checked against it.
templates:
  "9":
    sender: "409"
    status: ENABLE
    pulledAt: '2026-11-23T08:00:00Z'
    parameters: {}
  "322307":
    sender: "4097700000000000001"
    status: ENABLE
    tag: TRANSACTION
    displayName: 'Order: shipped'
    pulledAt: '2026-11-23T08:00:00Z'
    parameters:
      order_code:
        required: true
        minLength: 1
        maxLength: 30
        type: STRING
"""
    write(root, "templates.lock.yaml", text)
    templates = load(root).templates
    assert templates_lock_text(templates) == text
    path = write_templates_lock(root, dict(reversed(list(templates.items()))))
    assert path.read_text() == text
    assert path.stat().st_mode & 0o777 == 0o644
    assert sorted(each.name for each in root.iterdir()) == [
        "campaigns",
        "policies",
        "templates.lock.yaml",
        "zalosync.yaml",
    ]


def test_a_lock_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """The old file stays, and no half of a new one."""
    (tmp_path / "templates.lock.yaml").mkdir()
    (tmp_path / "templates.lock.yaml" / "x").touch()
    with pytest.raises(OSError, match="directory"):
        write_templates_lock(tmp_path, {})
    assert [each.name for each in tmp_path.iterdir()] == ["templates.lock.yaml"]


def test_a_survey_holds_what_could_be_read(root: Path) -> None:
    """Campaigns with problems are there for further checks, the project is not."""
    write(root, "campaigns/broken.yaml", CAMPAIGN.replace("shipped", "broken").replace("TRANSACTION", "X"))
    survey = survey_project(root, environment=None, now=NOW)
    assert survey.project is None
    assert [each.name for each in survey.campaigns] == ["broken", "shipped"]
    assert survey.files == 4
    assert survey_project(root, environment=None, now=NOW).problems == survey.problems


def test_the_shipped_projects_are_right(repository: Path) -> None:
    """The example project and the smallest one load without a problem."""
    for folder in ("specs", "examples/minimal"):
        assert load(repository / folder).campaigns
