"""Lists of block ids taken out of a session's JSON: each is parsed from where it departs from the one before it."""

import json
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

__all__ = ["EMPTY", "BlockList", "runs_of", "take_out_lists"]

LIST_BEGINS = re.compile(rb'"hash_ids"\s*:\s*\[')
PLAIN = b"0123456789, \t\r\n"
COMMA = ord(",")
INT64 = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockList:
    """Block ids as runs of consecutive ids: run k holds `start[k]` and the `length[k]` - 1 after it."""

    start: list[int]
    length: list[int]

    def head(self, count: int) -> "BlockList":
        """The first `count` ids."""
        ends = np.cumsum(self.length)
        whole = int(np.searchsorted(ends, count, side="right"))
        left = count - (int(ends[whole - 1]) if whole else 0)
        rest = ([self.start[whole]], [left]) if left else ([], [])
        return BlockList(start=self.start[:whole] + rest[0], length=self.length[:whole] + rest[1])

    def followed_by(self, other: "BlockList") -> "BlockList":
        """These ids and then the other's, both with at least one."""
        last = len(self.start) - 1
        if self.start[last] + self.length[last] != other.start[0]:
            return BlockList(start=self.start + other.start, length=self.length + other.length)
        joined = [*self.length[:last], self.length[last] + other.length[0], *other.length[1:]]
        return BlockList(start=self.start + other.start[1:], length=joined)


EMPTY = BlockList(start=[], length=[])


def runs_of(ids: list[int]) -> BlockList:
    """The runs of at least one id of 64 bits."""
    if ids == list(range(ids[0], ids[0] + len(ids))):
        return BlockList(start=ids[:1], length=[len(ids)])
    flat = np.array(ids, dtype=np.int64)
    bounds = [0, *(np.flatnonzero(flat[1:] != flat[:-1] + 1) + 1).tolist(), len(ids)]
    length = [end - begin for begin, end in pairwise(bounds)]
    return BlockList(start=[ids[at] for at in bounds[:-1]], length=length)


def take_out_lists(content: bytes) -> tuple[bytes, list[BlockList]]:
    """The JSON text with each plain list under the key `hash_ids` replaced by its number from 1, and those lists.

    The call after a call repeats most of its ids, so only what is new in a list is parsed. A list of anything but
    whole numbers that fit 64 bits, and an empty one, stays as it is; so `[1]` that is left always stands for the first
    list. A text with escaped letters, which could spell the key otherwise, is given back whole.
    """
    pieces: list[bytes] = []
    lists: list[BlockList] = []
    before, held = b"", EMPTY
    at = 0
    while (begin := LIST_BEGINS.search(content, at)) is not None:
        end = content.find(b"]", begin.end())
        if end < 0:
            break
        body = content[begin.end() : end]
        found = _ids(body, before, held)
        pieces.append(content[at : begin.end() if found else end])
        if found is not None:
            lists.append(found)
            pieces.append(b"%d" % len(lists))
            before, held = body, found
        at = end
    pieces.append(content[at:])
    bare = b"".join(pieces)
    return (content, []) if b"\\u" in bare else (bare, lists)


def _ids(body: bytes, before: bytes, held: BlockList) -> BlockList | None:
    """The ids in the text of a list, given those of another; None if they are not plain."""
    cut = _shared_bytes(body, before)
    if not cut:
        return _parsed(body)
    if cut == len(before):
        head = held
    else:
        head = held.head(int(np.count_nonzero(np.frombuffer(body, dtype=np.uint8, count=cut) == COMMA)) + 1)
    if cut == len(body):
        return head
    tail = _parsed(body[cut + 1 :])
    return None if tail is None else head.followed_by(tail)


def _shared_bytes(body: bytes, before: bytes) -> int:
    """How many bytes of both are the same whole ids: up to a comma or the end."""
    if before and body.startswith(before):
        same = len(before)
    else:
        size = min(len(body), len(before))
        differs = np.frombuffer(body, np.uint8, size) != np.frombuffer(before, np.uint8, size)
        same = int(differs.argmax()) if size and differs.any() else size
    ends = all(same == len(text) or text[same] == COMMA for text in (body, before))
    return same if ends else max(0, body.rfind(b",", 0, same))


def _parsed(text: bytes) -> BlockList | None:
    if text.translate(None, PLAIN):
        return None
    try:
        ids = json.loads(f"[{text.decode('ascii')}]")
    except ValueError:
        return None
    return runs_of(ids) if ids and max(ids) < INT64 else None
