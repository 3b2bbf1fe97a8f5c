"""Each call of the sandbox: who may, what it answers, both error shapes; each answer held against OpenAPI."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.contract.sandbox_caller import NOON, SENDER, Caller, message
from zalosync.sandbox.routes import Request
from zalosync.sandbox.settings import Credential, ListedTemplate, Property, Settings, Shares

KEY_PATH = f"/zalo/1/sender/{SENDER}/public-key"
TEMPLATES = f"/zalo/1/sender/{SENDER}/templates"
EDIT = f"/zalo/2/sender/{SENDER}/templates"
MEDIA = f"/zalo/1/sender/{SENDER}/media"
QUOTA = f"/zalo/1/sender/{SENDER}/quota"
ALL_DELIVERED = Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0)
NEW_SHAPE = ["action", "description", "errorCode", "resources", "violations"]
CALLS = [
    ("POST", "/zalo/2/messages"),
    ("GET", "/zalo/1/logs"),
    ("GET", "/zalo/1/reports"),
    ("GET", KEY_PATH),
    ("POST", KEY_PATH),
    ("GET", TEMPLATES),
    ("GET", f"{TEMPLATES}/322307"),
    ("POST", EDIT),
    ("PUT", EDIT),
    ("POST", MEDIA),
    ("GET", QUOTA),
]


def _template(**more: Any) -> dict[str, Any]:
    content = {
        "type": "CUSTOM",
        "tag": "TRANSACTION",
        "title": {"value": "Your order is on its way"},
        "buttons": {
            "items": [{"type": "GO_TO_COMPANY_PAGE", "title": "See it", "content": "https://e.example"}]
        },
    }
    params = [{"type": "CUSTOMER_NAME", "name": "customer_name", "sampleValue": "Lan"}]
    base = {"templateName": "Order shipped", "templateContent": content, "params": params}
    return base | {"note": "for orders", "trackingId": "t-1"} | more


def _violations(answer: dict[str, Any]) -> dict[str, str]:
    return {each["property"]: each["violation"] for each in answer["violations"]}


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("key", [None, "", "App", "App other", "Basic !!", "Bearer sandbox", "sandbox"])
def test_no_call_without_credentials(method: str, path: str, key: str | None) -> None:
    """Every call answers 401 in its own error shape to no key, a wrong key and a wrong scheme."""
    reply = Caller().call(method, path, {}, key=key)
    body = orjson.loads(reply.body)
    assert reply.status == 401
    if path == "/zalo/1/logs":
        assert body == {
            "requestError": {"serviceException": {"messageId": "UNAUTHORIZED", "text": "Unauthorized"}}
        }
    else:
        assert sorted(body) == NEW_SHAPE
        assert body["errorCode"] == "E401"


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("zalo:manage", {path for _, path in CALLS}),
        (
            "message:send",
            {"/zalo/2/messages", "/zalo/1/reports", TEMPLATES, f"{TEMPLATES}/322307", EDIT, QUOTA},
        ),
        (
            "zalo:message:send",
            {"/zalo/2/messages", "/zalo/1/reports", TEMPLATES, f"{TEMPLATES}/322307", EDIT, QUOTA},
        ),
        ("zalo:logs:read", {"/zalo/1/logs", "/zalo/1/reports"}),
        ("subscriptions:manage", set()),
    ],
)
def test_scopes_open_the_calls_of_the_contract(scope: Any, allowed: set[str]) -> None:
    """A credential reaches exactly the calls of its scopes; the others answer 403."""
    caller = Caller(Settings(credentials=(Credential(secret="k", scopes=frozenset({scope})),)))
    for method, path in CALLS:
        status = caller.call(method, path, {}, key="App k").status
        assert (status != 403) == (path in allowed), (method, path, status)


@pytest.mark.parametrize(
    ("scheme", "secret", "header"),
    [
        ("App", "k-1", "App k-1"),
        ("Basic", "user:pass:word", "Basic " + b64encode(b"user:pass:word").decode()),
        ("Bearer", "token", "Bearer token"),
        ("IBSSO", "token", "IBSSO token"),
    ],
)
def test_all_schemes_of_the_contract_are_taken(scheme: Any, secret: str, header: str) -> None:
    """App, Basic, Bearer and IBSSO credentials work, each only under its own scheme."""
    caller = Caller(Settings(credentials=(Credential(scheme=scheme, secret=secret),)))
    assert caller.call("GET", QUOTA, key=header).status == 200
    assert caller.call("GET", QUOTA, key=header.lower().replace(scheme.lower(), "App2")).status == 401


def test_paths_and_methods_nobody_has() -> None:
    """Unknown paths answer 404 and wrong methods 405, in the shape of the call they are near."""
    caller = Caller()
    assert caller.call("GET", "/zalo/3/messages").status == 404
    assert caller.call("GET", "/zalo/2/messages").status == 405
    old = caller.call("POST", "/zalo/1/logs")
    assert old.status == 405
    assert "requestError" in orjson.loads(old.body)


def test_a_message_is_taken() -> None:
    """A right message answers 200 with its id, destination and status 7, and the bulk id of the request."""
    answer = Caller().send(message(), schedule={"bulkId": "b-1"})
    assert answer == {
        "bulkId": "b-1",
        "messages": [
            {
                "messageId": "m1",
                "destination": "84901234567",
                "status": {
                    "groupId": 1,
                    "groupName": "PENDING",
                    "id": 7,
                    "name": "PENDING_ENROUTE",
                    "description": "Message sent to next instance",
                },
            }
        ],
    }


def test_ids_are_made_up_where_there_are_none() -> None:
    """Messages without an id get one of their own, the same in every run of the same seed."""
    entry = message() | {"destinations": [{"to": "84901234567"}, {"to": "84901234568"}]}
    first, again = Caller().send(entry), Caller().send(entry)
    ids = {row["messageId"] for row in first["messages"]}
    assert first == again
    assert len(ids) == 2
    assert first["bulkId"]


BROKEN: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("messages", lambda b: b.pop("messages"), "must not be null"),
    ("messages", lambda b: b["messages"].clear(), "must not be empty"),
    ("messages[0].sender", lambda b: b["messages"][0].pop("sender"), "must not be null"),
    ("messages[0].destinations", lambda b: b["messages"][0]["destinations"].clear(), "must not be empty"),
    (
        "messages[0].destinations[0].to",
        lambda b: b["messages"][0]["destinations"][0].pop("to"),
        "must not be null",
    ),
    (
        "messages[0].destinations[0].messageId",
        lambda b: b["messages"][0]["destinations"][0].update(messageId="x" * 201),
        "size must be between 0 and 200",
    ),
    ("messages[0].content.type", lambda b: b["messages"][0]["content"].update(type="POEM"), "must be one of"),
    (
        "messages[0].content.templateName",
        lambda b: b["messages"][0]["content"].update(templateName="322307"),
        "must be an integer",
    ),
    (
        "messages[0].options.validityPeriod.timeUnit",
        lambda b: b["messages"][0].update(options={"validityPeriod": {"amount": 1, "timeUnit": "DAYS"}}),
        "must be one of",
    ),
    (
        "messages[0].options.deliveryTimeWindow.to",
        lambda b: b["messages"][0].update(
            options={
                "deliveryTimeWindow": {
                    "days": ["MONDAY"],
                    "from": {"hour": 8, "minute": 0},
                    "to": {"hour": 8, "minute": 59},
                }
            }
        ),
        "at least one hour",
    ),
    (
        "messages[0].webhooks.callbackData",
        lambda b: b["messages"][0].update(webhooks={"callbackData": "x" * 4001}),
        "size must be between",
    ),
    (
        "options.schedule.bulkId",
        lambda b: b.update(options={"schedule": {"bulkId": "x" * 101}}),
        "size must be between",
    ),
    (
        "options.schedule.sendAt",
        lambda b: b.update(options={"schedule": {"sendAt": "tomorrow"}}),
        "must be a date and time",
    ),
    (
        "options.schedule.sendAt",
        lambda b: b.update(options={"schedule": {"sendAt": "2027-07-01T00:00:00.000+0000"}}),
        "180 days",
    ),
]


@pytest.mark.parametrize(("path", "spoil", "said"), BROKEN)
def test_violations_name_the_property(path: str, spoil: Callable[[dict[str, Any]], Any], said: str) -> None:
    """A broken request answers 400 with the path of each broken property, and nothing of it is taken."""
    caller = Caller()
    body: dict[str, Any] = {"messages": [message("a"), message("b")]}
    spoil(body)
    answer = caller.json("POST", "/zalo/2/messages", body, status=400)
    assert answer["errorCode"] == "E400"
    assert said in _violations(answer)[path]
    assert caller.totals()["accepted"] == 0


def test_all_violations_at_once() -> None:
    """Every broken property of a request is named in one answer."""
    body = {"messages": [message() | {"sender": 5}, {"sender": "1"}]}
    found = _violations(Caller().json("POST", "/zalo/2/messages", body, status=400))
    assert sorted(found) == ["messages[0].sender", "messages[1].content", "messages[1].destinations"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """A body that is no JSON object answers 400."""
    reply = Caller().call("POST", "/zalo/2/messages", body)
    assert reply.status == 400


def test_only_json_is_taken() -> None:
    """Another content type answers 415 and takes nothing."""
    caller = Caller()
    body = orjson.dumps({"messages": [message()]})
    assert caller.call("POST", "/zalo/2/messages", body, content_type="text/xml").status == 415
    assert (
        caller.call("POST", "/zalo/2/messages", body, content_type="application/json; charset=utf-8").status
        == 200
    )
    assert caller.totals()["accepted"] == 1


CONTENTS: list[dict[str, Any]] = [
    {"type": "TEXT", "text": "Xin chào"},
    {"type": "IMAGE", "caption": "", "url": "https://e.example/a.png"},
    {"type": "GIF", "caption": "x", "url": "https://e.example/a.gif", "width": 4, "height": 3},
    {"type": "STICKER", "id": "e1540d"},
    {"type": "QUOTE_CONSULTATION", "text": "We are open", "quoteMessageId": "85f7"},
    {
        "type": "USER_INFORMATION_REQUEST_FORM",
        "title": "t",
        "subtitle": "s",
        "imageUrl": "https://e.example/i.png",
    },
    {"type": "FILE", "url": "https://e.example/i.pdf"},
    {"type": "REACTION", "reactIcon": "HEART", "reactMessageId": "d2e2"},
]


@pytest.mark.parametrize("content", CONTENTS, ids=[str(each["type"]) for each in CONTENTS])
def test_every_content_type_is_taken_and_checked(content: dict[str, Any]) -> None:
    """Each content type is taken with its fields, and refused by name without any one of them."""
    caller = Caller()
    to = "1234567890123456789"
    assert caller.statuses(message("m", to, content=content)) == [("m", 7)]
    for name in content.keys() - {"type"}:
        less = {key: value for key, value in content.items() if key != name}
        answer = caller.send(message("n", to, content=less), status=400)
        assert _violations(answer) == {f"messages[0].content.{name}": "must not be null"}


def test_rows_are_refused_one_by_one() -> None:
    """A bad destination, a foreign sender and a used id are rejected rows of a 200; the others are taken."""
    caller = Caller(Settings(senders=(SENDER,)))
    rows = caller.statuses(
        message("good"),
        message("phone", "0901234567"),
        message("none", ""),
        message("sender", sender="7"),
        message("good"),
    )
    assert rows == [("good", 7), ("phone", 52), ("none", 51), ("sender", 11), ("good", 23)]
    assert caller.totals()["accepted"] == 1
    assert caller.totals()["refused"] == 4


def test_log_filters() -> None:
    """Logs are filtered by sender, destination, ids in both notations, state, time, limit; newest first."""
    caller = Caller(Settings(log_order="newest"))
    for index in range(4):
        caller.send(message(f"m{index}", f"8490000000{index}"))
        caller.wait(10_000)
    assert [row["messageId"] for row in caller.logs("")] == ["m3", "m2", "m1", "m0"]
    assert [row["messageId"] for row in caller.logs("messageId=m1,m2")] == ["m2", "m1"]
    assert [row["messageId"] for row in caller.logs("messageId=m1&messageId=m3")] == ["m3", "m1"]
    assert [row["messageId"] for row in caller.logs("to=84900000002")] == ["m2"]
    assert [row["messageId"] for row in caller.logs("from=1")] == []
    assert [row["messageId"] for row in caller.logs("limit=2")] == ["m3", "m2"]
    assert [row["messageId"] for row in caller.logs("generalStatus=PENDING")] == []
    since = "2027-01-01T04:00:10.000%2B0000"
    assert [row["messageId"] for row in caller.logs(f"sentSince={since}&limit=2")] == ["m3", "m2"]
    assert [row["messageId"] for row in caller.logs(f"sentUntil={since}")] == ["m1", "m0"]


def test_log_problems_in_the_old_shape() -> None:
    """Wrong parameters of the logs answer 400 in the old shape and name each parameter."""
    query = "limit=1001&generalStatus=LOST&sentSince=yesterday"
    answer = Caller().json("GET", "/zalo/1/logs", query=query, status=400)
    problems = answer["requestError"]["serviceException"]["validationErrors"]
    assert sorted(problems) == ["generalStatus", "limit", "sentSince"]
    assert problems["limit"] == ["must be at most 1000"]


def test_logs_ten_times_a_minute() -> None:
    """The eleventh log call within a minute answers 429 in the old shape; a minute later it works again."""
    caller = Caller()
    for _ in range(10):
        caller.logs()
    reply = caller.call("GET", "/zalo/1/logs")
    assert reply.status == 429
    assert orjson.loads(reply.body)["requestError"]["serviceException"]["messageId"] == "TOO_MANY_REQUESTS"
    caller.wait(60_000)
    assert caller.call("GET", "/zalo/1/logs").status == 200


def test_other_calls_ten_times_a_second() -> None:
    """The eleventh quota call within a second answers 429, with Retry-After where that is switched on."""
    caller = Caller(Settings(retry_after=True))
    statuses = [caller.call("GET", QUOTA) for _ in range(11)]
    assert [reply.status for reply in statuses] == [200] * 10 + [429]
    assert ("retry-after", "1") in statuses[-1].headers
    assert caller.call("GET", TEMPLATES).status == 200


def test_logs_forget_after_48_hours() -> None:
    """A row is there for 48 hours and not longer."""
    caller = Caller()
    caller.send(message())
    caller.wait(48 * 3_600_000 - 1)
    assert len(caller.logs()) == 1
    caller.wait(1)
    assert caller.logs() == []


def test_key_is_made_once() -> None:
    """GET answers 404 until POST has made the key, a second POST 409, and GET the same key from then on."""
    caller = Caller()
    assert caller.json("GET", KEY_PATH, status=404)["errorCode"] == "ZALO-RSA404"
    key = caller.json("POST", KEY_PATH)["publicKey"]
    assert caller.json("POST", KEY_PATH, status=409)["errorCode"] == "ZALO-RSA409"
    assert caller.json("GET", KEY_PATH)["publicKey"] == key
    assert load_der_public_key(b64decode(key, validate=True)).key_size == 2048  # type: ignore[union-attr]


def test_unknown_senders_are_not_found() -> None:
    """Calls about a sender that is not ours answer 404."""
    caller = Caller(Settings(senders=("1",)))
    for method, path in CALLS[3:]:
        body: object = {"POST": _template(), "PUT": _template(templateId="1")}.get(method)
        if path in (KEY_PATH, MEDIA):
            body = None
        assert caller.call(method, path, body).status in (404, 415), path
    assert caller.call("GET", "/zalo/1/sender/abc/quota").status == 400
    assert caller.call("POST", "/zalo/1/sender/abc/public-key").status == 404


def test_listed_templates() -> None:
    """Listed templates come in pages, by state, and one by one with their contract."""
    listed = tuple(
        ListedTemplate(id=n, status="ENABLE" if n % 2 else "REJECT", properties=(Property(name="a"),))
        for n in range(1, 6)
    )
    caller = Caller(Settings(templates=listed))
    page = caller.json("GET", TEMPLATES, query="page=1&size=2")
    assert [each["templateName"] for each in page["results"]] == [3, 4]
    assert page["paging"] == {"page": 1, "size": 2, "totalPages": 3, "totalResults": 5}
    rejected = caller.json("GET", TEMPLATES, query="status=REJECTED")
    assert [each["templateName"] for each in rejected["results"]] == [2, 4]
    one = caller.json("GET", f"{TEMPLATES}/3")
    assert one["templateProperties"][0] == {
        "name": "a",
        "required": True,
        "type": "STRING",
        "maxLength": 200,
        "minLength": 0,
        "acceptNull": False,
    }
    assert caller.json("GET", TEMPLATES, query="size=101&status=NEW", status=400)["errorCode"] == "E400"


def test_a_template_is_created_and_reviewed() -> None:
    """A new template waits for its review, then it is enabled, and its parameters are its contract."""
    caller = Caller(Settings(review_ms=5000, unlisted_templates=False))
    made = caller.json("POST", EDIT, _template())
    assert (made["status"], made["templateType"], made["tag"]) == ("PENDING_REVIEW", "CUSTOM", "TRANSACTION")
    number = int(made["templateId"])
    assert caller.json("GET", f"{TEMPLATES}/{number}")["status"] == "PENDING_REVIEW"
    caller.wait(5000)
    info = caller.json("GET", f"{TEMPLATES}/{number}")
    assert info["status"] == "ENABLE"
    assert info["templateProperties"][0]["name"] == "customer_name"
    assert caller.json("POST", EDIT, _template(), status=409)["errorCode"] == "ZALO-TMP409"
    assert caller.call("GET", f"{TEMPLATES}/1").status == 404


def test_only_a_rejected_template_is_edited() -> None:
    """Edit works on a rejected template, sends it to review again, and is refused for any other."""
    caller = Caller(Settings(review_ms=5000, review_verdict="REJECT"))
    number = caller.json("POST", EDIT, _template())["templateId"]
    assert caller.json("PUT", EDIT, _template(templateId=number), status=400)["violations"]
    caller.wait(5000)
    assert caller.json("GET", f"{TEMPLATES}/{number}")["reason"]
    edited = caller.json("PUT", EDIT, _template(templateId=int(number), templateName="Order shipped again"))
    assert edited["status"] == "PENDING_REVIEW"
    assert edited["templateName"] == "Order shipped again"
    assert caller.call("PUT", EDIT, _template(templateId="77")).status == 400


def test_template_bodies_are_checked() -> None:
    """Lengths, names and missing parts of a template are named by their path."""
    body = _template(templateName="short", params=[{"type": "CODE", "name": "bad name", "sampleValue": "x"}])
    body["templateContent"] = body["templateContent"] | {"title": {"value": "x"}, "buttons": {"items": []}}
    found = _violations(Caller().json("POST", EDIT, body, status=400))
    assert sorted(found) == [
        "params[0].name",
        "templateContent.buttons.items",
        "templateContent.title.value",
        "templateName",
    ]


def _multipart(image: bytes, name: str = "file") -> tuple[bytes, str]:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="a.png"'
    head = f"--x\r\n{disposition}\r\nContent-Type: image/png\r\n\r\n"
    return head.encode() + image + b"\r\n--x--\r\n", "multipart/form-data; boundary=x"


def test_media_upload() -> None:
    """An image gets an id; no image, no part named `file` and another content type are refused."""
    caller = Caller()
    png = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    body, content_type = _multipart(png)
    reply = caller.call("POST", MEDIA, body, content_type=content_type)
    assert reply.status == 201
    assert orjson.loads(reply.body)["mediaId"].startswith("media")
    assert caller.call("POST", MEDIA, _multipart(b"GIF89a")[0], content_type=content_type).status == 400
    assert caller.call("POST", MEDIA, _multipart(png, "image")[0], content_type=content_type).status == 400
    assert caller.call("POST", MEDIA, png, content_type="image/png").status == 415
    unknown = {"type": "IMAGE", "mediaId": "unknown"}
    logo = {"light": unknown, "dark": unknown}
    content = _template()["templateContent"] | {"logo": logo}
    found = _violations(caller.json("POST", EDIT, _template(templateContent=content), status=400))
    assert "templateContent.logo.light.mediaId" in found


def test_quota_falls_with_what_goes_out() -> None:
    """The remaining daily quota falls by one for each message that leaves."""
    caller = Caller(Settings(daily_quota=10))
    caller.send(message("a"), message("b"))
    assert caller.json("GET", QUOTA)["remainingDailyQuota"] == 8
    caller.wait(24 * 3_600_000)
    assert caller.json("GET", QUOTA)["remainingDailyQuota"] == 10


def test_the_date_is_the_sandboxs_own() -> None:
    """Every answer carries the Date of the sandbox's clock."""
    caller = Caller(now=NOON)
    reply = caller.call("GET", QUOTA)
    assert dict(reply.headers)["date"] == "Fri, 01 Jan 2027 04:00:00 GMT"


