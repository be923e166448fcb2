"""Small frames under `DemandCalls` and `ServingPolicy` for the tests of the replay's demand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dataframely as dy
import polars as pl

from warehouse.contracts import SERVICE_TIERS, SURFACES, DemandCalls, ServingPolicy

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CALL = {
    "session_id": "s",
    "turn_id": 0,
    "step_index": 0,
    "gap_s": 0.0,
    "input_tokens": 100,
    "shared_prefix_tokens": 0,
    "output_tokens": 10,
    "image_tokens": 0,
    "surface": "codex_loop",
    "service_tier": "interactive",
    "tenant_id": "tenant",
    "llm": "gpt-oss-120b",
    "patience_class": "human",
    "value_usd_per_token": 1e-5,
    "paid": True,
    "weight_ratio": 1.0,
    "imputed": False,
}


def demand_frame(*rows: Mapping[str, Any]) -> dy.DataFrame[DemandCalls]:
    """Calls from what matters of them; `at_s` is the request in seconds after noon."""
    whole = []
    for number, given in enumerate(rows):
        row = {"call_id": f"c{number}", **CALL, **given}
        row["requested_at"] = NOON + timedelta(seconds=row.pop("at_s", 0.0))
        whole.append({**row, "day": row["requested_at"].date()})
    return DemandCalls.validate(pl.DataFrame(whole, schema=DemandCalls.create_empty().schema))


def policy_frame() -> dy.DataFrame[ServingPolicy]:
    """One level per surface and tier, every limit different: `ttft_limit_s` is 1 + its place among all levels."""
    rows = [
        {
            "surface": surface,
            "service_tier": tier,
            "llm": "gpt-oss-120b",
            "ttft_limit_s": 1.0 + place,
            "tpot_limit_s": 0.01 * (1.0 + place),
            "attainment_target_ratio": 0.5 + place / 100.0,
            "value_usd_per_token": 1e-5,
            "value_low_usd_per_token": 5e-6,
            "value_high_usd_per_token": 2e-5,
            "paid_ratio": 1.0,
            "patience_class": "human",
            "source": "test",
            "kind": "assumed",
        }
        for place, (surface, tier) in enumerate((s, t) for s in SURFACES for t in SERVICE_TIERS)
    ]
    return ServingPolicy.validate(pl.DataFrame(rows, schema=ServingPolicy.create_empty().schema))
