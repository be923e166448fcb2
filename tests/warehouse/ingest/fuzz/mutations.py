"""Ways to damage a trace file, as pure functions of its bytes and of somebody's choices.

The same mutations serve hypothesis, a seeded random generator and a coverage-guided fuzzer: each is a `Choose`, asked
for whole numbers inside bounds.
"""

import gzip
import re
from collections.abc import Callable

Choose = Callable[[int, int], int]
"""A whole number from low to high, both included."""

TOKEN = re.compile(rb'"(?:[^"\\\n]|\\.)*"|-?\d[\d.eE+-]*|true|false|null')
NUMBER = re.compile(rb"-?\d[\d.eE+-]*")
WORD = re.compile(rb'"[A-Za-z_ ]{2,40}"|[A-Za-z_][A-Za-z_ ]{2,40}')
VALUES = (
    b"null", b"true", b'"x"', b"[]", b"{}", b"[null]", b"0", b"-1", b"0.5", b"-0.0", b"1e400", b"-1e308", b"1e-320",
    b"NaN", b"Infinity", b"9" * 25, b"9223372036854775807", b"-9223372036854775808", b"18446744073709551615",
    b'"\\ud800"', b'"12"', b'""', b'"2026-06-01T05:00:00Z"', b'"0001-01-01T00:00:00+23:59"', b"1700000000", b"60.0",
    b"100000001", b"[[1]]", b'{"a": 1}', b'"\\u0000"', b"", b"2147483648", b"86400001",
)  # fmt: skip
BYTES = (
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b",",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\x1f\x8b",
    b"PAR1",
)
DEEPEST = 20_000
LONGEST = 200_000


def mutate(content: bytes, choose: Choose, most: int = 4) -> bytes:
    """The content after one to `most` mutations."""
    for _ in range(choose(1, most)):
        content = MUTATIONS[choose(0, len(MUTATIONS) - 1)](content, choose)
    return content


def flip_byte(content: bytes, choose: Choose) -> bytes:
    at = choose(0, max(0, len(content) - 1))
    return content[:at] + bytes([choose(0, 255)]) + content[at + 1 :]


def insert_bytes(content: bytes, choose: Choose) -> bytes:
    at = choose(0, len(content))
    return content[:at] + BYTES[choose(0, len(BYTES) - 1)] + content[at:]


def truncate(content: bytes, choose: Choose) -> bytes:
    return content[: choose(0, len(content))]


def cut_out(content: bytes, choose: Choose) -> bytes:
    at = choose(0, len(content))
    return content[:at] + content[at + choose(0, 40) :]


def repeat_line(content: bytes, choose: Choose) -> bytes:
    lines = content.split(b"\n")
    at = choose(0, len(lines) - 1)
    return b"\n".join((*lines[: at + 1], *lines[at:]))


def drop_line(content: bytes, choose: Choose) -> bytes:
    lines = content.split(b"\n")
    at = choose(0, len(lines) - 1)
    return b"\n".join((*lines[:at], *lines[at + 1 :]))


def swap_lines(content: bytes, choose: Choose) -> bytes:
    lines = content.split(b"\n")
    one, other = choose(0, len(lines) - 1), choose(0, len(lines) - 1)
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def rename_key(content: bytes, choose: Choose) -> bytes:
    return _replace(content, WORD, lambda found: found[:-2] + b"X" + found[-1:], choose)


def swap_value(content: bytes, choose: Choose) -> bytes:
    return _replace(content, TOKEN, lambda _: VALUES[choose(0, len(VALUES) - 1)], choose)


def copy_number(content: bytes, choose: Choose) -> bytes:
    """One number of the file in the place of another: repeated ids, circles of parents, counts that do not fit."""
    numbers = NUMBER.findall(content) or [b"0"]
    return _replace(content, NUMBER, lambda _: numbers[choose(0, len(numbers) - 1)], choose)


def nest_deeply(content: bytes, choose: Choose) -> bytes:
    depth = choose(1, DEEPEST)
    opens, closes = ((b"[", b"]"), (b'{"a":', b"}"))[choose(0, 1)]
    return _replace(content, TOKEN, lambda found: opens * depth + found + closes * choose(0, depth), choose)


def grow_value(content: bytes, choose: Choose) -> bytes:
    return _replace(content, TOKEN, lambda found: found[:1] + b"7" * choose(0, LONGEST) + found[1:], choose)


def windows_ends(content: bytes, _: Choose) -> bytes:
    return content.replace(b"\n", b"\r\n")


def byte_order_mark(content: bytes, _: Choose) -> bytes:
    return b"\xef\xbb\xbf" + content


def other_encoding(content: bytes, choose: Choose) -> bytes:
    text = content.decode("utf-8", errors="replace")
    return text.encode(("utf-16", "utf-16-le", "latin-1", "utf-32")[choose(0, 3)], errors="replace")


def packed(content: bytes, _: Choose) -> bytes:
    return gzip.compress(content, compresslevel=1, mtime=0)


def _replace(content: bytes, what: re.Pattern[bytes], by: Callable[[bytes], bytes], choose: Choose) -> bytes:
    found = list(what.finditer(content))
    if not found:
        return content
    one = found[choose(0, len(found) - 1)]
    return content[: one.start()] + by(one.group()) + content[one.end() :]


MUTATIONS: tuple[Callable[[bytes, Choose], bytes], ...] = (
    flip_byte, insert_bytes, truncate, cut_out, repeat_line, drop_line, swap_lines, rename_key, swap_value, swap_value,
    swap_value, copy_number, copy_number, nest_deeply, grow_value, windows_ends, byte_order_mark, other_encoding, packed,
)  # fmt: skip
