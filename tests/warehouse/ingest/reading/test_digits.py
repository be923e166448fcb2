"""Numbers read eight bytes at a time against int()."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from warehouse.ingest.reading.digits import LONGEST_NUMBER, PADDING, is_digit, numbers_at


@given(
    parts=st.lists(
        st.tuples(st.text(' ,:[]{}"\\/;', max_size=9), st.text("0123456789", min_size=1, max_size=LONGEST_NUMBER)),
        min_size=1,
        max_size=30,
    )
)
def test_every_number_is_the_one_its_digits_spell(parts: list[tuple[str, str]]) -> None:
    text, spans = "", []
    for gap, digits in parts:
        text += gap
        spans.append((len(text), len(text) + len(digits)))
        text += digits
    padded = np.frombuffer(text.encode() + b"9" * (PADDING + -len(text) % 8), dtype=np.uint64)
    start, end = np.array(spans, dtype=np.int64).T
    assert numbers_at(padded, start, end).tolist() == [int(digits) for _, digits in parts]


def test_digits_are_the_ten_bytes_from_0_to_9() -> None:
    every = np.arange(256, dtype=np.uint8)
    assert bytes(every[is_digit(every)]) == b"0123456789"
