"""The suite `recommend`: a change that history made, planted bottlenecks, mixes that one surface dominates."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.bench.recommend_history import history
from pipelines.bench.recommend_mixes import mixes
from pipelines.bench.recommend_planted import planted
from pipelines.errors import BadInput

Told = Callable[[str], None]
Rows = list[dict[str, Any]]


def recommend(data: Path | None, told: Told, parts: Sequence[str] = ()) -> Rows:
    """Rows of the parts asked for; all if none is named.

    Raises:
        BadInput: No such part, or part `history` without a folder of measurements.
    """
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise BadInput(f"no part {unknown[0]!r} of recommend; there are: {', '.join(PARTS)}")
    rows: Rows = []
    for name in parts or PARTS:
        told(f"part {name}")
        rows += PARTS[name](data, told)
    return rows


def _history(data: Path | None, told: Told) -> Rows:
    if data is None:
        raise BadInput("part history needs measured tables and runs; name their folder with --data")
    return history(data, told)


PARTS: Mapping[str, Callable[[Path | None, Told], Rows]] = {
    "history": _history,
    "planted": lambda _, told: planted(told),
    "mixes": lambda _, told: mixes(told),
}
"""Parts by name."""
