"""Suites on measured tables: what the chip model says of silicon, beside rooflines, rivals and published figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hwmodel.catalog import load_catalog
from pipelines.errors import BadInput

Rows = list[dict[str, Any]]
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a suite is asked for."""

    data: Path | None
    plots: Path
    families: list[str]
    splits: list[str]
    parts: list[str] = field(default_factory=list)
    truth: Path | None = None
    """Of the search benchmark; the packaged one if None."""
    full: bool = False
    """Make that truth first."""

    @property
    def folder(self) -> Path:
        """The folder of tables.

        Raises:
            BadInput: None was named.
        """
        if self.data is None:
            raise BadInput("this suite needs measured kernel tables; name their folder with --data")
        return self.data


def kernel_accuracy(asked: Asked, told: Told) -> Rows:
    """Shapes and chips held out."""
    from pipelines.bench.kernel_accuracy import kernel_accuracy as measure  # noqa: PLC0415 - loads scikit-learn

    rows = measure(asked.folder, asked.plots, families=asked.families, splits=asked.splits, told=told)
    return [asdict(row) for row in rows]


def design_change(asked: Asked, told: Told) -> Rows:
    """Speed-ups from one chip to another."""
    from pipelines.bench.design_change import design_changes  # noqa: PLC0415

    return [asdict(row) for row in design_changes(asked.folder, families=asked.families, told=told)]


def kernel_rivals(asked: Asked, told: Told) -> Rows:
    """LLMCompass and GenZ on the shapes that they were run on, NeuSight on its published predictions."""
    from hwmodel.silicon.neusight import neusight_comparison  # noqa: PLC0415
    from hwmodel.silicon.rivals import rival_comparison  # noqa: PLC0415
    from hwmodel.timing import FIRST_CONSTANTS  # noqa: PLC0415

    rows = [asdict(row) for row in rival_comparison(asked.folder, load_catalog(), FIRST_CONSTANTS)]
    found = neusight_comparison(asked.folder, load_catalog())
    told(
        f"NeuSight: fitted on {found.fitted_rows:,} rows of {', '.join(found.fitted_chips)}; correction at "
        f"{found.trust:g}, a rule that was chosen with the errors on H100 and L4 in view (docs/adr/0017)"
    )
    return [*rows, *({"rival": "NeuSight"} | asdict(row) for row in found.rows)]


def board_power(asked: Asked, told: Told) -> Rows:
    """Power of boards and energy on the rails of embedded chips, shapes held out."""
    from hwmodel.silicon.power import POWER_FAMILIES, RAIL_FAMILIES, power_accuracy  # noqa: PLC0415

    folder, rows = asked.folder, Rows()
    told("board power is calibrated on board power of one data-centre chip; every figure carries at least +-20 %")
    for families in (POWER_FAMILIES, RAIL_FAMILIES):
        tables = {family.name: family.read(folder) for family in families}
        rows.extend(asdict(row) for row in power_accuracy(tables, families)[0])
    return rows


def physical(_asked: Asked, _told: Told) -> Rows:
    """Die areas and module costs beside published figures."""
    from hwmodel.physical.published import physical_rows  # noqa: PLC0415

    return [asdict(row) for row in physical_rows(load_catalog())]


def serving_speed(_asked: Asked, told: Told) -> Rows:
    """Scheduler steps and calls replayed per CPU second."""
    from pipelines.bench.serving_speed import serving_speed as measure  # noqa: PLC0415

    return [asdict(row) for row in measure(told)]


def serving_accuracy(asked: Asked, told: Told) -> Rows:
    """Whole serving runs: the engine on the chip model."""
    from pipelines.bench.serving_accuracy import serving_accuracy as measure  # noqa: PLC0415 - compiles the engine

    return measure(asked.folder, told)


def recommend(asked: Asked, told: Told) -> Rows:
    """What is recommended where the right answer is known."""
    from pipelines.bench.recommend import recommend as measure  # noqa: PLC0415 - compiles the engine

    return measure(asked.data, told, asked.parts)


def search(asked: Asked, told: Told) -> Rows:
    """How much of the best front each way to search finds."""
    from pipelines.bench.search import search_suite  # noqa: PLC0415 - compiles the engine

    return search_suite(asked.truth, told, full=asked.full)


MEASURED: Mapping[str, Callable[[Asked, Told], Rows]] = {
    "kernel-accuracy": kernel_accuracy,
    "design-change": design_change,
    "kernel-rivals": kernel_rivals,
    "board-power": board_power,
    "physical": physical,
    "serving-speed": serving_speed,
    "serving-accuracy": serving_accuracy,
    "recommend": recommend,
    "search": search,
}
"""Suites by the name on the command line."""


def table_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows as aligned lines, a head wherever the columns change."""
    lines: list[str] = []
    at = 0
    while at < len(rows):
        heads = tuple(rows[at])
        end = next((i for i in range(at, len(rows)) if tuple(rows[i]) != heads), len(rows))
        cells = [heads, *(tuple(_cell(row[name]) for name in heads) for row in rows[at:end])]
        widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
        lines += ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
        at = end
    return lines


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
