"""Measured MoE layers as kernels: sizes worked out by hand, bounds, features, and errors on the measured tables."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hwmodel.catalog import load_catalog, timed_design_of
from hwmodel.silicon.calls import Call, CallSheet
from hwmodel.silicon.errors import UnreadableTable
from hwmodel.silicon.families.expert_layer import FORMATS, KEYS, MODEL, NON_GATED
from hwmodel.silicon.families.moe import MOE, MOE_MODELS, moe_calls
from hwmodel.silicon.splits import shape_folds
from hwmodel.silicon.truth import best_of_stacks
from hwmodel.timing import FIRST_CONSTANTS
from tests.shared_data import shared_path

WHOLE, GATHER, UP, ACTIVATION, DOWN, SUM = range(6)


def layers(**columns: list[int] | list[str]) -> pl.DataFrame:
    """Layers of one model with 8 experts of 4096 x 14336, two per token, on H100."""
    size = max(len(values) for values in columns.values()) if columns else 1
    usual: dict[str, list[int] | list[str]] = {
        "chip": ["h100-sxm"],
        "dtype": ["bfloat16"],
        "num_tokens": [512],
        "hidden_size": [4096],
        "inter_size": [14336],
        "topk": [2],
        "num_experts": [8],
        "moe_tp_size": [1],
        "moe_ep_size": [1],
        "distribution": ["balanced"],
    }
    told = usual | columns
    return pl.DataFrame({name: list(values) * (size if len(values) == 1 else 1) for name, values in told.items()})


def number(call: Call, name: str) -> float:
    return float(getattr(call.batch, name)[0])


def sheet(rows: pl.DataFrame) -> CallSheet:
    chips = {name: timed_design_of(load_catalog().chip(name)) for name in rows["chip"].unique()}
    return CallSheet(rows, moe_calls(rows), chips)


def test_a_balanced_layer_in_bf16_is_what_a_pencil_says() -> None:
    """512 tokens x 2 over 8 experts: 128 rows each. Up and gate are one product of 28672 columns."""
    calls = moe_calls(layers())
    up, down = calls[UP], calls[DOWN]
    assert [number(up, name) for name in ("groups_count", "m", "n", "k", "spread_log")] == [8, 128, 28672, 4096, 0]
    assert [number(down, name) for name in ("groups_count", "m", "n", "k", "spread_log")] == [8, 128, 4096, 14336, 0]
    assert number(up, "work_flop") + number(down, "work_flop") == 2 * 1024 * 4096 * 14336 * 3
    assert number(up, "weight_bytes") + number(down, "weight_bytes") == 2 * 8 * 4096 * 14336 * 3
    assert number(calls[ACTIVATION], "exponent_count") == 1024 * 14336
    assert number(calls[SUM], "activation_bytes") == 2 * 4096 * (1024 + 512)


def test_the_layer_that_bounds_them_is_their_sum_and_never_runs() -> None:
    whole = moe_calls(layers())[WHOLE]
    assert not whole.runs.any()
    assert number(whole, "work_flop") == 2 * 1024 * 4096 * 14336 * 3
    assert number(whole, "weight_bytes") == 2 * 8 * 4096 * 14336 * 3
    assert number(whole, "activation_bytes") == 2 * 2 * 512 * 4096


def test_the_bound_of_few_tokens_is_the_active_weights_over_hbm() -> None:
    """One token, two of eight experts: 2 x 3 x 4096 x 14336 weights of 2 B and a token in and out, at 3.35 TB/s."""
    told = sheet(layers(num_tokens=[1])).physics(FIRST_CONSTANTS)
    expected_s = (2 * 3 * 4096 * 14336 * 2 + 2 * 2 * 4096) / 3.35e12
    assert told.hbm_bound_s[0] == pytest.approx(expected_s, rel=1e-3)
    assert told.bound_s[0] == told.hbm_bound_s[0]
    assert expected_s < told.latency_s[0] < 1.4 * expected_s


def test_shards_of_experts_are_narrower_and_ranks_hold_fewer() -> None:
    """Four ways of tensor parallelism: 3584 columns each. Two ranks: four experts, each with its 128 rows."""
    calls = moe_calls(layers(moe_tp_size=[4], moe_ep_size=[2]))
    assert [number(calls[UP], name) for name in ("groups_count", "m", "n")] == [4, 128, 7168]
    assert number(calls[DOWN], "k") == 3584


def test_models_without_a_gate_have_one_up_matrix_and_no_exponential() -> None:
    hidden, inter, topk, experts = min(NON_GATED)
    calls = moe_calls(layers(hidden_size=[hidden], inter_size=[inter], topk=[topk], num_experts=[experts]))
    assert number(calls[UP], "n") == inter
    assert number(calls[ACTIVATION], "exponent_count") == 0.0
    assert number(calls[WHOLE], "weight_bytes") == 2 * number(calls[UP], "groups_count") * hidden * inter * 2


def test_block_scaled_fp8_scales_partial_sums_and_quantises_tokens() -> None:
    """One partial sum per 128 of the reduction, 4 operations each; tokens are read and written once more."""
    plain, scaled = moe_calls(layers(dtype=["fp8"])), moe_calls(layers(dtype=["fp8_block"]))
    assert number(plain[UP], "vector_flop") == 0.0
    assert number(scaled[UP], "vector_flop") == pytest.approx(4 * 1024 * 28672 * 4096 / 128)
    assert number(plain[GATHER], "vector_flop") == 4 * 512 * 4096
    assert number(moe_calls(layers())[GATHER], "vector_flop") == 0.0


def test_a_stack_that_hands_a_rank_its_own_tokens_gathers_and_sums_fewer() -> None:
    """64 tokens on the first of 8 ranks of one expert each: a quarter of the tokens has a row there."""
    rows = layers(num_tokens=[64], moe_ep_size=[8])
    every, own = moe_calls(rows), moe_calls(rows.with_columns(backend=pl.lit("sglang")))
    assert number(every[SUM], "parallel_count") == 64
    assert number(own[SUM], "parallel_count") == 16
    assert number(own[UP], "m") == number(every[UP], "m") == 16


def test_uneven_routing_is_told_to_the_law() -> None:
    calls = moe_calls(layers(num_tokens=[4096], num_experts=[256], topk=[8], distribution=["power_law_1.2"]))
    assert 5.0 < number(calls[UP], "spread_log") < 20.0


def test_more_tokens_never_take_less_time() -> None:
    tokens = [1 << power for power in range(15)]
    for dtype in FORMATS:
        told = sheet(layers(num_tokens=tokens, dtype=[dtype], num_experts=[128], topk=[8])).latency_s(FIRST_CONSTANTS)
        assert (np.diff(told) > -1e-12).all(), dtype


def test_times_are_above_the_bound_and_features_are_finite() -> None:
    rows = layers(
        num_tokens=[1, 60, 700, 16384],
        distribution=["balanced", "power_law_1.01", "power_law_1.2", "balanced"],
        dtype=["nvfp4", "w4a16_mxfp4", "int4_wo", "w4a8_mxfp4_mxfp8"],
        chip=["h100-sxm", "b200-sxm", "h200-sxm", "b200-sxm"],
    )
    told = sheet(rows).physics(FIRST_CONSTANTS)
    assert (told.latency_s >= told.bound_s).all()
    chips = {name: timed_design_of(load_catalog().chip(name)) for name in rows["chip"].unique()}
    features = MOE.features(rows, chips)
    assert features.shape[0] == 4
    assert np.isfinite(features).all()


def test_features_do_not_change_when_a_chip_and_its_rates_grow_together() -> None:
    rows = layers(num_tokens=[777], distribution=["power_law_1.2"])
    chip = timed_design_of(load_catalog().chip("h100-sxm"))
    faster = replace(chip, clock_hz=2.0 * chip.clock_hz, hbm_stack_bytes_per_s=2.0 * chip.hbm_stack_bytes_per_s)
    np.testing.assert_allclose(MOE.features(rows, {"h100-sxm": chip}), MOE.features(rows, {"h100-sxm": faster}))


def test_unknown_formats_are_refused_by_name() -> None:
    with pytest.raises(UnreadableTable, match="fp7"):
        moe_calls(layers(dtype=["fp7"]))


@pytest.mark.parametrize(
    ("columns", "chip", "reason"),
    [
        ({"dtype": ["fp7"]}, "h100-sxm", "fp7"),
        ({"dtype": ["nvfp4"]}, "h100-sxm", "fp4"),
        ({"num_tokens": [0]}, "h100-sxm", "num_tokens"),
        ({"moe_ep_size": [3]}, "h100-sxm", "evenly"),
        ({"topk": [9]}, "h100-sxm", "at most all"),
        ({"distribution": ["uniform"]}, "h100-sxm", "uniform"),
        ({"distribution": ["power_law_1.0"]}, "h100-sxm", "power_law_1.0"),
    ],
)
def test_rows_that_cannot_be_timed_get_a_reason(columns: dict[str, list[int]], chip: str, reason: str) -> None:
    design = timed_design_of(load_catalog().chip(chip))
    told = MOE.refusal(pl.concat([layers(), layers(**columns)]), design).to_list()
    assert told[0] is None
    assert reason in told[1]


def test_four_bit_floats_are_timed_where_the_chip_has_them() -> None:
    design = timed_design_of(load_catalog().chip("b200-sxm"))
    assert MOE.refusal(layers(dtype=list(FORMATS)), design).null_count() == len(FORMATS)


def test_whole_models_are_held_out_together() -> None:
    rows = pl.concat([layers(hidden_size=[width], moe_tp_size=[1, 2, 4, 8]) for width in range(1024, 9216, 256)])
    told = rows.with_columns(fold=pl.Series(shape_folds(rows, MOE_MODELS.shape)))
    assert told.group_by(MODEL).agg(pl.col("fold").n_unique())["fold"].max() == 1
    assert set(told["fold"]) == {0, 1, 2}
    assert set(MOE_MODELS.shape) < set(MOE.shape) < set(KEYS)


@pytest.mark.slow
def test_the_closed_form_alone_beats_the_roofline_by_far_on_every_measured_chip() -> None:
    """Errors of the constants that are shipped; no row's time is used here but to compare."""
    rows = MOE.read(shared_path("data/silicon")).filter(pl.col("num_tokens").is_in([1, 16, 128, 1024, 8192]))
    bound_s = sheet(rows).physics(FIRST_CONSTANTS).hbm_bound_s
    told = rows.with_columns(hbm_bound_s=pl.Series(bound_s), bucket=MOE.bucket)
    possible = told.filter(pl.col("latency_s") >= pl.col("hbm_bound_s"))
    assert len(possible) > 0.998 * len(rows)
    best, _ = best_of_stacks(MOE, possible)
    best = best.sample(20_000, seed=0)
    physics = sheet(best).physics(FIRST_CONSTANTS)
    measured = best["latency_s"].to_numpy()
    for chip in ("h100-sxm", "h200-sxm", "b200-sxm"):
        at = (best["chip"] == chip).to_numpy()
        error, roofline = (np.abs(one[at] / measured[at] - 1.0).mean() for one in (physics.latency_s, physics.bound_s))
        print(f"{chip}: closed form {error:.1%}, roofline {roofline:.1%}, rows {at.sum()}")  # noqa: T201 - a figure
        assert error < 0.3
        assert error < 0.5 * roofline
