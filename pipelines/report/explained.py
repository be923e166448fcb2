"""What the report shows of the comparison of telemetry and replay, as plain values."""

from dataclasses import dataclass
from typing import Self

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedView:
    """The declared incumbent's replay beside the telemetry of the last day."""

    reason: str
    """Why there is no comparison; empty where there is one."""
    chip: str
    finding: str
    """holds | fails | untold."""
    fit_days: tuple[str, ...]
    last_day: str
    host_step_s: float | None
    unexplained_ratio: float | None
    """Replay over telemetry in absolute terms: shown, never fitted away."""
    unserved_ratio: float | None
    pools: pl.DataFrame
    """Columns: llm, tp_count, replicas_ratio (replicas per traffic of the telemetry)."""
    tests: pl.DataFrame
    """Columns: name, value, low, high, limit, finding, said."""
    surfaces: pl.DataFrame
    """Columns: surface, observed_ttft_s, replayed_ttft_s, observed_tpot_s, replayed_tpot_s."""
    hours: pl.DataFrame
    """Columns: hour, observed_rank_ratio, replayed_rank_ratio."""

    @classmethod
    def missing(cls, *, chip: str, reason: str) -> Self:
        """No comparison, with its reason."""
        none = pl.DataFrame()
        return cls(
            reason=reason,
            chip=chip,
            finding="untold",
            fit_days=(),
            last_day="",
            host_step_s=None,
            unexplained_ratio=None,
            unserved_ratio=None,
            pools=none,
            tests=none,
            surfaces=none,
            hours=none,
        )
