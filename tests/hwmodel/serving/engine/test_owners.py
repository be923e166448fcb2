"""Whose blocks a shared prefix lies in, worked out by hand and by walking up the lineage."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwmodel.serving.engine import NONE, EngineCalls, Owners, owners_of
from tests.hwmodel.serving.engine_cases import calls_of, random_calls


def owners(calls: EngineCalls, *, caching: bool = True) -> Owners:
    return owners_of(calls, block_tokens=4, prefix_caching=caching)


def test_a_prefix_lies_in_the_nearest_forebear_whose_own_content_reaches_into_it() -> None:
    """Call 1 adds blocks 2 on to those of call 0: call 2 shares more than that, call 3 only what is call 0's."""
    told = owners(
        calls_of(
            {"input_tokens": 12},
            {"input_tokens": 20, "parent": 0, "shared_tokens": 8},
            {"input_tokens": 20, "parent": 1, "shared_tokens": 12},
            {"input_tokens": 20, "parent": 1, "shared_tokens": 8},
            {"input_tokens": 20, "parent": 3, "shared_tokens": 7},
        )
    )
    assert told.owner.tolist() == [NONE, 0, 1, 0, 0]
    assert told.shared_blocks.tolist() == [0, 2, 3, 2, 1]


def test_only_whole_blocks_that_the_parent_holds_are_shared_and_never_the_last_prompt_token() -> None:
    """The parent of 6 + 3 tokens holds 8: its last one is not computed."""
    told = owners(
        calls_of(
            {"input_tokens": 6, "output_tokens": 3},
            {"input_tokens": 30, "parent": 0, "shared_tokens": 30},
            {"input_tokens": 8, "parent": 0, "shared_tokens": 8},
            {"input_tokens": 3, "parent": 0, "shared_tokens": 3},
        )
    )
    assert told.shared_blocks.tolist() == [0, 2, 1, 0]
    assert told.owner.tolist() == [NONE, 0, 0, NONE]


def test_system_prompts_own_content_after_that_of_the_calls_and_a_parent_goes_first() -> None:
    row = {"input_tokens": 20, "shared_tokens": 8}
    told = owners(calls_of({**row, "system": 0}, {**row, "system": 2}, {**row, "system": 2, "parent": 0}, row))
    assert told.owner.tolist() == [4 + 0, 4 + 2, 4 + 0, NONE]
    assert told.systems_count == 3


def test_without_a_prefix_cache_nothing_is_shared() -> None:
    told = owners(calls_of({}, {"parent": 0, "shared_tokens": 8, "system": 1}), caching=False)
    assert told.owner.tolist() == [NONE, NONE]
    assert told.shared_blocks.tolist() == [0, 0]
    assert told.systems_count == 0


@given(seed=st.integers(0, 10**9))
def test_the_owner_s_own_content_begins_before_the_end_of_the_prefix_and_reaches_it(seed: int) -> None:
    calls = random_calls(np.random.default_rng(seed), 80, 10**6)
    told = owners(calls)
    held = (calls.input_tokens + calls.output_tokens - 1) // 4
    for call, owner in enumerate(told.owner.tolist()):
        shared = told.shared_blocks[call]
        assert shared <= (calls.input_tokens[call] - 1) // 4
        assert (owner == NONE) == (shared == 0)
        if 0 <= owner < len(calls):
            assert owner < call
            assert told.shared_blocks[owner] < shared <= held[owner]
