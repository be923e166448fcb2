"""Files that are read slab by slab."""

import gzip
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.ingest import UnreadableTrace
from warehouse.ingest.reading.slabs import TextFile


@given(lines=st.lists(st.binary(max_size=30).filter(lambda b: b"\n" not in b), max_size=20), slab=st.integers(1, 40))
@settings(max_examples=60)
def test_slabs_hold_every_line_once_under_its_number(lines: list[bytes], slab: int) -> None:
    content = b"\n".join(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(b"-" + content)  # no packer's first byte
        file = TextFile(path=path, slab_bytes=slab)
        found = {
            part.first_line + at: line
            for part in file.slabs()
            for at, line in enumerate(part.content.removesuffix(b"\n").split(b"\n"))
        }
    expected = (b"-" + content).removesuffix(b"\n").split(b"\n")
    assert [found[number] for number in sorted(found)] == expected
    assert sorted(found) == list(range(1, len(expected) + 1))


def test_an_overlong_line_is_named_and_the_lines_around_it_stay(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a\n" + b"y" * 20_000_000 + b"\nb\nc\n")
    slabs = list(TextFile(path=tmp_path / "x", slab_bytes=1 << 20).slabs())
    assert [(slab.first_line, slab.is_overlong) for slab in slabs if slab.is_overlong] == [(2, True)]
    kept = [(slab.first_line, slab.content) for slab in slabs if not slab.is_overlong]
    assert (kept[0], kept[-1]) == ((1, b"a\n"), (3, b"b\nc\n"))


def test_packed_and_plain_files_have_one_id(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"a\nb\n" * 1000)
    (tmp_path / "packed").write_bytes(gzip.compress(b"a\nb\n" * 1000))
    ids = []
    for name in ("plain", "packed"):
        file = TextFile(path=tmp_path / name, slab_bytes=64)
        assert sum(slab.content.count(b"\n") for slab in file.slabs()) == 2000
        ids.append(file.source_id)
    assert ids[0] == ids[1]
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(UnreadableTrace, match="is empty"):
        list(TextFile(path=tmp_path / "plain").slabs())
