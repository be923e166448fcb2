"""Block lists taken out of a session's text against what JSON says of the whole text."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.ingest.adapters.weka.block_lists import BlockList, runs_of, take_out_lists

IDS = st.lists(st.integers(0, 12) | st.integers(0, 2**63 - 1), min_size=1, max_size=8)
ODD: list[Any] = [[], [-1, 2], [1.5], [True], [2**63], ["1"], [[1], 2], None, 3, "hash_ids"]


def spelled(blocks: BlockList) -> list[int]:
    return [start + at for start, length in zip(blocks.start, blocks.length, strict=True) for at in range(length)]


def put_back(value: Any, lists: list[BlockList]) -> Any:
    """The session with every number of a list replaced by the list."""
    if isinstance(value, dict):
        return {
            key: spelled(lists[item[0] - 1]) if key == "hash_ids" and is_place(item, lists) else put_back(item, lists)
            for key, item in value.items()
        }
    return [put_back(item, lists) for item in value] if isinstance(value, list) else value


def is_place(item: Any, lists: list[BlockList]) -> bool:
    return isinstance(item, list) and len(item) == 1 and type(item[0]) is int and 0 < item[0] <= len(lists)


@st.composite
def growing(draw: st.DrawFn) -> list[Any]:
    """Lists that keep a part of the one before and go on."""
    held: list[int] = []
    lists: list[Any] = []
    for _ in range(draw(st.integers(1, 6))):
        kept = held[: draw(st.integers(0, len(held)))]
        begin = draw(st.integers(0, 1200))
        held = [*kept, *draw(IDS), *range(begin, begin + draw(st.integers(0, 30)))]
        lists.append(held if draw(st.integers(0, 4)) else draw(st.sampled_from(ODD)))
    return lists


@pytest.mark.parametrize("style", [{}, {"separators": (",", ":")}, {"indent": 1}])
@given(lists=growing())
@settings(max_examples=150)
def test_lists_put_back_give_the_session_again(style: dict[str, Any], lists: list[Any]) -> None:
    requests = [{"t": at, "hash_ids": ids, "in": 64, "note": 'say "hash_ids": [1]'} for at, ids in enumerate(lists)]
    session = {"id": "x", "requests": [*requests, {"requests": requests[:2]}]}
    bare, found = take_out_lists(json.dumps(session, **style).encode())
    assert put_back(json.loads(bare), found) == session


@given(ids=IDS)
def test_runs_spell_their_ids(ids: list[int]) -> None:
    blocks = runs_of(ids)
    assert spelled(blocks) == ids
    assert all(one > 0 for one in blocks.length)


@given(left=IDS, right=IDS, data=st.data())
def test_the_head_of_a_list_and_what_follows_are_the_list(
    left: list[int], right: list[int], data: st.DataObject
) -> None:
    both = runs_of(left).followed_by(runs_of(right))
    count = data.draw(st.integers(0, len(left) + len(right)))
    assert spelled(both.head(count)) == [*left, *right][:count]
    assert both == runs_of([*left, *right])


@pytest.mark.parametrize(
    "text",
    [
        b'{"hash_ids": [1, 2',
        b'{"hash_ids": [01]}',
        b'{"hash_ids": [1,, 2]}',
        b'{"hash_ids": [1 2]}',
        b'{"hash_ids": [1, 2,]}',
        b'{"hash_ids": [7], "hash\\u005fids": [1]}',
    ],
)
def test_a_text_that_is_damaged_or_escaped_is_given_back_as_it_was(text: bytes) -> None:
    assert take_out_lists(text) == (text, [])
