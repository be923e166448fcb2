"""A copy is five consecutive pairs of the trace."""

from telemetry_sim.fidelity.copies import copied_runs
from tests.telemetry_sim.fidelity.call_frames import calls, session

PAIRS = [(100 + n, n) for n in range(8)]


def test_a_trace_is_a_copy_of_itself() -> None:
    frame = calls(*session("a", PAIRS))
    assert copied_runs(frame, frame) == 4


def test_five_pairs_in_a_row_are_a_copy_and_four_are_not() -> None:
    real = calls(*session("a", PAIRS))
    assert copied_runs(real, calls(*session("b", [(1, 1), *PAIRS[2:7], (2, 2)]))) == 1
    assert copied_runs(real, calls(*session("b", [(1, 1), *PAIRS[2:6], (2, 2), *PAIRS[2:6]]))) == 0


def test_runs_do_not_cross_sessions() -> None:
    real = calls(*session("a", PAIRS))
    split = calls(*session("b", PAIRS[:4]), *session("c", PAIRS[4:]))
    assert copied_runs(real, split) == 0


def test_a_stream_of_single_calls_is_compared_in_order_of_time() -> None:
    rows = [{"input_tokens": one, "output_tokens": other} for one, other in PAIRS]
    assert copied_runs(calls(*rows), calls(*rows)) == 4
    assert copied_runs(calls(*rows), calls(*reversed(rows))) == 0
