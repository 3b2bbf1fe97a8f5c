"""What people and CI read of a plan: names draw nothing in it, call nobody, and command nothing."""

import html.parser
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.desk import Desk, phones
from zalosync.console import documents
from zalosync.console.display import inert
from zalosync.console.hints import spelled
from zalosync.console.markdown import LONGEST, code
from zalosync.console.plan_html import plan_html
from zalosync.console.plan_markdown import plan_markdown
from zalosync.console.plan_state import diff_lines, state_lines
from zalosync.console.plan_text import plan_lines
from zalosync.console.planned import plan_document

pytestmark = pytest.mark.hostile

HOSTILE = [
    "</details></summary>",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "![tracker](https://evil.example/x.png)",
    "[click](https://evil.example)",
    "https://evil.example/auto",
    "@everyone @org/team",
    "#1 GH-1 owner/repo#1",
    "`",
    "``",
    "```\n# Title\n```",
    "a`b``c```d",
    "` leading and trailing `",
    "\n# 0 changes\n",
    "\r\n::error file=x::boom",
    "::add-mask::secret",
    "::stop-commands::x",
    "##[error]boom",
    "x ##[error]all good",
    "##vso[task.complete]x",
    "wide " * 14 + "::error::boom ::warning::boom",
    "<!-- zalosync:plan environment=here truncated=false -->",
    "| a | b |\n|---|---|",
    "***bold***",
    "~~gone~~",
    "- item",
    "> quote",
    "    code",
    "$x^2$",
    ":tada:",
    "\x1b[2K\x1b[1A\x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "\ud800",
    "&lt;b&gt; &amp;",
    "{{ 7 * 7 }}",
    "{% include 'x' %}",
    "\\`",
    "a\\",
    "",
    " ",
    "\t",
    "x" * 5_000,
    "\x00nul",
    "</title></style><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    '" autofocus onfocus="x',
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A plan's document without anything strange."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.policy("limits", "maxRecipientsPerPlan: 1")
    desk.campaign("a", phones(20))
    desk.send("a", limit=5)
    desk.campaign("b", phones(5), more='smsFailover: {text: "{{ code }}"}\n')
    with desk.plan() as plan:
        document = plan_document(plan)
    rule = {"count": 1, "not_author": False, "signed": False, "by": "rule"}
    document["approvals_needed"] = [{**rule, "above": 1, "messages": 2, "sms": 1}]
    document["campaigns"][0]["samples"] = [{"values": {"name": "•••"}, "failover": "•••", "segments": 1}]
    document["campaigns"][0]["webhook_host"] = "hooks.example.vn"
    document["campaigns"][0]["findings"].append({**document["findings"][0], "message": "blocks"})
    document["campaigns"][1]["failover_sender"] = "SHOPVN"
    return {**document, "sealed": SEALED}


SEALED = {
    "state": "stale",
    "reason": "why",
    "missing": "two",
    "created_at": "2026-12-01T05:00:00Z",
    "expires_at": "2026-12-02T05:00:00Z",
    "actor": "actor",
    "commit": "commit",
    "dirty": True,
    "approvals": [
        {
            "name": "name",
            "at": "2026-12-01T06:00:00Z",
            "reason": "yes",
            "actor": "actor",
            "signed": True,
            "older": True,
        }
    ],
}


# Strings that the code itself chooses from, and numbers and times that it formats.
OURS = {"kind", "severity", "mode", "irrevocable", "tag", "id", "currency", "timezone", "in", "digest"} | {
    "created_at",
    "starts_at",
    "ends_at",
    "send_at",
    "expires_at",
    "at",
    "state",
}


def infected(value: Any, text: str, key: str = "") -> Any:
    """The document with this text in every place that a name, a path or a message can fill."""
    if isinstance(value, dict):
        return {name: infected(inner, text, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [infected(inner, text, key) for inner in value]
    return text if isinstance(value, str) and key not in OURS else value


def nodes(text: str) -> list[Token]:
    """Every node that a CommonMark parser (with GitHub's tables) finds."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found += [token, *(token.children or [])]
    return found


def shape(text: str) -> list[tuple[str, str]]:
    """What kind of nodes there are, and the raw HTML."""
    return [(token.type, token.content if token.type.startswith("html") else "") for token in nodes(text)]


def commands(line: str) -> bool:
    """Whether a CI system finds a command in a line: GitHub's trims it, and looks for `##[` anywhere."""
    return line.lstrip().startswith("::") or "##[" in line or "##vso[" in line


FILLED = [text for text in HOSTILE if text]  # where there is nothing, less is shown


@pytest.mark.parametrize("text", FILLED, ids=range(len(FILLED)))
def test_data_never_makes_a_node_of_its_own(plain: dict[str, Any], text: str) -> None:
    """The comment has the same nodes whatever stands in the data: all of it is text in inline code."""
    document = infected(plain, text)
    shown = plan_markdown(document, explain=True)
    usual = plan_markdown(infected(plain, "usual"), explain=True)
    assert [kind for kind in shape(shown) if kind[0] != "html_block" or "zalosync:plan" not in kind[1]] == [
        kind for kind in shape(usual) if kind[0] != "html_block" or "zalosync:plan" not in kind[1]
    ]
    assert not [token for token in nodes(shown) if token.type in ("link_open", "image", "html_inline")]
    for line in shown.splitlines():
        assert not commands(inert(line))
        assert len(inert(line)) == len(line)
        assert not any(unicodedata.category(letter) in ("Cc", "Cs") or letter == "\u202e" for letter in line)
    for word in ("@everyone", "@org"):
        assert word not in shown
    assert shown.count("<!-- zalosync:plan") == 1
    assert len(shown) < LONGEST
    shown.encode("utf-8")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_keeps_its_lines(plain: dict[str, Any], text: str) -> None:
    """No control character, no line that is a workflow command, no more lines than the words need."""
    document = infected(plain, text)
    sealed = infected(SEALED, text)
    moved = {
        "same": False,
        "before": {"digest": "sha256:x", "to_send": 1},
        "after": {"digest": "sha256:y", "to_send": 2},
        "inputs": [text],
        "campaigns": [
            {"name": text, "in": "both", "came": 1, "went": 0, "changed": 0, "same": 0, "actions": []}
        ],
    }
    for lines in (plan_lines(document, explain=True), state_lines(sealed, "UTC"), diff_lines(moved)):
        for line in map(spelled, lines):
            assert "\n" not in line
            assert not commands(line)
            assert not any(unicodedata.category(letter) in ("Cc", "Cs", "Cf") for letter in line), repr(line)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_document_commands_nothing(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON in a job's log is the same document, and nothing in it is a command."""
    written = {"text": text.encode("utf-8", "replace").decode()}
    for line in (False, True):
        documents.write(written, line=line)
        printed = capsys.readouterr().out
        assert json.loads(printed)["text"] == written["text"]
        assert not any(commands(each) for each in printed.splitlines())


class Reader(html.parser.HTMLParser):
    """Gathers the tags of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one."""
        self.tags.append((tag, tuple(name for name, _ in attrs)))


def tags(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """All tags of a page."""
    reader = Reader()
    reader.feed(page)
    return reader.tags


@pytest.mark.parametrize("text", FILLED, ids=range(len(FILLED)))
def test_a_page_has_our_tags_only(plain: dict[str, Any], text: str) -> None:
    """No tag and no attribute comes from data."""
    page = plan_html(infected(plain, text))
    assert tags(page) == tags(plan_html(infected(plain, "usual")))
    page.encode("utf-8")


@pytest.mark.parametrize("text", ["", "`", "``", "a`", "`a", "a``b`", "```", "@a", "x" * 999, " "])
def test_inline_code_is_closed_by_us(text: str) -> None:
    """One code node with the text, and nothing behind it."""
    (inline,) = [token for token in MarkdownIt("commonmark").parse(code(text)) if token.type == "inline"]
    assert [child.type for child in inline.children or []] == ["code_inline"]


def test_a_plan_of_any_size_fits_a_comment(plain: dict[str, Any]) -> None:
    """A thousand campaigns with a hundred findings each are cut, and the comment says so."""
    (campaign, _) = plain["campaigns"]
    finding = {**plain["findings"][0], "message": "m" * 600}
    many = [{**campaign, "name": f"c{number}", "findings": [finding] * 100} for number in range(1000)]
    shown = plan_markdown({**plain, "campaigns": many, "findings": [finding] * 500}, explain=True)
    assert len(shown) < LONGEST
    assert "truncated=true" in shown.splitlines()[0]
    assert "more campaigns" in shown
    assert plain["digest"] in shown


def test_one_campaign_too_large_for_a_comment(plain: dict[str, Any]) -> None:
    """Even a single one that would not fit is left out rather than cut in the middle."""
    sample = {
        "values": {f"v{number}": "•" * 300 for number in range(100)},
        "failover": "•" * 300,
        "segments": 3,
    }
    huge = {**plain["campaigns"][0], "samples": [sample] * 10, "files": ["f" * 200] * 100}
    shown = plan_markdown({**plain, "campaigns": [huge]})
    assert len(shown) < LONGEST
    assert shown.count("<details>") == shown.count("</details>")


def test_hostile_names_on_disk(tmp_path: Path) -> None:
    """From files with such names to the comment: the same."""
    desk = Desk(tmp_path)
    name = "a`<b>@x)--.csv"
    (tmp_path / "audiences" / name).write_text("phone,code\n0900000001,x\n", encoding="utf-8")
    desk.campaign("a")
    text = (tmp_path / "campaigns" / "a.yaml").read_text(encoding="utf-8")
    desk.write("campaigns/a.yaml", text.replace("../audiences/a.csv", json.dumps(f"../audiences/{name}")))
    with desk.plan() as plan:
        shown = plan_markdown(plan_document(plan))
        page = plan_html(plan_document(plan))
    assert "``audiences/a`<b>@\u200bx)--.csv``" in shown
    assert "a`&lt;b&gt;@x)--.csv" in page
