"""Small traces of calls that tests of fidelity share."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from warehouse.contracts import CallStatus, ModelCalls, ServiceTier, Surface

ORIGIN = datetime(2025, 1, 6, tzinfo=UTC)


def calls(*rows: dict[str, Any]) -> pl.DataFrame:
    """A ModelCalls frame of the rows' columns; `at_s` gives the time, everything else has a default."""
    full = []
    for number, row in enumerate(rows):
        given = {key: value for key, value in row.items() if key != "at_s"}
        base: dict[str, Any] = dict.fromkeys(ModelCalls.column_names())
        base |= {
            "call_id": f"c{number}",
            "session_id": f"s{number}",
            "turn_id": 0,
            "step_index": 0,
            "tenant_id": "t",
            "client_id": "c",
            "surface": Surface.CODEX_LOOP.value,
            "service_tier": ServiceTier.INTERACTIVE.value,
            "requested_at": ORIGIN + timedelta(seconds=float(row.get("at_s", number))),
            "status": CallStatus.OK.value,
            "source_id": "made up",
            "day": ORIGIN.date(),
        }
        full.append(base | given)
    types = {name: column.dtype for name, column in ModelCalls.columns().items()}
    return ModelCalls.validate(pl.DataFrame(full, schema=types, orient="row"))


def session(name: str, pairs: list[tuple[int, int]], **columns: Any) -> list[dict[str, Any]]:
    """Calls of one session, by input and output tokens."""
    return [
        {
            "call_id": f"{name}-{step}",
            "session_id": name,
            "step_index": step,
            "input_tokens": one,
            "output_tokens": other,
            "at_s": float(step),
            **columns,
        }
        for step, (one, other) in enumerate(pairs)
    ]
