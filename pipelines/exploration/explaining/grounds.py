"""What the claims about finalists rest on: how far each lies from chips whose kernels were measured."""

from collections.abc import Sequence
from functools import cache

import polars as pl

from hwmodel.catalog import ChipDesign, load_catalog, timed_design_of
from hwmodel.design.explain import MEASURED_CHIPS, EvidenceLine, evidence_line

GROUNDS_SCHEMA = {
    "rank": pl.Int64,
    "title": pl.String,
    "kind": pl.String,
    "nearest_chip": pl.String,
    **dict.fromkeys(("nearest_distance", "change_distance", "judged_low", "judged_high"), pl.Float64),
    "is_downgraded": pl.Boolean,
    "words": pl.String,
}


def grounds_frame(baseline: ChipDesign, finalists: Sequence[tuple[int, str, ChipDesign]]) -> pl.DataFrame:
    """One row per finalist.

    Args:
        baseline: The incumbent.
        finalists: Rank, title and design.
    """
    measured = measured_chips()
    rows = [_row(rank, title, evidence_line(baseline, design, measured)) for rank, title, design in finalists]
    return pl.DataFrame(rows, schema=GROUNDS_SCHEMA)


def _row(rank: int, title: str, line: EvidenceLine) -> dict[str, object]:
    return {
        "rank": rank,
        "title": title,
        "kind": line.kind,
        "nearest_chip": line.nearest_chip,
        "nearest_distance": line.nearest_distance,
        "change_distance": line.change_distance,
        "judged_low": line.judged[0],
        "judged_high": line.judged[1],
        "is_downgraded": line.is_downgraded,
        "words": evidence_words(line),
    }


def evidence_words(line: EvidenceLine) -> str:
    """Kind of evidence, then its ground: distances to what was measured and judged."""
    judged = f"pairs of chips {line.judged[0]:.2f} to {line.judged[1]:.2f} apart"
    ground = {
        "built": f"this is {line.nearest_chip}, whose kernels were measured",
        "near": f"kernels as on {line.nearest_chip}, which was measured; widths judged on {judged}",
        "inside": (
            f"nobody built this chip; {line.nearest_distance:.2f} from {line.nearest_chip}, the nearest measured one, "
            f"and {line.change_distance:.2f} from the baseline; widths judged on {judged}"
        ),
        "beyond": (
            f"downgraded: {line.nearest_distance:.2f} from {line.nearest_chip}, the nearest measured chip, and "
            f"{line.change_distance:.2f} from the baseline, while widths were judged on {judged}"
        ),
        "unjudged": (
            "downgraded: only links, latencies or room change, and no pair of measured chips differs in these alone"
        ),
    }[line.reason]
    return f"{line.kind}: {ground} (links and latencies: assumed widths)"


@cache
def measured_chips() -> dict[str, ChipDesign]:
    """Chips whose kernels were measured, as designs by name."""
    catalog = load_catalog()
    return {name: timed_design_of(catalog.chip(name)) for name in MEASURED_CHIPS}
