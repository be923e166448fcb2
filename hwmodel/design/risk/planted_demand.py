"""Planted demands: calls of one shape per surface at fixed distances, so that what binds is known beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from warehouse.contracts import DemandCalls, ServingPolicy

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
GOLDEN, SILVER = (5**0.5 - 1) / 2, 2**0.5 - 1
"""Multiples of an irrational number are evenly spread however many are taken."""
START_SPREAD_S = 20.0
"""How much later than evenly spaced a session starts at most, at a spread of 1."""
STEP_SPACE_S = 1.0
"""Asked-for time of a step beyond its gap: only the order of rows hangs on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sessions of one surface: so many a second, each of `steps` calls `gap_s` after another, prompts growing."""

    surface: str = "codex_loop"
    sessions_per_s: float = 2.0
    steps: int = 2
    gap_s: float = 3.0
    input_tokens: int = 3000
    """Of the first call; each further call adds `added_tokens`, and holds the one before it as its shared prefix."""
    added_tokens: int | None = None
    """Same as the first call's input where None."""
    output_tokens: int = 150
    value_usd_per_mtoken: float = 10.0
    ttft_limit_s: float = 4.0
    tpot_limit_s: float = 0.04
    llm: str = "llama-3.1-8b"
    burst_count: int = 1
    """Sessions that start together."""
    tier: str = "interactive"
    spread_ratio: float = 0.0
    """Lengths lie evenly between 1 - this and 1 + this of the named ones, starts up to this share of `START_SPREAD_S`
    later than evenly spaced ones: without it all calls fall off the same edge at once."""


def demand_of(shapes: Sequence[Shape], *, span_s: float) -> pl.DataFrame:
    """Valid under `DemandCalls`; every call holds the one before it as its shared prefix."""
    rows = [row for shape in shapes for row in _calls(shape, span_s)]
    return DemandCalls.validate(pl.DataFrame(rows), cast=True)


def policy_of(shapes: Sequence[Shape]) -> pl.DataFrame:
    """Valid under `ServingPolicy`: one level per shape."""
    rows = [
        {
            "surface": shape.surface,
            "service_tier": shape.tier,
            "llm": shape.llm,
            "ttft_limit_s": shape.ttft_limit_s,
            "tpot_limit_s": shape.tpot_limit_s,
            "attainment_target_ratio": 0.9,
            "value_usd_per_token": shape.value_usd_per_mtoken * 1e-6,
            "value_low_usd_per_token": shape.value_usd_per_mtoken * 0.5e-6,
            "value_high_usd_per_token": shape.value_usd_per_mtoken * 2e-6,
            "paid_ratio": 1.0,
            "patience_class": "planted",
            "source": "planted",
            "kind": "assumed",
        }
        for shape in shapes
    ]
    return ServingPolicy.validate(pl.DataFrame(rows), cast=True)


def _answer(shape: Shape, number: int, step: int) -> int:
    if not shape.spread_ratio:
        return shape.output_tokens + 7 * (number % 5)
    unit = (number * SILVER + step * GOLDEN) % 1.0
    return max(round(shape.output_tokens * (1.0 + shape.spread_ratio * (2.0 * unit - 1.0))), 1)


def _calls(shape: Shape, span_s: float) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    added = shape.input_tokens if shape.added_tokens is None else shape.added_tokens
    for number in range(int(span_s * shape.sessions_per_s)):
        together = number - number % shape.burst_count
        late_s = shape.spread_ratio * START_SPREAD_S * (together * SILVER % 1.0)
        began = START + timedelta(seconds=together / shape.sessions_per_s + late_s)
        longer = 1.0 + shape.spread_ratio * (2.0 * (number * GOLDEN % 1.0) - 1.0)
        first, more = round(shape.input_tokens * longer), round(added * longer)
        session = f"{shape.surface}-{number:04d}"
        for step in range(shape.steps):
            before = f"{session}-{step - 1}" if step else None
            held = first + more * step
            rows.append(
                {
                    "call_id": f"{session}-{step}",
                    "session_id": session,
                    "turn_id": step,
                    "step_index": step,
                    "starts_after_call_id": before,
                    "gap_s": shape.gap_s if step else 0.0,
                    "requested_at": began + timedelta(seconds=step * (shape.gap_s + STEP_SPACE_S)),
                    "input_tokens": held,
                    "parent_call_id": before,
                    "shared_prefix_tokens": held - more if step else 0,
                    "output_tokens": _answer(shape, number, step),
                    "image_tokens": 0,
                    "surface": shape.surface,
                    "service_tier": shape.tier,
                    "tenant_id": "planted",
                    "llm": shape.llm,
                    "patience_class": "planted",
                    "value_usd_per_token": shape.value_usd_per_mtoken * 1e-6,
                    "paid": True,
                    "weight_ratio": 1.0,
                    "imputed": False,
                    "day": began.date(),
                }
            )
    return rows
