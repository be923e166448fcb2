"""Times of calls derived from what a replay says of them."""

import numpy as np
import pytest

from hwmodel.serving.engine import Outcome
from tests.hwmodel.serving.engine_cases import Serve, by_both, served


@by_both
def test_times_per_call_follow_from_its_marks(serve: Serve) -> None:
    times = served(serve, {"input_tokens": 8, "output_tokens": 4}, {"output_tokens": 1, "start_ns": 5}).times
    np.testing.assert_allclose(times.ttft_s, [10e-9, 15e-9])  # the second waits for the step under way
    np.testing.assert_allclose(times.tpot_s, [10e-9, 0.0])


@by_both
def test_what_did_not_happen_has_no_time(serve: Serve) -> None:
    """The first user stops after the first token, the second gives up before it, the third call fits no replica."""
    stopped = {"stop_ns": 25, "output_tokens": 90}
    times = served(serve, stopped, {"patience_ns": 3}, {"input_tokens": 900}).times
    assert times.outcome.tolist() == [Outcome.STOPPED, Outcome.GAVE_UP, Outcome.REFUSED]
    assert times.ttft_s[0] == pytest.approx(10e-9)
    assert np.isnan(times.ttft_s[1:]).all()
    assert np.isnan(times.tpot_s).all()
