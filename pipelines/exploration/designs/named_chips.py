"""Real chips as points of comparison: those that can be a design are replayed, the others are refused with a reason."""

from collections.abc import Sequence

import polars as pl

from hwmodel.catalog import CatalogError, Purpose, design_of, load_catalog
from hwmodel.design import Evaluation, Scenario, SearchResult, evaluate_many
from pipelines.errors import one_line

COMPARED = ("a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm", "mi300x", "jalapeno")
"""One or two of each lane that is known well enough; the others are listed with what is missing."""


def evaluate_named(scenario: Scenario, baseline: str, *, allow_estimates: bool) -> list[tuple[str, Evaluation]]:
    """Replays of the compared chips that can be designs and keep the promises; the baseline is left out."""
    designs = []
    for chip_id in COMPARED:
        try:
            designs.append(design_of(load_catalog().chip(chip_id), allow_estimates=allow_estimates))
        except CatalogError:
            continue
    others = [design for design in designs if design.name != baseline]
    found = zip(others, evaluate_many(others, scenario), strict=True)
    return [(design.name, evaluation) for design, evaluation in found if evaluation is not None]


def refused_chips(
    found: SearchResult, named: Sequence[tuple[str, Evaluation]], *, allow_estimates: bool
) -> pl.DataFrame:
    """Chips of fleets without an answer, with their lane and the reason."""
    answered = {name for name, _ in named} | {found.baseline.design.name}
    rows = []
    for spec in load_catalog().chips.values():
        if spec.id in answered or spec.purpose is Purpose.YARDSTICK:
            continue
        try:
            design_of(spec, allow_estimates=allow_estimates)
            reason = (
                "cannot keep the promises of the policy with any fleet that was tried"
                if spec.id in COMPARED
                else "can be a design, but is not among the compared chips; try it as --baseline"
            )
        except CatalogError as error:
            reason = one_line(error)
        rows.append({"name": spec.id, "lane": spec.lane, "reason": reason})
    return pl.DataFrame(rows, schema={"name": pl.String, "lane": pl.String, "reason": pl.String})
