"""A tuned surface plays as many calls per session, and per turn, as its trace has."""

import numpy as np
import polars as pl
import pytest

from telemetry_sim.fit import fit_surface
from telemetry_sim.fitted import simulate_fitted
from tests.telemetry_sim.fitted.made_traces import loop_trace


def test_sessions_are_as_long_as_the_traces_on_average() -> None:
    calls = loop_trace(60, seed=9)
    played = simulate_fitted(fit_surface(calls, name="mean"), seed=3, sessions_count=3_000)
    assert played.height / 3_000 == pytest.approx(calls.height / 60, rel=0.04)


def test_calls_whose_server_time_is_untold_take_none_beside_their_gap() -> None:
    rng = np.random.default_rng(2)
    calls = loop_trace(80)
    human_next = (pl.col("turn_id") != pl.col("turn_id").shift(-1)).over("session_id").fill_null(value=False)
    calls = calls.sort("session_id", "step_index").with_columns(
        duration_s=pl.when(~human_next).then(pl.Series(np.exp(rng.normal(1.0, 0.2, calls.height))))
    )
    played = simulate_fitted(fit_surface(calls, name="told"), seed=1, sessions_count=400)
    played = played.sort("session_id", "step_index")
    step = (pl.col("requested_at").diff().dt.total_microseconds() / 1e6).over("session_id")
    steps = played.with_columns(step=step, before=pl.col("duration_s").shift(1).over("session_id")).drop_nulls("gap_s")
    wanted = steps["gap_s"] + steps["before"].fill_null(0.0)
    assert np.allclose(steps["step"].to_numpy(), wanted.to_numpy(), atol=1e-4)
    human = steps.with_columns(human=(pl.col("turn_id") != pl.col("turn_id").shift(1)).over("session_id"))
    untold = human.drop_nulls("human").group_by("human").agg(share=pl.col("before").is_null().mean())
    shares = dict(untold.iter_rows())
    assert shares[True] > 0.6
    assert shares[False] < 0.2
