"""Engine settings that cannot be are refused with the way out."""

from typing import Any

import pytest

from hwmodel.serving.engine import EngineSettings, Policy
from hwmodel.serving.errors import BadSettings


@pytest.mark.parametrize("name", ["blocks_count", "block_tokens", "max_sequences_count", "max_batched_tokens"])
def test_counts_are_at_least_one(name: str) -> None:
    settings: dict[str, Any] = {"blocks_count": 10, name: 0}
    with pytest.raises(BadSettings, match=f"{name} is 0; give at least 1"):
        EngineSettings(**settings)


def test_every_running_call_must_get_a_token_of_the_budget() -> None:
    with pytest.raises(BadSettings, match=r"max_batched_tokens 7 is below max_sequences_count 8.*raise the budget"):
        EngineSettings(blocks_count=10, max_sequences_count=8, max_batched_tokens=7)
    assert EngineSettings(blocks_count=10, max_sequences_count=8, max_batched_tokens=8).max_batched_tokens == 8


def test_only_a_priority_engine_can_make_calls_yield() -> None:
    with pytest.raises(BadSettings, match="yielding_priority needs the policy priority"):
        EngineSettings(blocks_count=10, yielding_priority=1)
    assert EngineSettings(blocks_count=10, yielding_priority=1, policy=Policy.PRIORITY).yielding_priority == 1
