import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_sim.export.prefix_tree import ROOT, PrefixTree

Call = tuple[int, int, int]
"""Blocks, parent's row, shared blocks asked for."""


@st.composite
def calls_of_a_tree(draw: st.DrawFn) -> list[Call]:
    count = draw(st.integers(1, 40))
    return [
        (draw(st.integers(1, 12)), draw(st.integers(ROOT, row - 1)), draw(st.integers(0, 15))) for row in range(count)
    ]


def ids_by_hand(calls: list[Call]) -> list[list[int]]:
    """The definition: the parent's first blocks, then numbers never used before."""
    ids: list[list[int]] = []
    fresh = 0
    for blocks, parent, shared in calls:
        first = [] if parent == ROOT else ids[parent][: min(shared, blocks)]
        ids.append(first + list(range(fresh, fresh + blocks - len(first))))
        fresh += blocks - len(first)
    return ids


def grown(calls: list[Call], batch: int) -> PrefixTree:
    tree = PrefixTree()
    for low in range(0, len(calls), batch):
        blocks, parent, shared = (np.array(column, np.int64) for column in zip(*calls[low : low + batch], strict=True))
        assert np.array_equal(tree.grow(blocks, parent, shared), np.arange(low, low + len(blocks)))
    return tree


@given(calls=calls_of_a_tree(), batch=st.integers(1, 40))
def test_ids_are_those_of_the_definition_however_the_calls_are_batched(calls: list[Call], batch: int) -> None:
    tree = grown(calls, batch)
    expected = ids_by_hand(calls)
    assert tree.ids(np.arange(len(calls))).tolist() == [number for ids in expected for number in ids]
    last = np.array([len(calls) - 1])
    assert tree.ids(last).tolist() == expected[-1]


@given(calls=calls_of_a_tree())
def test_links_never_lead_to_a_call_that_gives_no_block(calls: list[Call]) -> None:
    tree = grown(calls, 7)
    linked = np.flatnonzero(tree.link != ROOT)
    assert np.all(tree.own_from[tree.link[linked]] < tree.own_from[linked])


def test_a_chain_that_shares_one_system_prompt_stays_one_link_long() -> None:
    tree = grown([(4, row - 1, 2) for row in range(1000)], 100)
    assert tree.link[1:].tolist() == [0] * 999
    assert tree.ids(np.array([999])).tolist()[:2] == [0, 1]


@pytest.mark.parametrize("parent", [5, 6])
def test_a_parent_that_is_not_above_its_child_shares_nothing(parent: int) -> None:
    tree = grown([(3, ROOT, 0)] * 5, 5)
    tree.grow(np.array([3]), np.array([parent]), np.array([3]))
    assert tree.ids(np.array([5])).tolist() == [15, 16, 17]
