"""Sessions on rings keep their inner times, and a ring has neither begin nor end."""

import numpy as np
import pytest

from telemetry_sim.fidelity.queue import Server, Stream, server_for, tail_ttft_s
from telemetry_sim.fidelity.rings import TOGETHER, Sessions, log_tails, on_ring, picked, sessions_of
from tests.telemetry_sim.fidelity.call_frames import calls, session


def made_sessions(count: int = 80) -> Sessions:
    rows = [row for number in range(count) for row in session(f"s{number:02d}", [(9, 1), (9, 100), (9, 1)])]
    return sessions_of(calls(*rows))


def test_sessions_keep_their_inner_times_on_a_ring() -> None:
    sessions = made_sessions()
    assert sessions.ring_s == pytest.approx(80 * 2.0 / TOGETHER)
    stream = on_ring(sessions, 100.0, np.random.default_rng(2))
    long = np.sort(stream.times_s[stream.decode_s > stream.decode_s.min()])
    short = np.sort(stream.times_s[stream.decode_s == stream.decode_s.min()])
    assert np.sort(np.concatenate(((long - 1) % 100, (long + 1) % 100))) == pytest.approx(short)
    assert (np.diff(stream.times_s) >= 0).all()


def test_picked_sessions_come_as_often_as_named() -> None:
    rows = [row for name, one in (("a", [(1, 1)]), ("b", [(2, 2), (3, 3)])) for row in session(name, one)]
    found = picked(sessions_of(calls(*rows)), np.array([1, 0, 1]))
    assert found.count == 3
    assert found.since_s.tolist() == [0.0, 1.0, 0.0, 0.0, 1.0]
    assert found.decode_s == pytest.approx(np.array([2, 3, 1, 2, 3]) * 0.0154)


def test_where_a_ring_is_cut_does_not_matter() -> None:
    generator = np.random.default_rng(3)
    times, service = np.sort(generator.random(400)) * 100.0, generator.exponential(1.0, 400)
    tails = []
    for turned in (0.0, 37.0, 81.0):
        moved = (times + turned) % 100.0
        order = np.argsort(moved)
        ring = Stream(
            times_s=moved[order], prefill_s=np.zeros(400), decode_s=service[order], span_s=100.0, is_ring=True
        )
        tails.append(tail_ttft_s(ring, server_for(ring)))
    assert tails[1:] == pytest.approx([tails[0]] * 2)


def test_the_mean_over_rings_is_the_same_for_other_begins() -> None:
    sessions = made_sessions()
    server = Server(speed_ratio=float((sessions.prefill_s + sessions.decode_s).sum()) / (0.7 * sessions.ring_s))
    one, other = (log_tails(sessions, sessions.ring_s, server, 300, np.random.default_rng(seed)) for seed in (1, 2))
    noise = np.hypot(one.std(), other.std()) / 300**0.5
    assert abs(one.mean() - other.mean()) < 4 * noise
    assert noise < one.std()
