"""The queue against theory and against a literal server."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim.fidelity.queue import (
    BASE_S,
    OUTPUT_S_PER_TOKEN,
    UNCACHED_S_PER_TOKEN,
    UTILISATION,
    poisson_stream,
    server_for,
    stream_of,
    tail_ttft_s,
    waits_s,
)
from tests.telemetry_sim.fidelity.call_frames import calls


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 5.0)), min_size=1, max_size=40))
def test_waits_are_those_of_a_literal_server(pairs: list[tuple[float, float]]) -> None:
    times, service = np.cumsum([gap for gap, _ in pairs]), np.array([time for _, time in pairs])
    free, waits = 0.0, []
    for at, busy in zip(times, service, strict=True):
        begin = max(free, at)
        waits.append(begin - at)
        free = begin + busy
    assert waits_s(times, service) == pytest.approx(waits, abs=1e-9)


def test_the_mean_wait_of_poisson_arrivals_and_equal_service_is_pollaczek_and_khinchines() -> None:
    times = np.sort(np.random.default_rng(1).random(200_000)) * 200_000
    wait = waits_s(times, np.full(len(times), 0.7)).mean()
    assert wait == pytest.approx(0.7 * 0.7 / (2 * 0.3), rel=0.05)


def test_service_counts_uncached_input_and_output() -> None:
    row = {"input_tokens": 1000, "shared_prefix_tokens": 400, "output_tokens": 10, "parent_call_id": "c0"}
    stream = stream_of(calls({"input_tokens": 5, "output_tokens": 1}, row))
    assert stream.prefill_s[1] == pytest.approx(BASE_S + 600 * UNCACHED_S_PER_TOKEN)
    assert stream.decode_s[1] == pytest.approx(10 * OUTPUT_S_PER_TOKEN)


def test_the_server_is_scaled_to_the_utilisation() -> None:
    stream = stream_of(calls(*({"input_tokens": 9, "output_tokens": 9, "at_s": 3.0 * n} for n in range(9))))
    speed = server_for(stream).speed_ratio
    assert (stream.prefill_s + stream.decode_s).sum() / speed / stream.span_s == pytest.approx(UTILISATION)
    alone = stream.prefill_s[0] / speed
    assert tail_ttft_s(stream, server_for(stream)) == pytest.approx(alone)


def test_a_poisson_stream_keeps_the_number_the_span_and_the_sizes() -> None:
    stream = stream_of(calls(*({"input_tokens": n, "output_tokens": 1} for n in range(50))))
    single = poisson_stream(stream, np.random.default_rng(2))
    assert len(single.times_s) == 50
    assert single.span_s == stream.span_s
    assert set(single.prefill_s) <= set(stream.prefill_s)
