"""The serving policy: reads the one data file of limits, values, shares paid, patience and served LLMs."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import yaml

from pipelines.errors import BadInput
from warehouse.contracts import EvidenceKind, ServingPolicy

SOURCE = "serving_policy.yaml"
USD_PER_MTOKEN = 1e-6


def serving_policy(path: Path | None = None, *, llm: str | None = None) -> dy.DataFrame[ServingPolicy]:
    """One row per surface and tier.

    Args:
        path: A policy file of your own; the packaged one by default.
        llm: Serve every surface by this LLM instead of the file's.

    Raises:
        BadInput: The file cannot be read as a policy.
    """
    text = path.read_text() if path else files("pipelines").joinpath("data", SOURCE).read_text()
    name = path.name if path else SOURCE
    try:
        surfaces = yaml.safe_load(text)["surfaces"]
        rows = [
            _row(surface, tier, entry, limits, llm)
            for surface, entry in surfaces.items()
            for tier, limits in entry["tiers"].items()
        ]
        return ServingPolicy.validate(pl.DataFrame(rows), cast=True)
    except (
        yaml.YAMLError,
        KeyError,
        TypeError,
        ValueError,
        dy.exc.ValidationError,
        pl.exceptions.PolarsError,
    ) as error:
        raise BadInput(f"serving policy {name}: {error}; compare with the packaged {SOURCE}") from error


def _row(surface: str, tier: str, entry: dict[str, Any], limits: dict[str, float], llm: str | None) -> dict[str, Any]:
    low, mid, high = (value * USD_PER_MTOKEN for value in entry["value_usd_per_mtoken"])
    return {
        "surface": surface,
        "service_tier": tier,
        "llm": llm or entry["llm"],
        **limits,
        "value_usd_per_token": mid,
        "value_low_usd_per_token": low,
        "value_high_usd_per_token": high,
        "paid_ratio": entry["paid_ratio"],
        "patience_class": entry["patience_class"],
        "source": SOURCE,
        "kind": EvidenceKind.ASSUMED.value,
    }
