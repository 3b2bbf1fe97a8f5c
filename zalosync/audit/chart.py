"""Where the bars of a campaign's waterfall stand: geometry only, the page draws them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, LABELS, NUMBERS = 760, 196, 130  # of the drawing, of the words left, of the numbers right: SVG units
ROW, BAR = 30, 20  # from bar to bar, and the height of one
LEAST = 2.0  # so that one message of a million is still seen


@dataclass(frozen=True, slots=True)
class Step:
    """One bar.

    Attributes:
        label: for people.
        count: how many.
        whole: the number that the share is told of; 0: no share is told.
        start: how many stand left of it.
        kind: of the colour.
        meaning: the label in a sentence, for the table.
    """

    label: str
    count: int
    whole: int
    start: int
    kind: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step with its place in SVG units."""

    step: Step
    x: float
    y: float
    width: float


def waterfall(steps: Sequence[Step]) -> tuple[Bar, ...]:
    """Place the bars on one scale: the one that reaches farthest fills the width."""
    scale = (WIDTH - LABELS - NUMBERS) / max((step.start + step.count for step in steps), default=1)
    return tuple(_bar(step, number, scale) for number, step in enumerate(steps))


def _bar(step: Step, number: int, scale: float) -> Bar:
    width = max(step.count * scale, LEAST)
    x = min(LABELS + step.start * scale, WIDTH - NUMBERS - width)
    return Bar(step, round(x, 1), float(number * ROW), round(width, 1))


def height(steps: Sequence[Step]) -> int:
    """Of the whole drawing."""
    return len(steps) * ROW
