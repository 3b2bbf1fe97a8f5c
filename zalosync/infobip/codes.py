"""What a status or an error of the provider means, in plain words, and what to do about it: data, no logic.

Numbers and flags are from Infobip's public lists of message statuses and error codes; the words are ours.
Errors are those that a Zalo message or its SMS failover can meet; for any other there is a sentence by its
group. Which error a failure at Zalo gets is not published, so words speak of what the number says.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code, for people.

    Attributes:
        words: what happened.
        advice: what to do, as an instruction; empty where there is nothing to do.
        permanent: whether the same message to the same person would fail alike.
    """

    words: str
    advice: str
    permanent: bool


_NUMBER = "correct the number in the audience, or drop the row"
_RESPECT = "put the person on the suppression list"
_LATER = "let a later campaign try; by itself nothing is wrong with the row"
_VALUES = "correct the template data of the campaign, plan again"
_TEMPLATE = "run `zalosync templates pull` and compare the template with the campaign"
_ACCOUNT = "ask Infobip about the account and the sender before sending more"
_QUOTA = "wait until the quota is renewed, or have it raised; `zalosync status` shows what is left"
_PAUSE = "stop the campaign until Infobip or Zalo says that it is mended"
_WINDOW = "set a delivery window and a longer validity"
_FEWER = "send this person less; cap messages per person in a policy"
_NOTHING = ""

