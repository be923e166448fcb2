"""Step costs of any kind: the same nanoseconds in Python and inside compiled loops, and all that a step computes counts."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from hwmodel.serving import StepCost
from hwmodel.serving.errors import UnknownCost
from hwmodel.serving.step_cost import step_ns
from hwmodel.serving.step_features import StepFeatures
from tests.hwmodel.serving.engine_cases import toy_cost

TABLES = StepCost(
    100.0 + np.arange(50.0),
    10.0 * np.arange(9.0),
    1000.0 * np.add.outer(np.arange(9), [1.0, 1.5, 2.0, 3.0, 4.0]),
    1e5 * np.add.outer(np.arange(17), 2.0 ** np.arange(5)),
)


@njit(nogil=True)
def compiled_ns(cost: Any, features: StepFeatures) -> int:
    return step_ns(cost, features)


def features(**known: int) -> StepFeatures:
    return StepFeatures(**(dict.fromkeys(StepFeatures._fields, 0) | known))


@given(numbers=st.lists(st.integers(0, 10_000), min_size=9, max_size=9))
def test_a_step_takes_the_same_time_in_python_and_compiled(numbers: list[int]) -> None:
    step = StepFeatures(*numbers)
    for cost in (toy_cost(7, 1), TABLES):
        assert compiled_ns(cost, step) == step_ns(cost, step)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"decoding": 4, "decode_kv": 4 * 64, "emitting": 4}, 104 + 40 + 1000 * (4 + 2)),
        ({"decoding": 3, "decode_kv": 3 * 72, "emitting": 3}, 103 + 30 + 1000 * (3 + 2.25)),
        ({"decoding": 9, "decode_kv": 9 * 4096, "emitting": 8}, 109 + 80 + 1000 * (8 + 4)),
        ({"chunk_tokens": 8, "prompt_context": 8 * 128, "emitting": 1}, 108 + 10 + 1e5 * (8 + 4)),
        ({"chunk_tokens": 7, "prompt_context": 7 * 80, "emitting": 1}, 107 + 10 + 1e5 * (7 + 2.5)),
        ({"chunk_tokens": 8, "decoding": 1, "decode_kv": 32}, 109 + 1000 * (1 + 1) + 1e5 * (8 + 1)),
        ({"chunk_tokens": 16, "emitting": 50}, 116 + 80 + 1e5 * (16 + 1)),
    ],
)
def test_tables_are_read_at_tokens_rows_and_contexts_with_straight_lines_between(
    known: dict[str, int], expected: float
) -> None:
    """Contexts stand at 32, 48, 64... or 32, 64, 128...; the first one for all below, the last of all for all above."""
    assert step_ns(TABLES, features(**known)) == expected


def test_every_feature_counts_in_the_cost_that_the_schedulers_are_compared_with() -> None:
    nothing = step_ns(toy_cost(7, 1), features())
    assert nothing == 7
    for name in StepFeatures._fields:
        assert step_ns(toy_cost(7, 1), features(**{name: 3})) > nothing, name


def test_a_cost_of_no_registered_kind_is_refused() -> None:
    class Unknown(NamedTuple):
        step: int

    with pytest.raises(UnknownCost, match="Unknown; register"):
        step_ns(Unknown(3), features())
