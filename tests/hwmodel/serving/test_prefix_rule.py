"""The prefix cache of vLLM v1 in cases worked out by hand, told by both schedulers alike; blocks of 4, steps of 10 ns."""

import pytest

from tests.hwmodel.serving.engine_cases import Serve, by_both, served

pytestmark = by_both


@pytest.mark.parametrize(("caching", "cached", "first_ns"), [(True, 8, 130), (False, 0, 140)])
def test_the_next_turn_finds_whole_blocks_only(serve: Serve, caching: bool, cached: int, first_ns: int) -> None:
    """The first turn leaves 11 tokens, its last one not computed: two whole blocks."""
    run = served(
        serve,
        {"input_tokens": 10, "output_tokens": 2},
        {"after": 0, "parent": 0, "shared_tokens": 12, "gap_ns": 100, "input_tokens": 20, "output_tokens": 1},
        prefix_caching=caching,
    )
    assert run.times.requested_ns.tolist() == [0, 120]
    assert run.times.first_ns.tolist() == [10, first_ns]
    assert run.times.cached_tokens.tolist() == [0, cached]


@pytest.mark.parametrize(("input_tokens", "cached"), [(8, 4), (9, 8), (12, 8), (13, 12)])
def test_the_last_prompt_token_is_always_computed(serve: Serve, input_tokens: int, cached: int) -> None:
    alike = {"input_tokens": input_tokens, "output_tokens": 5}
    run = served(serve, alike, {**alike, "after": 0, "parent": 0, "shared_tokens": 100})
    assert run.times.cached_tokens.tolist() == [0, cached]


def test_a_system_prompt_is_found_by_the_next_call_of_the_same_step(serve: Serve) -> None:
    """12 tokens of the first call, 4 of the second: both end with the step."""
    alike = {"system": 0, "shared_tokens": 8, "input_tokens": 12, "output_tokens": 1}
    run = served(serve, alike, alike, {**alike, "system": 1})
    assert run.times.cached_tokens.tolist() == [0, 8, 0]
    assert run.times.first_ns.tolist() == [10, 10, 20]


def test_a_loaded_prefix_takes_room_but_no_computing(serve: Serve) -> None:
    """Twelve of 20 tokens come from outside: one step, not two. But all five blocks are taken, so the other waits."""
    run = served(
        serve, {"input_tokens": 20, "output_tokens": 1, "loaded_tokens": 12}, {"output_tokens": 1}, blocks_count=5
    )
    assert run.times.cached_tokens.tolist() == [12, 0]
    assert run.times.scheduled_ns.tolist() == [0, 10]
    assert run.computed_tokens == 8 + 8


def test_the_tail_of_the_oldest_context_leaves_the_cache_first(serve: Serve) -> None:
    """Ten blocks; A and B leave three each, C takes the four that are empty and A's last.

    A again finds two, and takes B's last two for the rest of its prompt: B again finds one.
    """
    once = {"input_tokens": 12, "output_tokens": 1}
    again = {"input_tokens": 13, "output_tokens": 1, "shared_tokens": 12, "gap_ns": 100}
    run = served(
        serve,
        once,
        {**once, "start_ns": 100},
        {"start_ns": 200, "input_tokens": 20, "output_tokens": 1},
        {**again, "parent": 0, "after": 2},
        {**again, "parent": 1, "after": 3},
        blocks_count=10,
        max_batched_tokens=32,
    )
    assert run.times.cached_tokens.tolist() == [0, 0, 0, 8, 4]


@pytest.mark.parametrize(("parent", "scheduled_ns"), [(0, [0, 50, 50, 50]), (-1, [0, 50, 60, 80])])
def test_forks_share_their_parent_s_blocks(serve: Serve, parent: int, scheduled_ns: list[int]) -> None:
    """Three children of 21 tokens share 16: ten blocks hold 4 + 3 x 2, but only one whole copy of six.

    Without sharing the second child comes a step later, is thrown out again, and the third waits for the first's end.
    """
    child = {"parent": parent, "after": 0, "shared_tokens": 16, "input_tokens": 20, "output_tokens": 2}
    run = served(serve, {"input_tokens": 16, "output_tokens": 5}, child, child, child, blocks_count=10)
    assert run.times.scheduled_ns.tolist() == scheduled_ns
    if parent == 0:
        assert run.times.cached_tokens.tolist() == [0, 16, 16, 16]
        assert run.times.last_ns.tolist() == [50, 70, 70, 70]
        assert run.times.preemptions_count.sum() == 0
