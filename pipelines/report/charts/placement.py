"""Where labels of points go so that they do not lie on each other: greedy, deterministic, in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

SIDES: tuple[tuple[str, int, int, str], ...] = (
    ("right", 10, 0, "left"),
    ("left", -10, 0, "right"),
    ("above", 0, -13, "center"),
    ("below", 0, 13, "center"),
    ("above right", 9, -12, "left"),
    ("below right", 9, 12, "left"),
    ("above left", -9, -12, "right"),
    ("below left", -9, 12, "right"),
)
"""Name, offset right, offset down and text alignment of each place around a point, best first."""

_CHARACTER_WIDTH = 6.4
_HALF_HEIGHT = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A labelled point in pixels, y downwards."""

    x: float
    y: float
    text: str


def place(anchors: Sequence[Anchor], obstacles: Sequence[tuple[float, float]], *, width: float) -> list[int | None]:
    """Choose a side (index into SIDES) for each label in order, or None where every side hits a label.

    A label may lie on a point only if every side does.

    Args:
        anchors: Labelled points, most important first.
        obstacles: All drawn points, labelled or not.
        width: Width of the plot; a label may not leave it.
    """
    taken: list[tuple[float, float, float, float]] = [(x - 4, y - 4, x + 4, y + 4) for x, y in obstacles]
    chosen: list[int | None] = []
    for anchor in anchors:
        side = _free_side(anchor, taken, width)
        if side is None:
            side = _free_side(anchor, taken[len(obstacles) :], width)
        chosen.append(side)
        if side is not None:
            taken.append(_box(anchor, side))
    return chosen


def _free_side(anchor: Anchor, taken: Sequence[tuple[float, float, float, float]], width: float) -> int | None:
    return next((i for i in range(len(SIDES)) if _fits(_box(anchor, i), taken, width)), None)


def _box(anchor: Anchor, side: int) -> tuple[float, float, float, float]:
    _, dx, dy, align = SIDES[side]
    length = _CHARACTER_WIDTH * len(anchor.text)
    start = anchor.x + dx - {"left": 0.0, "right": length, "center": length / 2}[align]
    return start, anchor.y + dy - _HALF_HEIGHT, start + length, anchor.y + dy + _HALF_HEIGHT


def _fits(
    box: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]], width: float
) -> bool:
    left, top, right, bottom = box
    if left < 0 or right > width:
        return False
    return all(right <= other[0] or left >= other[2] or bottom <= other[1] or top >= other[3] for other in taken)
