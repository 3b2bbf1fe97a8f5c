"""Every way the sandbox can misbehave, by a short name that stays."""

from typing import Final

from zalosync.sandbox.refusals import NOTHING_TAKEN, TAKEN_THEN
from zalosync.sandbox.spoiled import BODIES, ROWS
from zalosync.sandbox.turn import Behaviour
from zalosync.sandbox.twists import TWISTS

BEHAVIOURS: Final[dict[str, Behaviour]] = {**NOTHING_TAKEN, **TAKEN_THEN, **BODIES, **ROWS, **TWISTS}
