"""Folders of the state: a run id that is no plain name has none."""

from pathlib import Path

import pytest

from pipelines.errors import BadInput
from pipelines.home import HomeFolders


@pytest.mark.parametrize("run_id", ["../other", "..", "a/b", "", "a\x00b", ".hidden", "x" * 200])
def test_a_run_id_that_is_no_plain_name_has_no_folder(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is no run id"):
        HomeFolders(root=tmp_path).report(run_id)


def test_a_plain_run_id_has_a_folder_below_the_reports(tmp_path: Path) -> None:
    assert HomeFolders(root=tmp_path).report("20260601-120000-synthetic").parent == tmp_path / "reports"
