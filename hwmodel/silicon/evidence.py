"""How wide the interval around a predicted time is, and what it rests on."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Half-widths of 90 % intervals, as factors."""

    seen: pl.DataFrame
    """chip, dtype, bucket, factor: from shapes that were held out on measured chips."""
    unseen_factor: float
    """For a chip that nobody measured: the worst of the measured chips, each left out in turn."""

    def of(self, rows: pl.DataFrame, chip: str) -> pl.Series:
        """One factor per row (columns dtype and bucket)."""
        here = self.seen.filter(pl.col("chip") == chip)
        if here.is_empty():
            return pl.Series("factor", [self.unseen_factor] * len(rows), dtype=pl.Float64)
        widest = float(here["factor"].max())  # type: ignore[arg-type] # factors are floats
        told = rows.select("dtype", "bucket").join(
            here.select("dtype", "bucket", "factor"), on=["dtype", "bucket"], how="left", maintain_order="left"
        )
        return told["factor"].fill_null(max(widest, self.unseen_factor))


EVIDENCE: Mapping[bool, str] = {
    True: "calibrated: best stack, on a chip that was measured; interval from its shapes that were held out",
    False: "calibrated: best stack, on a chip that was not measured; interval from chips left out in turn",
}
"""By whether the chip was measured."""

STACK_EVIDENCE: Mapping[bool, str] = {
    True: "calibrated: this stack's kernel, on a chip where it was measured; interval from shapes that were held out",
    False: "calibrated: the best stack's time and what this stack's kernel takes longer, on a chip where it was not "
    "measured; interval from chips left out in turn",
}
"""The same for one serving stack, by whether it was measured on the chip."""
