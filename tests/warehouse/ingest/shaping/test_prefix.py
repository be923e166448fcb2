"""The prefix tree against a literal comparison of every call with every earlier one."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.ingest.shaping.prefix_ids import shared_prefix_of_ids
from warehouse.ingest.shaping.prefix_tree import longest_shared_prefix, runs_of_ids


def literal(groups: list[int], calls: list[list[int]]) -> list[tuple[int, int]]:
    """(parent, blocks) of each call, by comparing it with all earlier calls of its group."""
    answers = []
    for at, mine in enumerate(calls):
        best = (-1, 0)
        for earlier in range(at):
            if groups[earlier] != groups[at]:
                continue
            common = 0
            for one, other in zip(mine, calls[earlier], strict=False):
                if one != other:
                    break
                common += 1
            if common and common >= best[1]:
                best = (earlier, common)
        answers.append(best)
    return answers


def computed(groups: list[int], calls: list[list[int]]) -> list[tuple[int, int]]:
    runs = runs_of_ids(pl.Series(calls, dtype=pl.List(pl.Int64)))
    shared = longest_shared_prefix(np.array(groups, dtype=np.int64), runs)
    return list(zip(shared.parent_row.tolist(), shared.block_count.tolist(), strict=True))


def test_the_latest_call_that_holds_the_last_common_block_is_the_parent() -> None:
    calls = [[0, 1, 2], [0, 3], [0, 1, 2, 4], [0, 3], [9], [0, 1, 7], []]
    assert computed([0] * 7, calls) == [(-1, 0), (0, 1), (0, 3), (1, 2), (-1, 0), (2, 2), (-1, 0)]


def test_groups_share_nothing() -> None:
    assert computed([0, 1, 1], [[1, 2], [1, 2], [1, 2, 3]]) == [(-1, 0), (-1, 0), (1, 2)]


@given(st.lists(st.tuples(st.integers(0, 1), st.lists(st.integers(0, 3), max_size=7)), max_size=25))
def test_the_tree_agrees_with_literal_comparison_on_colliding_ids(drawn: list[tuple[int, list[int]]]) -> None:
    ordered = sorted(drawn, key=lambda pair: pair[0])
    groups, calls = [group for group, _ in ordered], [ids for _, ids in ordered]
    assert computed(groups, calls) == literal(groups, calls)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(0, 30)), max_size=40))
def test_the_tree_agrees_with_literal_comparison_on_growing_contexts(steps: list[tuple[int, int, int]]) -> None:
    calls: list[list[int]] = [list(range(10))]
    fresh = 10
    for keep, grow, base in steps:
        calls.append(calls[base % len(calls)][:keep] + list(range(fresh, fresh + grow)))
        fresh += grow
    assert computed([0] * len(calls), calls) == literal([0] * len(calls), calls)


@given(st.lists(st.lists(st.integers(-5, 8), max_size=10), max_size=10))
def test_runs_expand_to_the_ids_they_came_from(calls: list[list[int]]) -> None:
    runs = runs_of_ids(pl.Series(calls, dtype=pl.List(pl.Int64)))
    for at, ids in enumerate(calls):
        mine = range(int(runs.offset[at]), int(runs.offset[at + 1]))
        expanded = [int(runs.start[k]) + j for k in mine for j in range(int(runs.length[k]))]
        assert expanded == ids


@pytest.mark.parametrize("size", [2_000])
def test_a_growing_session_costs_time_linear_in_its_calls(size: int) -> None:
    import time

    def seconds(count: int) -> float:
        calls = pl.Series([list(range(n + 1)) for n in range(count)], dtype=pl.List(pl.Int64))
        runs = runs_of_ids(calls)
        begin = time.perf_counter()
        longest_shared_prefix(np.zeros(count, dtype=np.int64), runs)
        return time.perf_counter() - begin

    assert min(seconds(size) for _ in range(3)) < 8 * min(seconds(size // 2) for _ in range(3)) + 0.01


def by_columns(calls: list[list[int]]) -> list[tuple[int, int]]:
    shared = shared_prefix_of_ids(pl.Series(calls, dtype=pl.List(pl.Int64)))
    return list(zip(shared.parent_row.tolist(), shared.block_count.tolist(), strict=True))


@given(st.lists(st.lists(st.integers(-2, 3), max_size=6), max_size=20))
def test_columns_agree_with_literal_comparison_on_colliding_ids(calls: list[list[int]]) -> None:
    assert by_columns(calls) == literal([0] * len(calls), calls)


@given(st.lists(st.lists(st.integers(0, 2), max_size=7), max_size=25), st.sampled_from([1, 10**12]))
def test_columns_agree_with_literal_comparison_on_ids_that_name_prefixes(paths: list[list[int]], apart: int) -> None:
    names: dict[tuple[int, ...], int] = {}
    calls = [[apart * names.setdefault(tuple(path[: at + 1]), len(names)) for at in range(len(path))] for path in paths]
    assert by_columns(calls) == literal([0] * len(calls), calls)
