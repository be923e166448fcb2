"""Clean lines of a Mooncake trace, nothing but the four keys and whole numbers, read as columns of numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from warehouse.ingest.reading.digits import LONGEST_NUMBER, PADDING, is_digit, numbers_at

__all__ = ["clean_cells"]

KEYS_COUNT = 3
"""Numbers of a line before its list."""
STRETCH_BYTES = 1 << 19
"""Lines looked at together: few enough that what is made of them stays in the processor's cache."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Style:
    """What stands between the numbers of a line, as JSON is written densely or by Python."""

    keys: tuple[bytes, ...]
    """Before the first, second and third number and before the list."""
    comma: bytes
    """Between two ids."""

    @property
    def begin(self) -> bytes:
        return self.keys[0]


END = b"]}\n"
STYLES = (
    _Style(keys=(b'{"timestamp": ', b', "input_length": ', b', "output_length": ', b', "hash_ids": ['), comma=b", "),
    _Style(keys=(b'{"timestamp":', b',"input_length":', b',"output_length":', b',"hash_ids":['), comma=b","),
)
"""The one with blanks first: the other is how it begins."""


def clean_cells(content: bytes) -> pl.DataFrame | None:
    """Cells of lines of nothing but the four keys in their order and whole numbers; None if one line is otherwise.

    The ids are 32-bit where all of them fit.
    """
    text = content if content.endswith(b"\n") else content + b"\n"
    style = next((style for style in STYLES if text.startswith(style.begin)), None)
    if style is None:
        return None
    buffer = np.zeros(STRETCH_BYTES + PADDING, dtype=np.uint8)
    parts = []
    at = 0
    while at < len(text):
        end = len(text) if len(text) - at <= STRETCH_BYTES else text.rfind(b"\n", at, at + STRETCH_BYTES) + 1
        if end <= at:  # a line longer than a stretch
            end = text.index(b"\n", at) + 1
            buffer = np.zeros(end - at + PADDING, dtype=np.uint8)
        buffer[: end - at] = np.frombuffer(text, dtype=np.uint8, count=end - at, offset=at)
        part = _stretch(buffer, end - at, style)
        if part is None:
            return None
        parts.append(part)
        at = end
    return _frame(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """Numbers of some lines."""

    heads: npt.NDArray[np.int64]
    """timestamp, input_length and output_length. Shape (3, lines)."""
    ids: npt.NDArray[np.int32] | npt.NDArray[np.int64]
    blocks: npt.NDArray[np.int64]
    """Ids of each line. Shape (lines,)."""


def _stretch(buffer: npt.NDArray[np.uint8], size: int, style: _Style) -> _Lines | None:
    """The numbers of whole lines; None unless every byte of them is what a clean line has there.

    Numbers are found by their last digits alone, and begin where the text before them must end. Then all is as it must
    be if the keys stand where the numbers leave room for them, what is between ids is one comma each, and digits are as
    many as the numbers are long.
    """
    text = buffer[:size]
    digits = is_digit(text)
    end = np.flatnonzero(digits[:-1] > digits[1:]) + 1
    line_end = np.flatnonzero(text == ord("\n"))
    after = np.searchsorted(end, line_end)
    first = np.concatenate(([0], after[:-1]))
    blocks = after - first - KEYS_COUNT
    if blocks.min() < 1:
        return None
    start = np.empty_like(end)
    start[1:] = end[:-1] + len(style.comma)
    before = np.concatenate(([0], line_end[:-1] + 1))
    for at, key in enumerate(style.keys):
        start[first + at] = (before if at == 0 else end[first + at - 1]) + len(key)
    length = end - start
    if length.min() < 1 or length.max() > LONGEST_NUMBER or int(length.sum()) != np.count_nonzero(digits):
        return None
    if not _is_framed(text, _Places(before=before, first=first, start=start, end=end, line_end=line_end), style):
        return None
    if np.any((text[start] == ord("0")) & (length > 1)):  # JSON has no leading zeros
        return None
    numbers = numbers_at(buffer[: buffer.size // 8 * 8].view(np.uint64), start, end)
    in_list = np.ones(len(numbers), dtype=bool)
    for at in range(KEYS_COUNT):
        in_list[first + at] = False
    ids = numbers[in_list]
    narrow = ids.astype(np.int32) if ids.max() < 2**31 else ids
    return _Lines(heads=np.stack([numbers[first + at] for at in range(KEYS_COUNT)]), ids=narrow, blocks=blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where lines begin (`before`) and end, where numbers start and end, and the first number of each line."""

    before: Places
    first: Places
    start: Places
    end: Places
    line_end: Places


def _is_framed(text: npt.NDArray[np.uint8], places: _Places, style: _Style) -> bool:
    """Whether keys, commas and brackets are where the numbers leave room for them."""
    starts = [places.start[places.first + at] for at in range(len(style.keys))]
    framed = all(_stands(text, start - len(key), key) for start, key in zip(starts, style.keys, strict=True))
    last = np.append(places.first[1:], len(places.end)) - 1
    framed = framed and bool(np.array_equal(places.end[last] + len(END) - 1, places.line_end))
    if not framed or not _stands(text, places.end[last], END):
        return False
    lines = len(places.first)
    between = len(places.end) - (KEYS_COUNT + 1) * lines
    if np.count_nonzero(text == ord(",")) != between + KEYS_COUNT * lines:
        return False
    if style.comma == b",":
        return True
    inner = np.ones(len(places.end), dtype=bool)
    inner[last] = False
    for at in range(KEYS_COUNT):
        inner[places.first + at] = False
    comma = places.end[inner]
    return bool(np.all(text[comma] == ord(",")) and np.all(text[comma + 1] == ord(" ")))


def _stands(text: npt.NDArray[np.uint8], at: Places, words: bytes) -> bool:
    """Whether these bytes stand at all of these places."""
    if at.min() < 0 or at.max() + len(words) > len(text):
        return False
    windows = np.ndarray((len(text) - len(words) + 1,), dtype=f"V{len(words)}", buffer=text, strides=(1,))
    return windows[at].tobytes() == words * len(at)


def _frame(parts: list[_Lines]) -> pl.DataFrame:
    heads = np.concatenate([part.heads for part in parts], axis=1)
    blocks = np.concatenate([part.blocks for part in parts])
    offsets = np.concatenate(([0], np.cumsum(blocks)))
    lists = pa.LargeListArray.from_arrays(offsets, pa.array(np.concatenate([part.ids for part in parts])))
    return pl.DataFrame(
        {
            "timestamp": heads[0].astype(np.float64),
            "input_length": heads[1],
            "output_length": heads[2],
            "hash_ids": pl.from_arrow(lists),
            "problem": pl.Series([None], dtype=pl.String).new_from_index(0, len(blocks)),
        }
    )
