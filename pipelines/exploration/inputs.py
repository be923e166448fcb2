"""What the hardware half looks at: demand, patience and policy of the days of a run, read from the lake."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from featurize import PeakWindow, peak_window
from hwmodel.design import FULL_CELL
from pipelines.errors import BadInput
from pipelines.lake_days import read_days
from pipelines.policy import serving_policy
from warehouse.lake import Lake

PEAK_WINDOW_S = int(FULL_CELL.window_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopInputs:
    """Frames of the days of a run."""

    days: tuple[date, ...]
    demand: pl.DataFrame
    """Contract `DemandCalls`."""
    abandonment: pl.DataFrame
    """Contract `AbandonmentCurve`."""
    policy: pl.DataFrame
    """Contract `ServingPolicy`."""
    forecast: pl.DataFrame
    """Contract `DemandForecast`, as of the last day; no rows where the history is too short."""
    peak: PeakWindow


def loop_inputs(lake: Lake, days: Sequence[date], *, llm: str | None) -> LoopInputs:
    """Read the demand of these days, all days of the data set if none are named.

    Raises:
        BadInput: The lake holds no demand for them.
    """
    chosen = tuple(days) or tuple(lake.days("demand_calls"))
    demand = read_days(lake, "demand_calls", chosen).collect() if chosen else pl.DataFrame()
    if demand.is_empty():
        raise BadInput(f"data set {lake.dataset} holds no demand for the days asked for; run `scoville run` first")
    return LoopInputs(
        days=chosen,
        demand=demand,
        abandonment=read_days(lake, "abandonment_curve", chosen).collect(),
        policy=serving_policy(llm=llm),
        forecast=read_days(lake, "demand_forecast", [max(chosen)]).collect(),
        peak=peak_window(demand.lazy(), window_s=PEAK_WINDOW_S),
    )
