"""The front has no dominated point, layouts are those that a chip and an LLM can have, money and power add up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.catalog import Deployment, DesignTable, LlmSpec, design_of, load_catalog
from hwmodel.physical import tco
from hwmodel.serving import Scheduler, StepTimer, step_cost_tables
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.outcomes import FrontPoint, Layout, Workload, front, layouts_of, operating_points
from hwmodel.serving.outcomes.pareto import dominated
from tests.hwmodel.serving.chips import h100

WORKLOAD = Workload(input_tokens=1000, output_tokens=500)
BOUNDS = Scheduler(max_sequences_count=64)


def llm(name: str = "llama-3.1-70b") -> LlmSpec:
    return load_catalog().llm(name)


def points(workload: Workload = WORKLOAD, layouts: tuple[Layout, ...] | None = None) -> tuple[FrontPoint, ...]:
    return front(
        h100(),
        llm(),
        workload,
        layouts=layouts_of(h100(), llm()) if layouts is None else layouts,
        batches=[1, 4, 16, 64],
        scheduler=BOUNDS,
        cost=tco(DesignTable.of([h100()])),
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_a_point_is_dominated_when_another_is_as_good_in_both_and_better_in_one(pairs: list[tuple[int, int]]) -> None:
    first, second = (np.array(column, dtype=np.float64) for column in zip(*pairs, strict=True))
    literal = [any(c >= a and d >= b and (c > a or d > b) for c, d in pairs) for a, b in pairs]
    assert dominated(first, second).tolist() == literal


def test_along_the_front_faster_users_mean_less_throughput() -> None:
    kept = [found.point for found in points() if not found.is_dominated]
    assert len(kept) > 3
    assert (np.diff([point.tokens_per_s_per_user for point in kept]) < 0).all()
    assert (np.diff([point.tokens_per_s_per_chip for point in kept]) > 0).all()


def test_money_and_power_follow_from_tokens_of_a_chip() -> None:
    cost = tco(DesignTable.of([h100()]))
    for found in points():
        per_chip = found.point.tokens_per_s_per_chip
        assert found.usd_per_million_tokens == pytest.approx(cost.typical_usd_per_chip_h[0] / (per_chip * 3600) * 1e6)
        assert found.tokens_per_s_per_mw * cost.all_in_w[0] / 1e6 == pytest.approx(per_chip)
        low, high = found.usd_low_per_million_tokens, found.usd_high_per_million_tokens
        assert low is not None
        assert high is not None
        assert low < (found.usd_per_million_tokens or 0.0) < high


def test_layouts_stay_inside_the_scale_up_domain_and_the_formats_of_the_chip() -> None:
    dense = layouts_of(h100(), llm())
    assert {(one.tp_count, one.ep_count) for one in dense} == {(1, 1), (2, 1), (4, 1), (8, 1)}
    assert {one.precision for one in dense} == {"bf16", "fp8"}
    experts = layouts_of(replace(h100(), fp8_rate_ratio=0.0), llm("gpt-oss-120b"))
    assert {(one.tp_count, one.ep_count) for one in experts} == {
        (1, 1),
        *((tp, ep) for tp in (2, 4, 8) for ep in (1, tp)),
    }
    assert {one.precision for one in experts} == {"bf16"}
    assert {one.attention_dp_count for one in experts if one.ep_count > 1} == {1, 2, 4, 8}
    assert all(one.attention_dp_count in {1, one.ep_count} for one in experts)


def test_attention_divided_by_data_holds_more_users_of_a_latent_cache() -> None:
    by_data = Layout(tp_count=8, ep_count=8, attention_dp_count=8, precision="fp8")
    by_heads = replace(by_data, attention_dp_count=1)
    h200 = design_of(load_catalog().chip("h200-sxm"))
    long = Workload(input_tokens=8000, output_tokens=500)
    bounds = Scheduler(max_sequences_count=256, max_batched_tokens=8192)
    found = front(
        h200, llm("deepseek-r1"), long, layouts=(by_data, by_heads), batches=[8, 64, 256], scheduler=bounds, cost=None
    )
    batches = {
        layout: [one.point.batch_count for one in found if one.layout == layout] for layout in (by_data, by_heads)
    }
    assert max(batches[by_data]) > max(batches[by_heads])


def test_a_point_is_the_closed_form_on_the_tables_of_its_layout() -> None:
    layout = Layout(tp_count=4, ep_count=1, precision="bf16")
    tables = step_cost_tables(
        StepTimer(designs=DesignTable.of([h100()]), llm=llm(), deployment=Deployment(tp_count=4, kv_dtype="bf16")),
        scheduler=BOUNDS,
    )
    wanted = operating_points(tables.replica(0), WORKLOAD, BOUNDS, [1, 4, 16, 64])
    assert {found.point for found in points(layouts=(layout,))} == set(wanted)


def test_narrower_formats_are_faster_at_the_same_layout() -> None:
    wide, narrow = (points(layouts=(Layout(tp_count=8, ep_count=1, precision=p),)) for p in ("bf16", "fp8"))
    for slow, fast in zip(wide, narrow, strict=True):
        assert slow.point.batch_count == fast.point.batch_count
        assert fast.point.tpot_s < slow.point.tpot_s


def test_what_fits_nowhere_is_told() -> None:
    with pytest.raises(DoesNotFit, match=r"llama-3\.1-70b with 1500 tokens a call fits no layout on h100-sxm, 1 tried"):
        points(layouts=(Layout(tp_count=1, ep_count=1, precision="bf16"),))
