"""A real agent trace through ingestion, demand and replay: sessions keep their order and their gaps."""

import numpy as np
import polars as pl
import pytest

from featurize import demand_calls
from hwmodel.serving import ReplayDemand, Scheduler, replay_demand
from hwmodel.serving.engine import CallTimes
from tests.hwmodel.serving.demand_frames import policy_frame
from tests.hwmodel.serving.replay_cases import Case, constant_cost, replica_of, run_after
from tests.shared_data import shared_path
from warehouse.ingest import ingest

TRACE = "data/traces/claude_code_weka_requests.parquet"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    calls = ingest("weka", shared_path(TRACE)).model_calls
    return demand_calls(calls.lazy(), policy_frame().lazy()).collect()


@pytest.fixture(scope="module")
def demand(frame: pl.DataFrame) -> ReplayDemand:
    return replay_demand(frame, policy_frame())


def test_every_call_of_the_trace_is_in_the_demand(frame: pl.DataFrame, demand: ReplayDemand) -> None:
    assert len(demand) == frame.height == 33_158
    assert np.unique(demand.session).size == 511
    follows = frame["starts_after_call_id"].is_not_null().sum()
    assert (demand.after >= 0).sum() == follows > 30_000


@pytest.fixture(scope="module")
def served(demand: ReplayDemand) -> CallTimes:
    """Times of the calls in a replay on one replica that holds everything."""
    case = Case(
        demand=demand,
        replica=replica_of(constant_cost(1e7), capacity_tokens=10**12),
        replicas_count=1,
        scheduler=Scheduler(max_sequences_count=4096, max_batched_tokens=10**6, grace_s=1e7),
    )
    return run_after(case)[0].times


def test_sessions_keep_their_order_and_own_starts(frame: pl.DataFrame, demand: ReplayDemand, served: CallTimes) -> None:
    assert (served.last_ns >= 0).all()
    follows = demand.after >= 0
    assert served.requested_ns[~follows].tolist() == demand.start_ns[~follows].tolist()
    steps = in_replay_order(frame)["step_index"].to_numpy()
    later = follows & (demand.session == demand.session[demand.after])
    assert later.sum() == follows.sum()
    assert (steps[later] > steps[demand.after[later]]).all()


def test_gaps_between_an_answer_and_the_next_request_are_nearly_all_those_of_the_file(
    frame: pl.DataFrame, demand: ReplayDemand, served: CallTimes
) -> None:
    """The file's think time; ingestion derives the gaps of some side agents anew."""
    raw = pl.read_parquet(shared_path(TRACE)).select("t", "think_time").with_row_index("row", offset=1)
    rows = in_replay_order(frame)["call_id"].str.split("-").list.last().cast(pl.Int64).to_numpy() - 1
    follows = demand.after >= 0
    waited_s = (served.requested_ns - served.last_ns[demand.after])[follows] / 1e9
    think_s = raw["think_time"].fill_null(np.nan).to_numpy()[rows][follows]
    told = np.isfinite(think_s)
    exact = np.abs(waited_s - think_s) < 1e-6
    assert told.mean() > 0.9
    assert exact[told].mean() > 0.9


def in_replay_order(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.sort("requested_at", "session_id", "step_index", "call_id")


def test_an_endless_cache_finds_every_prefix_that_the_trace_shares(demand: ReplayDemand, served: CallTimes) -> None:
    found = served.cached_tokens
    assert (found <= demand.shared_tokens).all()
    assert found.sum() / demand.shared_tokens.sum() > 0.99