_ERRORS: Mapping[int, Meaning] = {
    0: Meaning("no error", _NOTHING, permanent=False),
    # SMS failover: the phone or the number.
    1: Meaning("the mobile network does not know the number", _NUMBER, permanent=True),
    5: Meaning("the mobile network cannot identify the number", _NUMBER, permanent=False),
    6: Meaning("the phone was off or out of reach for SMS", _LATER, permanent=False),
    9: Meaning("the number is blocked by its network", _NUMBER, permanent=True),
    11: Meaning("the number's contract has no SMS", _NUMBER, permanent=True),
    12: Meaning("the phone is blocked by its network", _NUMBER, permanent=True),
    13: Meaning("the operator bars SMS to this number", _NUMBER, permanent=False),
    21: Meaning("the phone or the network cannot take this SMS", _LATER, permanent=False),
    27: Meaning("the phone was off or out of reach", _LATER, permanent=False),
    31: Meaning("the phone was busy with another SMS", _LATER, permanent=False),
    32: Meaning("the SMS was not delivered", _LATER, permanent=False),
    33: Meaning("too many SMS were waiting for this phone", _LATER, permanent=False),
    34: Meaning("the mobile network failed", _LATER, permanent=False),
    255: Meaning("the mobile network gave no reason", _LATER, permanent=False),
    256: Meaning("the phone's memory for SMS is full", _LATER, permanent=False),
    351: Meaning("the recipient's number is not valid, or not on any network", _NUMBER, permanent=False),
    352: Meaning("the country code of the number is not known", _NUMBER, permanent=True),
    355: Meaning("the text is too long", "shorten the failover text", permanent=True),
    368: Meaning("the sender of the SMS is not valid", "correct the failover's sender", permanent=True),
    433: Meaning("the account may not do this", _ACCOUNT, permanent=True),
    502: Meaning("the operator did not answer", _LATER, permanent=False),
    560: Meaning("the operator blocks this sender for this person", _RESPECT, permanent=True),
    561: Meaning("the operator blocks this content for this person", _VALUES, permanent=True),
    566: Meaning("the operator blocks this person for such senders", _RESPECT, permanent=True),
    568: Meaning("the number cannot receive SMS", _NUMBER, permanent=True),
    569: Meaning("the operator has suspended the number", _NUMBER, permanent=True),
    573: Meaning("the person asked the operator to block this sender", _RESPECT, permanent=True),
    581: Meaning("the person has no credit to receive", _LATER, permanent=False),
    592: Meaning("the account is not set up for this network", _ACCOUNT, permanent=True),
    597: Meaning("the account has no sender that reaches this person", _ACCOUNT, permanent=True),
    603: Meaning("the person opted out", _RESPECT, permanent=True),
    604: Meaning("the person is on a blocklist of the account", _RESPECT, permanent=True),
    607: Meaning("the operator took the message for spam", _PAUSE, permanent=True),
    608: Meaning("Infobip's fraud filter stopped the message", _ACCOUNT, permanent=False),
    609: Meaning("the account's daily limit is reached", _QUOTA, permanent=True),
    # Flagged permanent by Infobip, against its own name.
    628: Meaning("the phone failed for the moment", _LATER, permanent=False),
    629: Meaning("the number cannot receive SMS", _NUMBER, permanent=True),
    630: Meaning("the destination is overloaded", _LATER, permanent=True),
    631: Meaning("the operator's network failed", _LATER, permanent=True),
    632: Meaning("the operator refused the SMS", _ACCOUNT, permanent=True),
    810: Meaning("delivery failed", _LATER, permanent=True),
    811: Meaning("the message expired before it reached the phone", _WINDOW, permanent=True),
    815: Meaning("the operator did not confirm the message", _LATER, permanent=True),
    2048: Meaning("the network timed out", _LATER, permanent=False),
    2050: Meaning("the person is on the operator's do-not-disturb list", _RESPECT, permanent=True),
    2052: Meaning("the recipient is on a blocklist", _RESPECT, permanent=True),
    2053: Meaning("the sender is on a blocklist", _ACCOUNT, permanent=True),
    3041: Meaning("the number is no longer in use", _NUMBER, permanent=True),
    4097: Meaning("Infobip handed the message to nobody", _ACCOUNT, permanent=False),
    4098: Meaning("the validity ended before delivery", _WINDOW, permanent=False),
    4099: Meaning("the account's monthly credit is used up", _ACCOUNT, permanent=True),
    4100: Meaning("the message was not passed on within its validity, or cancelled", _WINDOW, permanent=True),
    4101: Meaning("the validity ended before delivery", _WINDOW, permanent=True),
    4103: Meaning("too many messages to this person", _FEWER, permanent=True),
    4104: Meaning("too many equal texts to this person", _FEWER, permanent=True),
    5492: Meaning("the same message was sent to this person before", _NOTHING, permanent=True),
    # Zalo: the chat family.
    7001: Meaning("Zalo does not know the sender's application", _ACCOUNT, permanent=True),
    7002: Meaning("the number has no Zalo account", "use a failover for such people", permanent=True),
    7003: Meaning("the person blocked the sender, or opted out", _RESPECT, permanent=True),
    7004: Meaning("Zalo does not accept the sender's credentials", _ACCOUNT, permanent=True),
    7005: Meaning("Zalo forbids this to the sender", _ACCOUNT, permanent=True),
    7006: Meaning("Zalo refused the request as malformed", _VALUES, permanent=True),
    7007: Meaning("the content does not fit the registered kind of traffic", _TEMPLATE, permanent=True),
    7008: Meaning(
        "template data are missing or invalid, or could not be decrypted",
        "correct the template data; if all encrypted messages fail so, try the other `mgf1`",
        permanent=True,
    ),
    7009: Meaning("the template is not valid", _TEMPLATE, permanent=True),
    7010: Meaning("there is no open conversation with the person", _TEMPLATE, permanent=True),
    7011: Meaning("something is wrong with the person's account", _NUMBER, permanent=True),
    7012: Meaning("the set-up at the provider is wrong", _ACCOUNT, permanent=False),
    7016: Meaning("sending is restricted for the sender's quality", _PAUSE, permanent=True),
    7017: Meaning("too many requests to Zalo", "lower the campaign's speed", permanent=False),
    7018: Meaning("Infobip could not map Zalo's answer", _ACCOUNT, permanent=True),
    7019: Meaning("billing failed at Zalo", _ACCOUNT, permanent=True),
    7020: Meaning("the phone could not show the message", _LATER, permanent=True),
    7021: Meaning("Zalo restricts what the sender may do", _ACCOUNT, permanent=True),
    7023: Meaning("the data do not fit together", _VALUES, permanent=True),
    7024: Meaning(
        "the template may not go out at this time (night is 22:00 to 06:00)", _WINDOW, permanent=False
    ),
    7025: Meaning("the person's Zalo app is too old", "use a failover for such people", permanent=True),
    # Flagged permanent by Infobip; quotas are renewed.
    7026: Meaning("a quota of the sender or the template is used up", _QUOTA, permanent=False),
    7027: Meaning("the content is blocked by Zalo's rules", _PAUSE, permanent=True),
    7029: Meaning("the person's identity changed", _NUMBER, permanent=True),
    7030: Meaning("the person blocked this template", _RESPECT, permanent=True),
    7032: Meaning("too many promotions to this person", _FEWER, permanent=True),
    7033: Meaning("the person opted out of promotions", _RESPECT, permanent=True),
    7034: Meaning("the sender is not registered", _ACCOUNT, permanent=True),
    7036: Meaning("the template has not reached the provider yet", _LATER, permanent=False),
    7037: Meaning("the template is not available", _TEMPLATE, permanent=False),
    7050: Meaning("Zalo failed", _LATER, permanent=False),
    7051: Meaning("Zalo did not answer in time", _LATER, permanent=False),
    7052: Meaning("Zalo sent no usable report; the message may have arrived", _NOTHING, permanent=True),
    7080: Meaning("Infobip failed", _LATER, permanent=True),
    7081: Meaning("the sender is not set up for this country or at all", _ACCOUNT, permanent=True),
    # Flagged permanent by Infobip, against its own name.
    7082: Meaning("Infobip's gateway failed for the moment", _LATER, permanent=False),
    7083: Meaning("the service is not activated for the account", _ACCOUNT, permanent=True),
    7084: Meaning("the sender's registration is incomplete", _ACCOUNT, permanent=True),
    7102: Meaning("the number is not matched to a Zalo account", _NUMBER, permanent=True),
    7201: Meaning("the person's device is not supported", "use a failover for such people", permanent=True),
    7280: Meaning("the same request was made before", _NOTHING, permanent=True),
    7281: Meaning("the request comes from a place that is not allowed", _ACCOUNT, permanent=True),
}