@pytest.mark.parametrize(
    ("path", "root"), [("/zalo/2/messages", "ApiError"), ("/zalo/1/logs", "ApiException")]
)
def test_refusals_in_xml(path: str, root: str) -> None:
    """Who accepts XML alone gets the shared refusals in XML, in the shape of the call."""
    method = "POST" if path.endswith("messages") else "GET"
    caller = Caller()
    request = Request(method, path, "", {"accept": "application/xml"}, b"")
    reply = caller.model.handle(request, caller.now)
    assert reply.status == 401
    assert dict(reply.headers)["content-type"] == "application/xml"
    found = ET.fromstring(reply.body.decode())  # noqa: S314 - our own text
    assert found.tag == root
    said = found.findtext("errorCode") or found.findtext("requestError/serviceException/messageId")
    assert said in ("E401", "UNAUTHORIZED")
    if root == "ApiError":
        assert found.findtext("resources/resource/name") == "API Authentication"
        assert found.find("violations") is not None


def test_a_created_template_can_be_sent() -> None:
    """A created template is refused while it waits, goes out once it is enabled, and keeps its contract."""
    settings = Settings(review_ms=5000, unlisted_templates=False, shares=ALL_DELIVERED)
    caller = Caller(settings)
    number = int(caller.json("POST", EDIT, _template())["templateId"])

    def content(**values: str) -> dict[str, Any]:
        return {"type": "TEMPLATE", "templateName": number, "templateData": values}

    caller.send(message("early", content=content(customer_name="Lan")))
    caller.wait(5000)
    caller.send(message("right", content=content(customer_name="Lan")), message("wrong", content=content()))
    caller.send(message("other", content=content(customer_name="Lan"), sender="5"))
    found = {name: caller.seen(name)["rows"][0]["error"] for name in ("early", "right", "wrong", "other")}
    assert found == {"early": 7009, "right": 0, "wrong": 7008, "other": 7009}


