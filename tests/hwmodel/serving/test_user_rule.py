"""What users and routers do, in cases worked out by hand, told by both schedulers alike; steps of 10 ns."""

import pytest

from hwmodel.serving.engine import Outcome, Router
from tests.hwmodel.serving.engine_cases import Serve, by_both, served, told

pytestmark = by_both
LONG = {"input_tokens": 4, "output_tokens": 100}


def test_who_waits_too_long_gives_up_and_ends_the_session(serve: Serve) -> None:
    run = served(serve, LONG, {"start_ns": 3, "patience_ns": 14}, {"after": 1}, max_sequences_count=1)
    assert told(run, "outcome") == [[Outcome.DONE, Outcome.GAVE_UP, Outcome.NOT_REQUESTED]]
    assert told(run, "requested_ns", "scheduled_ns", "last_ns") == [[0, 3, -1], [0, -1, -1], [1000, 17, -1]]


def test_who_gives_up_asks_again_after_a_pause_that_doubles(serve: Serve) -> None:
    """Asked at 0, given up at 15; again at 15 + 20, given up at 50; again at 50 + 40, given up for good at 105."""
    run = served(serve, LONG, {"patience_ns": 15, "retries_count": 2, "backoff_ns": 20}, max_sequences_count=1)
    assert told(run, "requested_ns", "last_ns") == [[0, 90], [1000, 105]]
    assert told(run, "outcome") == [[Outcome.DONE, Outcome.GAVE_UP]]


def test_a_first_token_at_the_very_end_of_patience_is_in_time(serve: Serve) -> None:
    """Asked again at 35, admitted at 40 when the first call ends, answered at 50 = 35 + 15."""
    again = {"patience_ns": 15, "retries_count": 1, "backoff_ns": 20, "output_tokens": 1}
    run = served(serve, {"input_tokens": 4, "output_tokens": 4}, again, {"after": 1}, max_sequences_count=1)
    assert told(run, "requested_ns", "first_ns") == [[0, 35, 50], [10, 50, 60]]
    assert told(run, "outcome") == [3 * [Outcome.DONE]]


def test_a_step_goes_on_when_its_only_prompt_is_given_up(serve: Serve) -> None:
    """32 of 40 prompt tokens are computed by the two steps; the third never begins."""
    run = served(serve, {"input_tokens": 40, "patience_ns": 15})
    assert told(run, "scheduled_ns", "first_ns", "last_ns", "generated_tokens") == [[0], [-1], [15], [0]]
    assert (run.steps_count, run.busy_ns.tolist(), run.computed_tokens) == (2, [20], 32)


def test_patience_ends_with_the_first_token(serve: Serve) -> None:
    run = served(serve, {**LONG, "patience_ns": 15})
    assert told(run, "outcome", "last_ns") == [[Outcome.DONE], [1000]]


def test_a_stopped_call_keeps_its_tokens_and_its_session_goes_on(serve: Serve) -> None:
    """Tokens at 10 and 20; the one of the step under way is lost, its computing is not undone."""
    run = served(serve, {**LONG, "stop_ns": 25}, {"after": 0, "gap_ns": 5, "output_tokens": 1})
    assert told(run, "outcome", "generated_tokens") == [[Outcome.STOPPED, Outcome.DONE], [2, 1]]
    assert told(run, "requested_ns", "last_ns") == [[0, 30], [25, 40]]
    assert (run.steps_count, run.computed_tokens) == (4, 4 + 2 + 8)


@pytest.mark.parametrize("stop_ns", [0, 5, 60])
def test_a_call_stopped_in_the_queue_never_runs(serve: Serve, stop_ns: int) -> None:
    run = served(serve, LONG, {"stop_ns": stop_ns}, max_sequences_count=1)
    assert told(run, "scheduled_ns", "last_ns") == [[0, -1], [1000, stop_ns]]
    assert run.computed_tokens == 103


def test_stopping_counts_from_the_first_attempt(serve: Serve) -> None:
    """Given up at 15, and stopped at 30 before it asks again at 55."""
    asks = {"patience_ns": 15, "retries_count": 1, "backoff_ns": 40, "stop_ns": 30}
    run = served(serve, LONG, asks, {"after": 1, "gap_ns": 1}, max_sequences_count=1)
    assert told(run, "requested_ns", "last_ns") == [[0, 0, 31], [1000, 30, 1040]]
    assert told(run, "outcome") == [[Outcome.DONE, Outcome.STOPPED, Outcome.DONE]]


def test_a_call_that_no_replica_holds_is_refused_and_its_session_goes_on(serve: Serve) -> None:
    """Five blocks hold 20 tokens: a prompt of 19 and two of answer, for the last one is not kept."""
    follower = {"after": 0, "gap_ns": 50, "output_tokens": 1}
    for input_tokens, outcome, last_ns in ((19, Outcome.DONE, 30), (20, Outcome.REFUSED, 0)):
        run = served(serve, {"input_tokens": input_tokens, "output_tokens": 2}, follower, blocks_count=5)
        assert told(run, "outcome", "last_ns") == [[outcome, Outcome.DONE], [last_ns, last_ns + 60]]


def test_nothing_happens_after_the_horizon(serve: Serve) -> None:
    """Tokens at 10 to 50; the step begun at 50 counts as busy time; the third call is not even asked."""
    run = served(serve, LONG, {"output_tokens": 1}, {"start_ns": 56}, {"after": 0}, horizon_ns=55)
    assert told(run, "outcome") == [[Outcome.OPEN, Outcome.DONE, Outcome.NOT_REQUESTED, Outcome.NOT_REQUESTED]]
    assert told(run, "generated_tokens", "last_ns") == [[5, 1, 0, 0], [-1, 10, -1, -1]]
    assert (run.steps_count, run.busy_ns.tolist()) == (6, [60])


def test_an_event_at_the_horizon_still_happens(serve: Serve) -> None:
    assert told(served(serve, {"output_tokens": 5}, horizon_ns=50), "last_ns") == [[50]]
    assert told(served(serve, {"output_tokens": 5}, horizon_ns=49), "last_ns") == [[-1]]


@pytest.mark.parametrize(
    ("router", "replica"), [(Router.ROUND_ROBIN, [0, 1, 0, 1]), (Router.LEAST_LOADED, [0, 1, 1, 1])]
)
def test_calls_go_round_or_to_the_lighter_replica(serve: Serve, router: Router, replica: list[int]) -> None:
    rows = [{"input_tokens": tokens} for tokens in (40, 8, 8, 8)]
    assert told(served(serve, *rows, replicas_count=2, router=router), "replica") == [replica]


@pytest.mark.parametrize(("busy_tokens", "replica"), [(141, 1), (142, 0)])
def test_a_call_follows_its_prefix_unless_its_home_is_much_more_loaded(
    serve: Serve, busy_tokens: int, replica: int
) -> None:
    """Its own 11 tokens and 1.3 times the other replica's 100 are what the home may carry."""
    run = served(
        serve,
        {"input_tokens": 10, "output_tokens": 90},
        {"input_tokens": 4, "output_tokens": 1},
        {"start_ns": 20, "input_tokens": 60, "output_tokens": busy_tokens - 60},
        {"start_ns": 21, "parent": 1, "shared_tokens": 4, "input_tokens": 10, "output_tokens": 1},
        replicas_count=2,
    )
    assert told(run, "replica") == [[0, 1, 1, replica]]
