"""Strategies and settings that the tests of the simulator share."""

from datetime import date

from hypothesis import strategies as st

from telemetry_sim import Drift, SimulationSettings
from warehouse.contracts import Surface

TUESDAY = date(2026, 6, 2)


@st.composite
def surface_shares(draw: st.DrawFn) -> dict[Surface, float]:
    weights = draw(st.dictionaries(st.sampled_from(list(Surface)), st.integers(1, 9), min_size=1))
    total = sum(weights.values())
    return {surface: weight / total for surface, weight in weights.items()}


@st.composite
def small_settings(draw: st.DrawFn) -> SimulationSettings:
    return SimulationSettings(
        seed=draw(st.integers(0, 2**40)),
        calls_per_day=draw(st.integers(1, 3000)),
        first_day=draw(st.dates(date(2024, 1, 1), date(2030, 1, 1))),
        surface_shares=draw(surface_shares()),
        abandonment=draw(st.booleans()),
        drift=Drift(context_growth_ratio=draw(st.floats(0.0, 3.0))),
    )


def only(surface: Surface, calls_per_day: int, *, abandonment: bool = True, seed: int = 5) -> SimulationSettings:
    return SimulationSettings(
        seed=seed,
        calls_per_day=calls_per_day,
        first_day=TUESDAY,
        surface_shares={surface: 1.0},
        abandonment=abandonment,
    )
