"""A surface survives its parameter file, which is small and refused when it is wrong."""

from pathlib import Path

import pytest
import yaml

from telemetry_sim.errors import ParameterError
from telemetry_sim.fit import fit_surface
from telemetry_sim.fitted import FittedSurface, load_fitted, save_fitted, simulate_fitted
from telemetry_sim.fitted.files import MOST_BYTES, rounded
from tests.telemetry_sim.fitted.made_traces import loop_trace


@pytest.fixture(scope="module")
def surface() -> FittedSurface:
    return fit_surface(loop_trace(60), name="made")


def test_a_surface_read_back_plays_the_same(surface: FittedSurface, tmp_path: Path) -> None:
    save_fitted(surface, tmp_path / "made.yaml")
    back = load_fitted(tmp_path / "made.yaml")
    assert back == rounded(surface)
    assert (tmp_path / "made.yaml").stat().st_size <= MOST_BYTES
    assert simulate_fitted(back, seed=3).equals(simulate_fitted(rounded(surface), seed=3))


def test_the_file_says_where_its_numbers_come_from(surface: FittedSurface, tmp_path: Path) -> None:
    save_fitted(surface, tmp_path / "made.yaml")
    content = yaml.safe_load((tmp_path / "made.yaml").read_text(encoding="utf-8"))
    assert content["provenance"]["source_id"] == "made"
    assert content["provenance"]["sessions_count"] == 60
    assert "bic_per_value" in content["first_input"]


@pytest.mark.parametrize("text", ["[1, 2]", "name: x", "{", "name: [", "a: !!python/object:os.system {}"])
def test_a_file_that_is_no_surface_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"bad\.yaml"):
        load_fitted(tmp_path / "bad.yaml")


@pytest.mark.parametrize(("key", "value"), [("ending", {}), ("name", 3), ("contexts", "x"), ("surplus", 1)])
def test_a_wrong_entry_is_refused_by_its_name(surface: FittedSurface, tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "made.yaml"
    save_fitted(surface, path)
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**content, key: value}), encoding="utf-8")
    with pytest.raises(ParameterError, match=key):
        load_fitted(path)
