"""The step rule of vLLM v1 in cases worked out by hand, told by both schedulers alike.

Every step takes 10 ns and blocks hold 4 tokens, so a call's first token comes 10 ns after its last prompt step began.
"""

import pytest

from hwmodel.serving.engine import Outcome, Policy
from tests.hwmodel.serving.engine_cases import Serve, by_both, served, told

pytestmark = by_both


def test_a_lone_call_takes_one_step_for_its_prompt_and_one_for_each_further_token(serve: Serve) -> None:
    run = served(serve, {"start_ns": 7, "input_tokens": 16, "output_tokens": 5})
    assert told(run, "requested_ns", "scheduled_ns", "first_ns", "last_ns") == [[7], [7], [17], [57]]
    assert (run.steps_count, run.busy_ns.tolist(), run.computed_tokens) == (5, [50], 20)
    assert told(run, "generated_tokens", "outcome", "preemptions_count", "cached_tokens") == [
        [5],
        [Outcome.DONE],
        [0],
        [0],
    ]


@pytest.mark.parametrize(("input_tokens", "first_ns"), [(16, 10), (17, 20), (32, 20), (33, 30)])
def test_a_prompt_over_the_budget_is_cut_into_chunks(serve: Serve, input_tokens: int, first_ns: int) -> None:
    run = served(serve, {"input_tokens": input_tokens, "output_tokens": 1})
    assert told(run, "first_ns", "last_ns") == [[first_ns], [first_ns]]
    assert run.computed_tokens == input_tokens


def test_decoding_calls_take_their_tokens_out_of_the_budget_first(serve: Serve) -> None:
    """A prompt of 16 meets one decoding call: 15 tokens fit beside it, the last one comes a step later."""
    run = served(serve, {"input_tokens": 4, "output_tokens": 50}, {"start_ns": 5, "input_tokens": 16})
    assert told(run, "scheduled_ns", "first_ns") == [[0, 10], [10, 30]]
    assert run.times.last_ns[0] == 500


def test_what_one_prompt_leaves_of_the_budget_goes_to_the_next(serve: Serve) -> None:
    """10 and 6 tokens in the first step; the third call is admitted beside the second one's last 4."""
    run = served(serve, *3 * [{"input_tokens": 10, "output_tokens": 1}])
    assert told(run, "scheduled_ns", "first_ns") == [[0, 0, 10], [10, 20, 20]]


def test_no_more_calls_run_than_there_are_places(serve: Serve) -> None:
    run = served(serve, *3 * [{"input_tokens": 4, "output_tokens": 3}], max_sequences_count=2)
    assert told(run, "scheduled_ns", "last_ns") == [[0, 0, 30], [30, 30, 60]]


def test_the_newest_call_gives_way_and_recovers_what_is_left_of_its_prefix(serve: Serve) -> None:
    """Five blocks for two calls of 8 + 8 tokens.

    At 10 both need a third block; the second call finds none and gives up its two full ones. The first call needs a
    fourth at 50 and takes the one with the second call's tokens 5 to 8, the tail, which was freed first. So at 80 the
    second call finds 4 tokens, computes 5 (prompt and the one token it had got), and decodes 6 more.
    """
    run = served(serve, *2 * [{"input_tokens": 8, "output_tokens": 8}], blocks_count=5)
    assert told(run, "scheduled_ns", "first_ns", "last_ns") == [[0, 0], [10, 10], [80, 150]]
    assert told(run, "preemptions_count", "cached_tokens") == [[0, 1], [0, 0]]
    assert (run.steps_count, run.computed_tokens) == (15, 15 + 15 + 4)


def test_without_a_prefix_cache_an_interrupted_call_computes_everything_again(serve: Serve) -> None:
    run = served(serve, *2 * [{"input_tokens": 8, "output_tokens": 8}], blocks_count=5, prefix_caching=False)
    assert told(run, "last_ns", "preemptions_count") == [[80, 150], [0, 1]]
    assert run.computed_tokens == 15 + 15 + 8


def test_an_interrupted_call_comes_back_before_those_who_waited(serve: Serve) -> None:
    pair = 2 * [{"input_tokens": 8, "output_tokens": 8}]
    run = served(serve, *pair, {"start_ns": 1, "input_tokens": 4, "output_tokens": 1}, blocks_count=5)
    assert told(run, "scheduled_ns", "last_ns") == [[0, 0, 80], [80, 150, 90]]


def test_a_call_waits_until_its_blocks_are_free(serve: Serve) -> None:
    """The first call holds four of five blocks until 40; the second needs two."""
    run = served(
        serve,
        {"input_tokens": 12, "output_tokens": 4},
        {"start_ns": 1, "input_tokens": 8, "output_tokens": 1},
        blocks_count=5,
    )
    assert told(run, "scheduled_ns", "last_ns") == [[0, 40], [40, 50]]


