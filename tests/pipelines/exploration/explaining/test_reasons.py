"""Reasons, bill and what-ifs on a small real replay: kernels and resources named, shares that sum, winners that change."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from hwmodel.design import Evaluation, bill_of, evaluate
from pipelines.exploration.explaining.reasons import RESOURCE_WORDS, bill_shift, reasons
from pipelines.exploration.trust.robustness import robustness_frame
from tests.hwmodel.design.planted import Shape, h100, planted
from tests.hwmodel.design.test_patience import CHAT_CURVE
from warehouse.contracts import SURFACES, BindingResource, values_of

TWO = (Shape(), Shape(surface="long_context_chat", sessions_per_s=1.0, input_tokens=6000, value_usd_per_mtoken=4.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    base: Evaluation
    before: pl.DataFrame
    faster: Evaluation
    after: pl.DataFrame


@pytest.fixture(scope="module")
def pair() -> Pair:
    scenario = planted(*TWO)
    design = replace(h100(), name="faster", hbm_stack_bytes_per_s=h100().hbm_stack_bytes_per_s * 2.0)
    base, faster = evaluate(h100(), scenario), evaluate(design, scenario)
    return Pair(base=base, before=bill_of(base)[0], faster=faster, after=bill_of(faster)[0])


def shift_of(pair: Pair) -> pl.DataFrame:
    return bill_shift(pair.base, pair.before, pair.faster, pair.after)


def test_the_bill_sums_to_the_busy_time_of_the_fleet(pair: Pair) -> None:
    part = pair.base.pools[0]
    busy_chips = (
        part.fleet.result.busy_s / part.fleet.result.span_s * part.pool.traffic_ratio * part.deployment.tp_count
    )
    assert pair.before["cost_usd"].sum() == pytest.approx(busy_chips * pair.base.usd_per_chip_h, rel=1e-3)
    assert (pair.before["bound_s"] <= pair.before["time_s"] * (1.0 + 1e-9)).all()


def test_the_baselines_shares_sum_to_one_and_the_designs_to_its_bill_per_value(pair: Pair) -> None:
    shift = shift_of(pair)
    assert shift["baseline_share_ratio"].sum() == pytest.approx(1.0)
    per_value = [
        float(frame["cost_usd"].sum()) / e.value_usd_per_h
        for frame, e in ((pair.before, pair.base), (pair.after, pair.faster))
    ]
    assert shift["design_share_ratio"].sum() == pytest.approx(per_value[1] / per_value[0])


def test_the_largest_saving_of_more_memory_bandwidth_is_told_as_memory_bandwidth(pair: Pair) -> None:
    told = reasons(shift_of(pair), pair.base, pair.faster)
    assert "kernels bound by HBM bandwidth" in told[0]
    kernels = {name.replace("_", " ") for name in pair.before["kernel"].to_list()}
    for line in told[1:-1]:
        assert any(line.startswith(f"{kernel} of llama-3.1-8b, bound by ") for kernel in kernels), line
        assert any(word in line for word in RESOURCE_WORDS.values())
    assert len(told) > 2
    assert told[-1].startswith("Chips for the same demand: llama-3.1-8b")


def test_every_binding_resource_has_words() -> None:
    assert set(RESOURCE_WORDS) == set(values_of(BindingResource))


def what_ifs(pair: Pair, ratios: dict[str, float]) -> pl.DataFrame:
    """The rival serves so many times the baseline's value on each surface."""
    factor = np.array([ratios.get(surface, 1.0) for surface in SURFACES])
    part = pair.base.pools[0]
    rival = replace(pair.base, pools=(replace(part, value_by_surface=part.value_by_surface * factor),))
    final, view = SimpleNamespace(evaluation=rival), SimpleNamespace(title="rival")
    inputs = SimpleNamespace(abandonment=CHAT_CURVE)
    return robustness_frame(cast("Any", inputs), pair.base, cast("Any", [final]), cast("Any", [view]))


def test_a_winner_that_leads_on_every_surface_never_changes(pair: Pair) -> None:
    found = what_ifs(pair, {"codex_loop": 1.2, "long_context_chat": 1.2})
    valued = found.filter(pl.col("scenario").str.starts_with("value of") | (pl.col("scenario") == "today"))
    assert set(valued["winner"]) == {"rival"}
    assert valued["winner_gain_ratio"].to_list() == pytest.approx([0.2] * len(valued))
    assert not valued["changed"].any()


def test_a_winner_of_one_surface_alone_is_found_out(pair: Pair) -> None:
    codex, chat = (pair.base.value_by_surface[SURFACES.index(s)] for s in ("codex_loop", "long_context_chat"))
    found = what_ifs(pair, {"codex_loop": 0.9, "long_context_chat": 1.0 + 0.15 * codex / chat})
    rows = {row["scenario"]: row for row in found.iter_rows(named=True)}
    assert (rows["today"]["winner"], rows["today"]["changed"]) == ("rival", False)
    assert rows["value of codex_loop doubled"]["winner"] == "the baseline"
    assert rows["value of codex_loop doubled"]["changed"]
    assert rows["value of long_context_chat halved"]["changed"]
    assert not rows["value of long_context_chat doubled"]["changed"]
    assert {"nobody leaves", "users leave at the low end", "users leave at the high end"} <= set(rows)
