"""What JSON Schema can tell of texts whose form the models check: for editors, and in words for the page.

A pattern here refuses nothing that the models accept; where it cannot tell (whether there is such a day, such
a zone, such a host in the project) it lets pass. Written so that JavaScript and Python read it alike.
"""

from collections.abc import Mapping
from typing import Any, Final

# Of what is not printable, what people meet: controls, spaces that only look like one, marks of direction.
_HIDDEN: Final = r"\u0000-\u001f\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"

NAME: Final = "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
SENDER: Final = "^[0-9]{1,19}$"
PRINTABLE: Final = rf"^(?=.*\S)[^{_HIDDEN}]+$"
PATH: Final = rf"^(?![/~])(?![A-Za-z]:)(?!.*://)[^\\{_HIDDEN}]+$"
DURATION: Final = "^(?=[0-9]{1,6}[smhd]$)0*[1-9]"
VALIDITY: Final = (  # a duration of 48 hours at most
    "^(?=[0-9]{1,6}[smhd]$)0*(?:[12]d|(?:[1-9]|[1-3][0-9]|4[0-8])h"
    "|(?:[1-9][0-9]{0,2}|1[0-9]{3}|2[0-7][0-9]{2}|28[0-7][0-9]|2880)m"
    "|(?:[1-9][0-9]{0,4}|1[0-6][0-9]{4}|17[01][0-9]{3}|172[0-7][0-9]{2}|172800)s)$"
)
MOMENT: Final = (
    r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]"
    r"(?::[0-5][0-9])?(?:\.[0-9]{1,3})?(?:Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?$"
)
DAY: Final = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"
CLOCK: Final = "^([01][0-9]|2[0-3]):([0-5][0-9])$"
SHARE: Final = r"^([0-9]{1,6}(?:\.[0-9]{1,3})?)%$"
CURRENCY: Final = "^[A-Z]{3}$"
ZONE: Final = r"^[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*$"
HOST: Final = (
    r"^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
)
_WEB: Final = r"^[Hh][Tt][Tt][Pp][Ss]://[A-Za-z0-9.-]+(?::0*443|:)?"
WEB_URL: Final = rf'{_WEB}(?:[/?][!"$-\[\]-~]*)?#?$'
REPORTS_URL: Final = rf'{_WEB}(?:[/?](?!.*\{{token\}}.*\{{token\}})(?:[!"$-\[\]-z|~]|\{{token\}})*)?#?$'
SMS_SENDER: Final = r"^(?:[0-9]{1,16}|[!-~](?:[ -~]{0,9}[!-~])?)$"
FINGERPRINT: Final = "^sha256:[0-9a-f]{64}$"
BASE_URL: Final = (
    r"^(?:sandbox|[Hh][Tt][Tt][Pp][Ss]://[^/?#@\\\s]+/?"
    r"|[Hh][Tt][Tt][Pp]://(?:[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127\.[0-9.]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?/?)$"
)
LEDGER: Final = r"^(?:sqlite:///(?![/~])[^\\]+|postgresql(?:\+psycopg)?://.*)$"
REPORTS_PATH: Final = r"^/(?!.*\.\.)(?!/)(?!.*//)[A-Za-z0-9/_.-]{1,200}$"
VARIABLE: Final = "^[A-Za-z_][A-Za-z0-9_]*$"
HEADER: Final = "^[A-Za-z0-9-]{1,64}$"
TEMPLATE_NUMBER: Final = "^[1-9][0-9]{0,18}$"

WORDS: Final[Mapping[str, str]] = {
    NAME: "name: 1 to 63 lower-case letters, digits and `-`",
    SENDER: "digits in quotes, 1 to 19",
    DURATION: "duration: `45s`, `90m`, `6h`, `2d`",
    VALIDITY: "duration: `45s`, `90m`, `6h`, `2d`, at most 48 hours",
    MOMENT: "time, with an offset or in the project's zone",
    DAY: "day",
    CLOCK: 'time of day in quotes, `"00:00"` to `"23:59"`',
    SHARE: "share in percent",
    CURRENCY: "three capital letters",
    ZONE: "IANA time zone",
    HOST: "host",
    WEB_URL: "https URL",
    REPORTS_URL: "https URL",
    SMS_SENDER: "up to 16 digits, or up to 11 characters of ASCII",
    FINGERPRINT: "`sha256:` and 64 hexadecimal digits",
    BASE_URL: "`sandbox` or URL",
    LEDGER: "URL of a ledger",
    REPORTS_PATH: "path",
    PATH: "path",
}


def form(pattern: str, **more: Any) -> dict[str, Any]:
    """`json_schema_extra` of a text of this form."""
    return {"pattern": pattern, **more}
