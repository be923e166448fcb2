"""Contract of the serving policy: what each surface and tier was promised, is worth, and is served by."""

import dataframely as dy
import polars as pl

from warehouse.contracts.vocabulary import SERVICE_TIERS, SURFACES


class ServingPolicy(dy.Schema):
    """One row per surface and tier; every number is assumed and carries its range."""

    surface = dy.Enum(SURFACES, primary_key=True)
    service_tier = dy.Enum(SERVICE_TIERS, primary_key=True)
    llm = dy.String()
    """Catalogue id of the LLM that serves this surface."""
    ttft_limit_s = dy.Float64(min_exclusive=0.0)
    tpot_limit_s = dy.Float64(min_exclusive=0.0)
    attainment_target_ratio = dy.Float64(min=0.0, max=1.0)
    value_usd_per_token = dy.Float64(min=0.0)
    value_low_usd_per_token = dy.Float64(min=0.0)
    value_high_usd_per_token = dy.Float64(min=0.0)
    paid_ratio = dy.Float64(min=0.0, max=1.0)
    patience_class = dy.String()
    source = dy.String()
    kind = dy.String()

    @classmethod
    def _sampling_overrides(cls) -> dict[str, pl.Expr]:
        value = pl.col("value_usd_per_token")
        return {"value_low_usd_per_token": value / 2, "value_high_usd_per_token": value * 2}

    @dy.rule()
    def value_inside_its_range(cls) -> pl.Expr:
        """The value lies inside its declared range."""
        return pl.col("value_usd_per_token").is_between(
            pl.col("value_low_usd_per_token"), pl.col("value_high_usd_per_token")
        )