_BY_GROUP: Mapping[str, Meaning] = {
    "OK": _ERRORS[0],
    "HANDSET_ERRORS": Meaning("the phone, the app or its network failed", _LATER, permanent=False),
    "USER_ERRORS": Meaning("the recipient, the content or the account is refused", _ACCOUNT, permanent=True),
    "OPERATOR_ERRORS": Meaning("the operator or the provider failed", _LATER, permanent=False),
}
_UNKNOWN_ERROR = Meaning("an error that is in no public list", "ask Infobip what it means", permanent=False)

_STATUSES: Mapping[tuple[int, int], Meaning] = {
    (1, 3): Meaning("handed on; its delivery report is awaited", _NOTHING, permanent=False),
    (1, 7): Meaning("accepted and on its way", _NOTHING, permanent=False),
    (1, 26): Meaning("accepted by Infobip, not yet on its way", _NOTHING, permanent=False),
    (2, 4): Meaning("refused by Zalo or the operator", _NUMBER, permanent=True),
    (2, 9): Meaning("not delivered; most often the person cannot be reached", _NUMBER, permanent=True),
    (2, 31): Meaning("never sent on by Infobip", _ACCOUNT, permanent=True),
    (3, 2): Meaning("handed to Zalo or the operator; not yet delivered", _NOTHING, permanent=False),
    (3, 5): Meaning("delivered", _NOTHING, permanent=False),
    (4, 15): Meaning("the validity ended before delivery", _WINDOW, permanent=True),
    (4, 29): Meaning("no report came; the message may have arrived", "do not send it again", permanent=True),
    (4, 87): Meaning("stopped by Infobip's fraud filter, charged", _ACCOUNT, permanent=True),
    (5, 6): Meaning("the account is not set up for this network", _ACCOUNT, permanent=True),
    (5, 8): Meaning("the number has a wrong prefix or length", _NUMBER, permanent=True),
    (5, 10): Meaning("the person is on a do-not-disturb list", _RESPECT, permanent=True),
    (5, 11): Meaning("the sender is not registered on the account", _ACCOUNT, permanent=True),
    (5, 12): Meaning("the account has no credit left", "top the account up, plan again", permanent=True),
    (5, 13): Meaning("the account blocks this sender", _ACCOUNT, permanent=True),
    (5, 14): Meaning("the recipient is on a blocklist", _RESPECT, permanent=True),
    (5, 17): Meaning("the account's credit has expired", "top the account up, plan again", permanent=True),
    (5, 18): Meaning("a test account may write to its own number only", _ACCOUNT, permanent=True),
    (5, 19): Meaning("the account has no route for this traffic", _ACCOUNT, permanent=True),
    (5, 20): Meaning("too many messages to this person", _FEWER, permanent=True),
    (5, 21): Meaning("refused by a fault of Infobip's", _LATER, permanent=False),
    (5, 23): Meaning("Infobip had this message id before: it was taken then", _NOTHING, permanent=True),
    (5, 24): Meaning("the failover SMS has a bad header", _ACCOUNT, permanent=True),
    (5, 25): Meaning("the failover SMS is too long", "shorten the failover text", permanent=True),
    (5, 51): Meaning("the recipient is missing", _NUMBER, permanent=True),
    (5, 52): Meaning("the recipient's number is not valid", _NUMBER, permanent=True),
    (5, 87): Meaning("stopped by Infobip's fraud filter", _ACCOUNT, permanent=True),
    (5, 100): Meaning(
        "Infobip's platform refused it: malformed, or out of service for the moment", _LATER, permanent=True
    ),
}

_BY_STATUS_GROUP: Mapping[int, Meaning] = {
    0: Meaning("accepted", _NOTHING, permanent=False),
    1: Meaning("accepted, with a status that is in no public list", _NOTHING, permanent=False),
    2: Meaning("not delivered, for a reason of another channel or none public", _ACCOUNT, permanent=True),
    3: Meaning("delivered or handed on; the status is in no public list", _NOTHING, permanent=False),
    4: Meaning("expired, for a reason that is in no public list", _ACCOUNT, permanent=True),
    5: Meaning("refused, for a reason of another channel or none public", _ACCOUNT, permanent=True),
}
_UNKNOWN_STATUS = Meaning("a status that is in no public list", "ask Infobip what it means", permanent=False)


def explain_error(error_id: int, group: str = "") -> Meaning:
    """What an error means; by its group's name (`HANDSET_ERRORS`, …) where the number is not told apart."""
    return _ERRORS.get(error_id) or _BY_GROUP.get(group, _UNKNOWN_ERROR)


def explain_status(group_id: int, status_id: int) -> Meaning:
    """What a status means; keyed by both numbers, since neither alone tells."""
    return _STATUSES.get((group_id, status_id)) or _BY_STATUS_GROUP.get(group_id, _UNKNOWN_STATUS)
