"""The suites by name; each measures one promise and says what it is held against."""

from collections.abc import Mapping
from typing import Protocol

from pipelines.bench.featurize import featurize
from pipelines.bench.ingest import ingest
from pipelines.bench.lake import lake
from pipelines.bench.rows import BenchRow
from pipelines.bench.silicon import timing_speed
from pipelines.bench.telemetry import telemetry
from pipelines.errors import BadInput


class Suite(Protocol):
    """Measures one promise."""

    def __call__(self, *, full: bool = False) -> list[BenchRow]:
        """Measure; with `full` also what takes minutes."""
        ...


SUITES: Mapping[str, Suite] = {
    "telemetry": telemetry,
    "featurize": featurize,
    "ingest": ingest,
    "lake": lake,
    "timing-speed": timing_speed,
}
"""Suites by the name on the command line."""


def run_suite(name: str, *, full: bool = False) -> list[BenchRow]:
    """Measure one suite, or all of them.

    Raises:
        BadInput: No such suite.
    """
    if name == "all":
        return [row for suite in SUITES.values() for row in suite(full=full)]
    if name not in SUITES:
        raise BadInput(f"no benchmark suite {name[:40]!r}; there are: {', '.join(SUITES)}, all")
    return SUITES[name](full=full)
