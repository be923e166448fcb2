"""The bill adds up to the replay, charges who caused it, and puts planted hotspots on top."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import DesignTable
from hwmodel.physical import static_power_w
from tests.hwmodel.hotspots.planted import (
    H100,
    USD_PER_CHIP_H,
    Billed,
    billed,
    fresh_prompts,
    lone_answers,
    long_contexts,
    mixed,
)
from tests.hwmodel.serving.replay_cases import demand_from
from warehouse.contracts import SURFACES

CASES = (("gpt-oss-120b", 2), ("qwen3-next-80b-a3b", 4), ("llama-3.1-70b", 4))


@pytest.fixture(scope="module", params=CASES, ids=[llm for llm, _ in CASES])
def case(request: pytest.FixtureRequest) -> Billed:
    llm, tp_count = request.param
    return mixed(llm, tp_count)


def top(hotspots: pl.DataFrame, *by: str) -> tuple[str, ...]:
    """The group with most time."""
    return tuple(hotspots.group_by(by).agg(pl.col("time_s").sum()).sort("time_s").select(by).row(-1))


def test_time_adds_up_to_the_busy_time_of_the_replay(case: Billed) -> None:
    assert case.bill.busy_s == pytest.approx(case.result.busy_s, rel=1e-12)
    assert case.bill.hotspots["time_s"].sum() == pytest.approx(case.result.busy_s, rel=1e-9)


def test_mean_steps_of_the_bins_cost_what_the_replay_s_steps_cost(case: Billed) -> None:
    assert case.bill.unscaled_ratio == pytest.approx(1.0, abs=0.02)


def test_dollars_are_the_chips_hours(case: Billed) -> None:
    chip_hours = case.result.busy_s * case.tp_count / 3600.0
    assert case.bill.hotspots["cost_usd"].sum() == pytest.approx(chip_hours * USD_PER_CHIP_H, rel=1e-9)
    assert (case.bill.hotspots["cost_usd"] > 0.0).all()


def test_energy_lies_between_static_power_and_the_chip_s_rating(case: Billed) -> None:
    hotspots = case.bill.hotspots
    chip_s = hotspots["time_s"] * case.tp_count
    static_w = float(static_power_w(DesignTable.of([H100]))[0])
    assert (hotspots["energy_j"] >= static_w * chip_s * (1.0 - 1e-9)).all()
    mean_w = float(hotspots["energy_j"].sum()) / float(chip_s.sum())
    assert static_w * 1.2 < mean_w < 1.2 * H100.tdp_w


def test_no_kernel_is_faster_than_its_roofline(case: Billed) -> None:
    hotspots = case.bill.hotspots
    assert (hotspots["time_s"] >= hotspots["bound_s"]).all()
    peak_flop_per_s = H100.cores_count * H100.matrix_flop_per_clk * H100.clock_hz * max(H100.fp8_rate_ratio, 1.0)
    chip_s = hotspots["time_s"] * case.tp_count
    assert (hotspots["work_flop"] <= chip_s * peak_flop_per_s).all()
    assert (hotspots["traffic_bytes"] <= chip_s * H100.hbm_bytes_per_s).all()


def test_every_surface_and_phase_is_charged(case: Billed) -> None:
    charged = set(case.bill.hotspots.select("surface", "phase").unique().iter_rows())
    assert charged == {(surface, phase) for surface in SURFACES for phase in ("prefill", "decode")}


def test_the_longest_stands_first(case: Billed) -> None:
    assert case.bill.hotspots["time_s"].is_sorted(descending=True)


def test_a_surface_without_decoding_pays_for_no_decoding() -> None:
    """Surface 0 only reads prompts, surface 3 does both: what surface 0 pays is prompt work."""
    size = 200
    reader = np.arange(size) % 2 == 0
    demand = demand_from(
        {
            "start_ns": np.arange(size) * 2e7,
            "input_tokens": np.where(reader, 3000, 30),
            "output_tokens": np.where(reader, 1, 100),
            "surface": np.where(reader, 0, 3),
        }
    )
    hotspots = billed(demand, "gpt-oss-120b", 2).bill.hotspots
    decoders = hotspots.filter(phase="decode")["surface"].unique().to_list()
    assert decoders == [SURFACES[3]]
    prompts = hotspots.filter(phase="prefill").group_by("surface").agg(pl.col("work_flop").sum())
    by_surface = dict(prompts.iter_rows())
    assert by_surface[SURFACES[0]] > 20.0 * by_surface[SURFACES[3]]


def test_equal_surfaces_pay_equally() -> None:
    size = 600
    demand = demand_from(
        {
            "start_ns": np.repeat(np.arange(size // 2), 2) * 4e7,
            "input_tokens": np.full(size, 1000),
            "output_tokens": np.full(size, 50),
            "surface": np.tile([1, 5], size // 2),
        }
    )
    paid = billed(demand, "gpt-oss-120b", 2).bill.hotspots.group_by("surface").agg(pl.col("energy_j").sum())
    by_surface = dict(paid.iter_rows())
    assert by_surface[SURFACES[1]] == pytest.approx(by_surface[SURFACES[5]], rel=0.02)


def test_twice_the_traffic_costs_twice_the_work() -> None:
    def work(times: int) -> float:
        alike = np.ones(20 * times)
        demand = demand_from(
            {"start_ns": np.arange(20 * times) * 1e10, "input_tokens": 700 * alike, "output_tokens": 30 * alike}
        )
        return float(billed(demand, "gpt-oss-120b", 2).bill.hotspots["work_flop"].sum())

    assert work(2) == pytest.approx(2.0 * work(1), rel=1e-9)


@pytest.mark.parametrize("llm", ["gpt-oss-120b", "qwen3-next-80b-a3b"])
def test_long_contexts_of_many_sequences_put_decode_attention_and_hbm_on_top(llm: str) -> None:
    hotspots = billed(long_contexts(), llm, dict(CASES)[llm]).bill.hotspots
    assert top(hotspots, "family", "binding_resource") == ("attention_decode", "hbm")
    assert top(hotspots, "binding_resource", "phase") == ("hbm", "decode")


@pytest.mark.parametrize("llm", ["gpt-oss-120b", "qwen3-next-80b-a3b"])
def test_one_sequence_of_a_sparse_llm_puts_latency_on_top(llm: str) -> None:
    hotspots = billed(lone_answers(), llm, dict(CASES)[llm]).bill.hotspots
    assert top(hotspots, "binding_resource", "phase") == ("latency", "decode")


def test_long_fresh_prompts_of_a_dense_llm_put_matrix_units_on_top() -> None:
    hotspots = billed(fresh_prompts(), "llama-3.1-70b", 4).bill.hotspots
    assert top(hotspots, "binding_resource", "phase") == ("matrix", "prefill")
    assert set(hotspots["phase"]) == {"prefill"}


def test_slow_links_under_many_ranks_put_collectives_on_top() -> None:
    slow = replace(H100, link_bytes_per_s=H100.link_bytes_per_s / 100.0)
    hotspots = billed(fresh_prompts(), "llama-3.1-70b", 8, design=slow).bill.hotspots
    assert top(hotspots, "family", "binding_resource", "phase") == ("collective", "link", "prefill")


def test_energy_dollars_and_time_of_the_groups_add_up_to_the_whole(case: Billed) -> None:
    by_surface = case.bill.hotspots.group_by("surface").agg(pl.col("time_s", "cost_usd", "energy_j").sum())
    for measure in ("time_s", "cost_usd", "energy_j"):
        assert by_surface[measure].sum() == pytest.approx(case.bill.hotspots[measure].sum(), rel=1e-9)
