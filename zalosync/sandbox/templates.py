"""List, get, create and edit templates; a created or edited one is reviewed after a while."""

from typing import Any, Final

import orjson

from zalosync.sandbox import answers, template_shapes
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.query import Query
from zalosync.sandbox.schedule import stamp
from zalosync.sandbox.settings import ListedTemplate
from zalosync.sandbox.validate import INT64
from zalosync.sandbox.world import World

STATUSES: Final = {
    "ENABLED": "ENABLE",
    "PENDING_REVIEW": "PENDING_REVIEW",
    "REJECTED": "REJECT",
    "DISABLED": "DISABLE",
}
_MAX: Final = {  # characters by type, as partners of Zalo repeat them
    "CUSTOMER_NAME": 30,
    "PHONE_NUMBER": 15,
    "ADDRESS": 200,
    "CODE": 30,
    "CUSTOM_LABELS": 30,
    "TRADING_STATUS": 30,
    "CONTACT_INFORMATION": 50,
    "GENDER_TITLE": 5,
    "PRODUCT_NAME_BRAND": 200,
    "QUANTITY_AMOUNT": 20,
    "TIME": 20,
    "OTP": 10,
    "URL": 200,
    "CURRENCY_VND": 12,
    "BANK_TRANSFER_NOTE": 90,
}
_FIRST_ID: Final = 900_001


