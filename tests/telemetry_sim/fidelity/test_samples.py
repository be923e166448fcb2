"""Samples are those of the definitions, and their figures on the shared traces those measured before."""

import numpy as np
import pytest

from telemetry_sim.fidelity.dispersion import dispersion_index, peak_to_mean, rate_autocorrelation
from telemetry_sim.fidelity.families import one_session_per_family
from telemetry_sim.fidelity.joint import rank_correlations
from telemetry_sim.fidelity.samples import samples_of
from tests.shared_data import shared_path
from tests.telemetry_sim.fidelity.call_frames import calls, session
from warehouse.ingest import ingest


def test_growth_is_positive_change_and_gaps_are_split_by_turn() -> None:
    rows = session("a", [(100, 1), (150, 2), (120, 3), (130, 4)])
    for row, turn, gap in zip(rows, (0, 0, 1, 1), (None, 5.0, 60.0, 7.0), strict=True):
        row |= {"turn_id": turn, "gap_s": gap}
    found = samples_of(calls(*rows))
    assert found["growth_tokens"].values.tolist() == [50.0, 10.0]
    assert found["tool_gap_s"].values.tolist() == [5.0, 7.0]
    assert found["human_gap_s"].values.tolist() == [60.0]
    assert found["calls_per_session_count"].values.tolist() == [4.0]
    assert found["calls_per_turn_count"].values.tolist() == [2.0, 2.0]
    assert found["first_context_tokens"].values.tolist() == [100.0]


def test_sub_agents_count_as_calls_and_not_in_the_loop() -> None:
    rows = [
        *session("a", [(100, 1), (150, 2)]),
        {"session_id": "a", "agent_id": "x", "input_tokens": 7, "output_tokens": 9},
    ]
    found = samples_of(calls(*rows))
    assert len(found["input_tokens"].values) == 3
    assert found["calls_per_session_count"].values.tolist() == [2.0]


def test_single_calls_have_lengths_and_no_loop() -> None:
    assert set(samples_of(calls(*({"input_tokens": 5, "output_tokens": n} for n in range(3))))) == {
        "input_tokens",
        "output_tokens",
    }


def test_dispersion_of_equal_counts_is_none_and_of_one_burst_is_its_size() -> None:
    assert dispersion_index(np.arange(100.0), 10.0) == 0.0
    assert dispersion_index(np.array([0.0] * 50 + [99.5]), 1.0) == pytest.approx(50.0, rel=0.05)
    assert peak_to_mean(np.array([0.0, 0.1, 0.2, 1.5]), 1.0) == pytest.approx(1.5)


def test_the_autocorrelation_of_a_square_wave_turns_its_sign() -> None:
    times = np.concatenate([np.linspace(20.0 * n, 20.0 * n + 9.9, 30) for n in range(20)])
    found = rate_autocorrelation(times, 10.0, 2)
    assert found[0] == pytest.approx(-1.0, abs=0.1)
    assert found[1] == pytest.approx(1.0, abs=0.1)


def test_rank_correlations_find_a_planted_order() -> None:
    generator = np.random.default_rng(1)
    rows = [
        row
        for n in range(20)
        for row in session(f"s{n}", [(int(v), int(v) + 5) for v in generator.integers(1, 999, 4)])
    ]
    assert rank_correlations(calls(*rows))["rank_correlation_input_output"] == pytest.approx(1.0)


@pytest.mark.slow
def test_claude_code_samples_have_the_figures_measured_before() -> None:
    """research/traces.md, section 2, of 710 sessions; here 511 of them, so medians within a sixth."""
    frame = ingest("weka", shared_path("data/traces/claude_code_weka_requests.parquet")).model_calls
    found = {name: sample.values for name, sample in samples_of(one_session_per_family(frame)).items()}
    medians = {
        "input_tokens": 100e3,
        "output_tokens": 217,
        "growth_tokens": 658,
        "calls_per_session_count": 43,
        "tool_gap_s": 9,
        "first_context_tokens": 23e3,
        "last_context_tokens": 133e3,
    }
    for name, median in medians.items():
        assert np.median(found[name]) == pytest.approx(median, rel=0.16), name
    assert np.quantile(found["growth_tokens"], [0.9, 0.99]) == pytest.approx([3.7e3, 16.6e3], rel=0.05)


@pytest.mark.slow
def test_azure_code_has_the_dispersion_measured_before() -> None:
    frame = ingest("azure", shared_path("data/traces/azure_llm_2023_code.parquet")).model_calls
    times = frame["requested_at"].sort().dt.epoch("us").to_numpy() / 1e6
    assert [round(dispersion_index(times, window_s)) for window_s in (1.0, 10.0, 60.0)] == [13, 71, 161]
