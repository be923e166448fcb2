"""Fronts of tokens per dollar and joule against the speed of one user: baseline, recommended designs, real chips."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.design import Evaluation
from hwmodel.design.pool import Pool
from hwmodel.physical import tco
from hwmodel.serving import DoesNotFit
from hwmodel.serving.outcomes import FrontPoint, Layout, Workload, front, layouts_of

W_PER_MW = 1e6
BATCHES = tuple(2**power for power in range(9))
SCHEMA = {
    "chip": pl.String,
    "kind": pl.String,
    "llm": pl.String,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "precision": pl.String,
    "tp_count": pl.Int64,
    "ep_count": pl.Int64,
    "attention_dp_count": pl.Int64,
    "batch_count": pl.Int64,
    "tokens_per_s_per_user": pl.Float64,
    "tokens_per_usd": pl.Float64,
    "tokens_per_usd_low": pl.Float64,
    "tokens_per_usd_high": pl.Float64,
    "tokens_per_j": pl.Float64,
}
Chip = tuple[str, str, ChipDesign]
"""Name, kind (`baseline`, `recommended`, `real chip`) and design."""


def interactivity_frame(baseline: Evaluation, chips: Sequence[Chip]) -> pl.DataFrame:
    """The points that no other of the same chip beats; see `ReportContent.interactivity`.

    Every chip computes in the format that the baseline's deployment does, or in bf16 where it has not got that.

    Args:
        baseline: Full evaluation of the incumbent, whose pools give LLM, format, bounds of a step and lengths.
        chips: What is drawn.
    """
    rows = [
        row
        for part in baseline.pools
        for name, kind, design in chips
        for row in _rows(part.pool, part.deployment.activation_dtype, name, kind, design)
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


def _rows(pool: Pool, precision: str, name: str, kind: str, design: ChipDesign) -> list[dict[str, object]]:
    workload = _median_call(pool)
    known = layouts_of(design, pool.llm)
    layouts = [layout for layout in known if layout.precision == precision] or [
        layout for layout in known if layout.precision == "bf16"
    ]
    try:
        points = front(
            design,
            pool.llm,
            workload,
            layouts=layouts,
            batches=BATCHES,
            scheduler=pool.scheduler,
            cost=tco(DesignTable.of([design])),
        )
    except DoesNotFit:
        return []
    best = [point for point in points if not point.is_dominated]
    return [{"chip": name, "kind": kind, "llm": pool.llm.id, **_numbers(point, workload)} for point in best]


def _median_call(pool: Pool) -> Workload:
    demand = pool.demand
    return Workload(
        input_tokens=max(1, int(np.median(demand.input_tokens))),
        output_tokens=max(2, int(np.median(demand.output_tokens))),
    )


def _numbers(point: FrontPoint, workload: Workload) -> dict[str, object]:
    layout: Layout = point.layout
    return {
        "input_tokens": workload.input_tokens,
        "output_tokens": workload.output_tokens,
        "precision": layout.precision,
        "tp_count": layout.tp_count,
        "ep_count": layout.ep_count,
        "attention_dp_count": layout.attention_dp_count,
        "batch_count": point.point.batch_count,
        "tokens_per_s_per_user": point.point.tokens_per_s_per_user,
        "tokens_per_usd": _per_usd(point.usd_per_million_tokens),
        "tokens_per_usd_low": _per_usd(point.usd_high_per_million_tokens),
        "tokens_per_usd_high": _per_usd(point.usd_low_per_million_tokens),
        "tokens_per_j": point.tokens_per_s_per_mw / W_PER_MW,
    }


def _per_usd(usd_per_million_tokens: float | None) -> float | None:
    return 1e6 / usd_per_million_tokens if usd_per_million_tokens else None