def listing(world: World, sender: str, query: Query) -> Reply:
    """One page of a sender's templates, by number."""
    page, size = query.integer("page", 0, 0, INT64[1]), query.integer("size", 100, 1, 100)
    wanted = query.one_of("status", ("ALL", *STATUSES))
    if wanted is None and world.settings.templates_shown == "enabled":
        wanted = "ENABLED"
    if query.problems:
        return answers.api_error(
            "E400", [(name, said) for name, texts in query.problems.items() for said in texts]
        )
    if not world.has_sender(sender):
        return answers.api_error("ZALO-RSA404")
    found = [
        row
        for row in sorted(_all(world, sender), key=lambda each: each["templateName"])
        if wanted in (None, "ALL") or row["status"] == STATUSES[wanted]
    ]
    shown = found[page * size : (page + 1) * size]
    paging = {"page": page, "size": size, "totalPages": -(-len(found) // size), "totalResults": len(found)}
    return answers.ok({"results": shown, "paging": paging})


def get(world: World, sender: str, template: int) -> Reply:
    """One template with its contract."""
    if not world.has_sender(sender):
        return answers.api_error("ZALO-RSA404")
    for each in world.listed(template):
        if each.sender in (None, sender):
            return answers.ok(_listed_info(each))
    row = world.store.rows(
        "SELECT name, status, reason, tag, body FROM templates WHERE id = ? AND sender = ?",
        (template, sender),
    )
    if row:
        return answers.ok(_created_info(template, *row[0]))
    if world.settings.unlisted_templates and not world.listed(template):
        return answers.ok(_listed_info(ListedTemplate(id=template)))
    return answers.api_error("ZALO-RSA404")


def create(world: World, sender: str, body: bytes, now: int) -> Reply:
    """A new template, to be reviewed; a name that is there already is refused."""
    parsed, wrong = _read(world, sender, body, edit=False)
    if wrong is not None:
        return wrong
    name = parsed["templateName"]
    if world.store.value("SELECT 1 FROM templates WHERE sender = ? AND name = ?", (sender, name)):
        return answers.api_error("ZALO-TMP409")
    problems = _unknown_media(world, parsed["templateContent"])
    if problems:
        return answers.api_error("E400", problems)
    tag, kept = _kept(parsed)
    with world.store.write():
        last = world.store.value("SELECT max(id) FROM templates")
        template = max(_FIRST_ID, (last or 0) + 1, *(each.id + 1 for each in world.settings.templates), 0)
        world.store.run(
            "INSERT INTO templates VALUES (?, ?, ?, 'PENDING_REVIEW', '', ?, ?, ?, ?)",
            (template, sender, name, tag, now, now + world.settings.review_ms, kept),
        )
    world.contracts.clear()
    world.wake(now + world.settings.review_ms)
    return _answer(sender, template, name, tag, parsed)


def edit(world: World, sender: str, body: bytes, now: int) -> Reply:
    """Another content for a rejected template, which is reviewed again."""
    parsed, wrong = _read(world, sender, body, edit=True)
    if wrong is not None:
        return wrong
    template = int(parsed["templateId"])
    status = world.store.value("SELECT status FROM templates WHERE id = ? AND sender = ?", (template, sender))
    if status is None:
        return answers.api_error("E400", [("templateId", "is not a template of this sender")])
    if status != "REJECT":
        return answers.api_error("E400", [("templateId", "only a rejected template can be edited")])
    problems = _unknown_media(world, parsed["templateContent"])
    if problems:
        return answers.api_error("E400", problems)
    tag, kept = _kept(parsed)
    name = parsed["templateName"]
    with world.store.write():
        world.store.run(
            "UPDATE templates SET name = ?, status = 'PENDING_REVIEW', reason = '', tag = ?, review_at = ?,"
            " body = ? WHERE id = ?",
            (name, tag, now + world.settings.review_ms, kept, template),
        )
    world.contracts.clear()
    world.wake(now + world.settings.review_ms)
    return _answer(sender, template, name, tag, parsed)


def _read(world: World, sender: str, body: bytes, *, edit: bool) -> tuple[dict[str, Any], Reply | None]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}, answers.api_error("E400", [("", "must be a JSON object")])
    violations = template_shapes.template_request(edit=edit, manner=world.manner)(parsed)
    if violations:
        return {}, answers.api_error("E400", violations)
    if not world.has_sender(sender):
        return {}, answers.api_error("ZALO-RSA404")
    return parsed, None


def _unknown_media(world: World, content: dict[str, Any]) -> list[tuple[str, str]]:
    """Images that nobody uploaded; checked only where something was uploaded to this sandbox at all."""
    if not world.store.value("SELECT 1 FROM media LIMIT 1"):
        return []
    places = [
        (f"templateContent.logo.{shade}.mediaId", each["mediaId"])
        for shade, each in (content.get("logo") or {}).items()
    ]
    places += [
        (f"templateContent.image.items[{index}].mediaId", each["mediaId"])
        for index, each in enumerate((content.get("image") or {}).get("items") or ())
    ]
    return [
        (path, "is not an uploaded image")
        for path, media in places
        if not world.store.value("SELECT 1 FROM media WHERE id = ?", (media,))
    ]


def _kept(parsed: dict[str, Any]) -> tuple[str, bytes]:
    content = parsed["templateContent"]
    properties = [
        {"name": each["name"], "type": each["type"], "max_length": _MAX[each["type"]]}
        for each in parsed.get("params") or ()
    ]
    buttons = (content.get("buttons") or {}).get("items") or []
    kept = {"kind": content["type"], "properties": properties, "buttons": buttons}
    return content.get("tag") or "TRANSACTION", orjson.dumps(kept)


def _answer(sender: str, template: int, name: str, tag: str, parsed: dict[str, Any]) -> Reply:
    return answers.ok(
        {
            "templateId": str(template),
            "templateName": name,
            "templateType": parsed["templateContent"]["type"],
            "status": "PENDING_REVIEW",
            "tag": tag,
            "appId": "1",
            "oaId": sender,
            "timeout": 86400,
            "previewUrl": f"https://sandbox.invalid/templates/{template}",
        }
    )


def _all(world: World, sender: str) -> list[dict[str, Any]]:
    listed = [
        {
            "templateName": each.id,
            "displayName": each.name or f"Template {each.id}",
            "status": each.status,
            "createdTime": stamp(0),
        }
        for each in world.settings.templates
        if each.sender in (None, sender)
    ]
    created = world.store.rows(
        "SELECT id, name, status, created_at FROM templates WHERE sender = ?", (sender,)
    )
    return listed + [
        {"templateName": number, "displayName": name, "status": status, "createdTime": stamp(at)}
        for number, name, status, at in created
    ]


def _listed_info(each: ListedTemplate) -> dict[str, Any]:
    properties = [
        {
            "name": item.name,
            "required": item.required,
            "type": item.type,
            "maxLength": item.max_length,
            "minLength": item.min_length,
            "acceptNull": item.accept_null,
        }
        for item in each.properties or ()
    ]
    return {
        "templateName": each.id,
        "displayName": each.name or f"Template {each.id}",
        "status": each.status,
        "reason": each.reason,
        "templateProperties": properties,
        "templateButtons": [],
        "previewUrl": f"https://sandbox.invalid/templates/{each.id}",
        "templateTag": each.tag,
    }


def _created_info(template: int, name: str, status: str, reason: str, tag: str, raw: bytes) -> dict[str, Any]:
    body = orjson.loads(raw)
    return {
        "templateName": template,
        "displayName": name,
        "status": status,
        "reason": reason,
        "templateProperties": [
            {
                "name": each["name"],
                "required": True,
                "type": "STRING",
                "maxLength": each["max_length"],
                "minLength": 0,
                "acceptNull": False,
            }
            for each in body["properties"]
        ],
        "templateButtons": body["buttons"],
        "previewUrl": f"https://sandbox.invalid/templates/{template}",
        "templateTag": tag,
    }