@pytest.mark.parametrize(
    ("reserve", "scheduled_ns", "preemptions", "computed_tokens"), [(True, 30, 0, 26), (False, 10, 1, 29)]
)
def test_a_long_prompt_is_admitted_by_its_whole_length_or_by_its_first_chunk(
    serve: Serve, reserve: bool, scheduled_ns: int, preemptions: int, computed_tokens: int
) -> None:
    """Two blocks are free at 10: they hold the first chunk of 7 but not the prompt of 16.

    Admitted by the chunk, the call is thrown out at 20, finds 4 of its 7 tokens again at 30, and is no earlier.
    """
    run = served(
        serve,
        {"input_tokens": 8, "output_tokens": 3},
        {"start_ns": 1, "input_tokens": 16, "output_tokens": 1},
        blocks_count=5,
        max_batched_tokens=8,
        reserve_full_prompt=reserve,
    )
    assert told(run, "scheduled_ns", "first_ns") == [[0, scheduled_ns], [10, 50]]
    assert told(run, "preemptions_count") == [[0, preemptions]]
    assert run.computed_tokens == computed_tokens


@pytest.mark.parametrize(
    ("policy", "last_ns", "preemptions"), [(Policy.FCFS, [80, 120], [0, 1]), (Policy.PRIORITY, [120, 90], [1, 0])]
)
def test_the_newest_or_the_least_urgent_call_gives_way(
    serve: Serve, policy: Policy, last_ns: list[int], preemptions: list[int]
) -> None:
    """At 50 the first call asks for a block and none of six is free; by priority it is itself the one to go."""
    run = served(
        serve,
        {"input_tokens": 8, "output_tokens": 8, "priority": 1},
        {"start_ns": 1, "input_tokens": 8, "output_tokens": 8},
        blocks_count=6,
        policy=policy,
    )
    assert told(run, "last_ns", "preemptions_count") == [last_ns, preemptions]


def test_calls_behind_one_that_throws_itself_out_get_nothing_in_that_step(serve: Serve) -> None:
    """At 60 the second of three asks for a block, finds none, and is the least urgent: the third call stalls.

    The third would end at 70 otherwise. At 80 it leaves, and the second call finds all its 12 tokens again.
    """
    run = served(
        serve,
        {"input_tokens": 4, "output_tokens": 10},
        {"start_ns": 1, "input_tokens": 8, "output_tokens": 6, "priority": 2},
        {"start_ns": 11, "input_tokens": 4, "output_tokens": 5, "priority": 1},
        blocks_count=8,
        policy=Policy.PRIORITY,
    )
    assert told(run, "scheduled_ns", "last_ns") == [[0, 10, 20], [100, 90, 80]]
    assert told(run, "preemptions_count") == [[0, 1, 0]]
    assert (run.steps_count, run.computed_tokens) == (10, 13 + 13 + 8)


def test_a_more_urgent_call_is_admitted_before_those_who_came_earlier(serve: Serve) -> None:
    rows = [
        {"start_ns": start, "priority": priority, "output_tokens": 1} for start, priority in enumerate((0, 2, 1, 0))
    ]
    run = served(serve, *rows, max_sequences_count=1, policy=Policy.PRIORITY)
    assert told(run, "scheduled_ns") == [[0, 30, 20, 10]]
    run = served(serve, *rows, max_sequences_count=1)
    assert told(run, "scheduled_ns") == [[0, 10, 20, 30]]


@pytest.mark.parametrize(("priority", "last_ns", "preemptions"), [(2, [120, 50], [1, 0]), (1, [100, 120], [0, 0])])
def test_interruptible_work_yields_to_urgent_calls(
    serve: Serve, priority: int, last_ns: list[int], preemptions: list[int]
) -> None:
    """With one place: work of priority 2 is off at 30, and from 50 on computes 3 tokens of 11 again."""
    run = served(
        serve,
        {"input_tokens": 8, "output_tokens": 10, "priority": priority},
        {"start_ns": 25, "input_tokens": 4, "output_tokens": 2},
        max_sequences_count=1,
        policy=Policy.PRIORITY,
        yielding_priority=2,
    )
    assert told(run, "last_ns", "preemptions_count") == [last_ns, preemptions]


def test_the_fixed_state_of_a_sequence_takes_blocks(serve: Serve) -> None:
    rows = 2 * [{"input_tokens": 8, "output_tokens": 1}]
    assert told(served(serve, *rows, blocks_count=5), "scheduled_ns") == [[0, 0]]
    assert told(served(serve, *rows, blocks_count=5, state_blocks_count=1), "scheduled_ns") == [[0, 10]]
