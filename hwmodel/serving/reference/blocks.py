"""The block pool of vLLM v1 told literally: every block an object, the free queue in order of eviction."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

Key = tuple[int, int]
"""Content of a block: whose content, and the block's place in it."""


@dataclass(eq=False, slots=True)
class Block:
    """One block of KV cache."""

    number: int
    users: int = 0
    key: Key | None = None
    is_copy: bool = False
    """Another block with this content can be found, so this one is not."""


class BlockPool:
    """Blocks of one replica: free ones in order of eviction, full ones found by content."""

    def __init__(self, blocks_count: int) -> None:
        """All blocks free and empty."""
        self._free = OrderedDict((number, Block(number)) for number in range(blocks_count))
        self._by_key: dict[Key, Block] = {}

    @property
    def free_count(self) -> int:
        """Blocks that nobody uses; some may still hold content."""
        return len(self._free)

    def cached(self, keys: Sequence[Key]) -> list[Block]:
        """The longest run of blocks from the start of `keys` that still hold their content."""
        found = []
        for key in keys:
            if key not in self._by_key:
                break
            found.append(self._by_key[key])
        return found

    def take(self, count: int) -> list[Block]:
        """Blocks from the front of the free queue; what they held is forgotten."""
        taken = []
        for _ in range(count):
            _, block = self._free.popitem(last=False)
            self.forget(block)
            block.users, block.is_copy = 1, False
            taken.append(block)
        return taken

    def touch(self, blocks: Sequence[Block]) -> None:
        """One more user for each block; none of them is free afterwards."""
        for block in blocks:
            if block.users == 0:
                del self._free[block.number]
            block.users += 1

    def keep(self, block: Block, key: Key) -> None:
        """The block is full: its content can be found from now on, unless another block already tells it."""
        if block.key is None and not block.is_copy:
            block.is_copy = key in self._by_key
            if not block.is_copy:
                block.key = key
                self._by_key[key] = block

    def forget(self, block: Block) -> None:
        """The block's content cannot be found any more: its call left before the step was over."""
        if block.key is not None:
            del self._by_key[block.key]
            block.key = None

    def release(self, blocks: Sequence[Block]) -> None:
        """One user less for each, last block first; unused ones go to the back of the free queue."""
        for block in reversed(blocks):
            block.users -= 1
            if block.users == 0:
                self._free[block.number] = block
