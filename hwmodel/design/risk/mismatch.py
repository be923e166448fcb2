"""Architecture mismatch: part of the traffic moves to an LLM of another kind than the design was chosen for."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from hwmodel.catalog import Catalog, LlmSpec
from hwmodel.design.risk.stress import Judged, StressRow, row_of
from hwmodel.design.scenario import Scenario

KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "compressed cache (MLA)": ("deepseek-v3", "deepseek-v3.2", "deepseek-r1", "kimi-k2"),
        "linear attention": ("qwen3-next-80b-a3b", "qwen3.5-35b-a3b", "qwen3.5-397b-a17b"),
        "another mixture of experts": ("gpt-oss-120b", "qwen3-30b-a3b", "qwen3-235b-a22b", "gpt-oss-20b"),
        "dense": ("llama-3.1-70b", "qwen3-32b", "llama-3.1-8b"),
    }
)
"""LLMs of a kind; the first that fits both chips and is not served already stands for it."""


def architecture_mismatch(judged: Judged, catalog: Catalog) -> tuple[list[StressRow], list[str]]:
    """One row per kind of LLM; and the kinds of which no LLM fits both chips."""
    served = {pool.llm.id for pool in judged.scenario.pools}
    base, design = judged.baseline.design, judged.evaluation.design
    base_now, now = judged.chips(base), judged.chips(design)
    rows, absent = [], []
    for kind, names in KINDS.items():
        for name in names:
            other = swapped(judged.scenario, catalog.llm(name))
            base_then, then = judged.chips(base, other), judged.chips(design, other)
            if name not in served and np.isfinite(base_then + then):
                rows.append(_row(judged, f"{kind}: {name}", (base_now, base_then), (now, then)))
                break
        else:
            absent.append(kind)
    return rows, absent


def swapped(scenario: Scenario, llm: LlmSpec) -> Scenario:
    """The same calls and promises, all answered by another LLM; calls beyond its context are cut to it."""
    return replace(scenario, pools=tuple(replace(pool, llm=llm) for pool in scenario.pools))


def _row(judged: Judged, what: str, base: tuple[float, float], design: tuple[float, float]) -> StressRow:
    def ratio(percent: float) -> float:
        share = percent / 100.0
        base_chips, chips = ((1.0 - share) * one[0] + share * one[1] for one in (base, design))
        return judged.ratio * (base_chips / chips) / (base[0] / design[0])

    return row_of(
        "architecture mismatch",
        f"traffic that moves to {what}",
        unit="% of calls",
        low=0.0,
        high=100.0,
        ratio=ratio,
        basis="closed form, scaled to the replay; same calls, limits and price",
    )