def test_an_edit_needs_known_images_too() -> None:
    """Once images are uploaded, an edit that names another one is refused; so is a body that is no JSON."""
    caller = Caller(Settings(review_ms=0, review_verdict="REJECT"))
    number = caller.json("POST", EDIT, _template())["templateId"]
    caller.wait(1)
    body, content_type = _multipart(b"\xff\xd8\xff\xe0")
    media = orjson.loads(caller.call("POST", MEDIA, body, content_type=content_type).body)["mediaId"]

    def image(media_id: str) -> dict[str, Any]:
        items = [{"type": "IMAGE", "mediaId": media_id}]
        content: dict[str, Any] = _template()["templateContent"]
        return content | {"image": {"items": items}}

    answer = caller.json("PUT", EDIT, _template(templateId=number, templateContent=image("x")), status=400)
    assert "templateContent.image.items[0].mediaId" in _violations(answer)
    assert caller.call("PUT", EDIT, _template(templateId=number, templateContent=image(media))).status == 200
    assert caller.call("POST", EDIT, b"{").status == 400


def test_too_large_an_image() -> None:
    """An image over five megabytes is refused."""
    body, content_type = _multipart(b"\xff\xd8\xff" + bytes(5 * 1024 * 1024))
    assert Caller().call("POST", MEDIA, body, content_type=content_type).status == 400


def test_one_end_of_a_window_is_not_enough() -> None:
    """A window names both of its ends, or none."""
    for name, other in (("from", "to"), ("to", "from")):
        window = {"days": ["MONDAY"], name: {"hour": 1, "minute": 0}}
        found = _violations(Caller().send(message(options={"deliveryTimeWindow": window}), status=400))
        assert list(found) == [f"messages[0].options.deliveryTimeWindow.{other}"]
