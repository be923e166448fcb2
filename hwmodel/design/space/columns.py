"""Points as columns of a design table, and a chip read as the values of a space's parameters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from hwmodel.catalog import FABRICS, NUMERIC_FIELDS, ChipDesign, DesignTable
from hwmodel.design.space.memory import nearest_generation, own_generation, stack_of, stacks
from hwmodel.design.space.parameter import NODES, node_number

MEMORY = frozenset({"hbm_generation", "hbm_speed_ratio", "hbm_extra_dies_count"})
"""Parameters that make a stack."""
DERIVED = MEMORY | {"l2_rate_ratio", "node", "fabric"}
"""Parameters that are no number of a design by themselves; the others are fields of `ChipDesign`."""


def table_of(
    baseline: ChipDesign, values: Mapping[str, Float[np.ndarray, "designs"]], names: tuple[str, ...]
) -> DesignTable:
    """Designs that take the given values and are as the baseline otherwise, TDP still the baseline's.

    Cores bring their share of the L2's bandwidth with them. A stack keeps the baseline's bytes and rate unless its
    generation, speed or height is given.
    """
    count = len(names)
    columns = {field: np.full(count, float(getattr(baseline, field))) for field in NUMERIC_FIELDS}
    columns |= {name: column for name, column in values.items() if name not in DERIVED}
    per_core = baseline.l2_bytes_per_clk / baseline.cores_count
    columns["l2_bytes_per_clk"] = per_core * columns["cores_count"] * values.get("l2_rate_ratio", np.ones(count))
    same = own_baseline_values(baseline)
    given = {name: values.get(name, np.full(count, same[name])) for name in same}
    columns["hbm_stack_bytes"], columns["hbm_stack_bytes_per_s"] = stacks(
        baseline, given["hbm_generation"], given["hbm_speed_ratio"], given["hbm_extra_dies_count"]
    )
    nodes = values.get("node", np.full(count, node_number(baseline.node))).astype(np.int64).tolist()
    fabrics = values.get("fabric", np.full(count, FABRICS.index(baseline.fabric))).astype(np.int64).tolist()
    table = DesignTable(
        name=names,
        node=tuple(NODES[number] for number in nodes),
        fabric=tuple(FABRICS[number] for number in fabrics),
        **columns,
    )
    return _exact_where_unchanged(baseline, table)


def own_baseline_values(baseline: ChipDesign) -> dict[str, float]:
    """The parameters of memory at which a design has its baseline's stacks."""
    return {"hbm_generation": own_generation(baseline), "hbm_speed_ratio": 1.0, "hbm_extra_dies_count": 0.0}


def read(baseline: ChipDesign, chip: ChipDesign, name: str) -> float:
    """A chip's value of one parameter of the space around a baseline."""
    if name == "node":
        return node_number(chip.node)
    if name == "fabric":
        return float(FABRICS.index(chip.fabric))
    if name == "l2_rate_ratio":
        return chip.l2_bytes_per_clk / chip.cores_count / (baseline.l2_bytes_per_clk / baseline.cores_count)
    return _memory(baseline, chip)[name] if name in MEMORY else float(getattr(chip, name))


def _memory(baseline: ChipDesign, chip: ChipDesign) -> dict[str, float]:
    """A chip's stack as generation, speed and height."""
    if _same_stack(baseline, chip):
        return own_baseline_values(baseline)
    generation = nearest_generation(baseline, chip)
    stack = stack_of(baseline, generation)
    return {
        "hbm_generation": generation,
        "hbm_speed_ratio": chip.hbm_stack_bytes_per_s / stack.stack_bytes_per_s,
        "hbm_extra_dies_count": (chip.hbm_stack_bytes - stack.stack_bytes) / stack.die_bytes,
    }


def _same_stack(one: ChipDesign, other: ChipDesign) -> bool:
    return bool(
        np.isclose(one.hbm_stack_bytes, other.hbm_stack_bytes)
        and np.isclose(one.hbm_stack_bytes_per_s, other.hbm_stack_bytes_per_s)
    )


def _exact_where_unchanged(baseline: ChipDesign, table: DesignTable) -> DesignTable:
    """The baseline's own digits where a column equals it but for rounding."""
    fields = ("l2_bytes_per_clk", "hbm_stack_bytes", "hbm_stack_bytes_per_s")
    columns: dict[str, Any] = {}
    for field in fields:
        column, own = getattr(table, field), float(getattr(baseline, field))
        columns[field] = np.where(np.isclose(column, own, rtol=1e-12, atol=0.0), own, column)
    return replace(table, **columns)
