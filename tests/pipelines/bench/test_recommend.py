"""The suite `recommend`: where the right answer is known."""

from pathlib import Path

import pytest

from pipelines.bench.recommend import recommend
from pipelines.errors import BadInput
from tests.shared_data import shared_path


def test_an_unknown_part_is_refused_with_the_names_of_the_others() -> None:
    with pytest.raises(BadInput, match="history"):
        recommend(None, lambda _: None, ["nonsense"])


def test_history_without_measurements_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--data"):
        recommend(None, lambda _: None, ["history"])
    with pytest.raises(BadInput, match="--data"):
        recommend(tmp_path, lambda _: None, ["history"])


@pytest.mark.slow
def test_the_gain_of_h200_is_told_without_any_of_its_rows() -> None:
    data = shared_path("data/silicon/serving_nvidia_measured_runs.parquet").parent
    rows = [row for row in recommend(data, lambda _: None, ["history"]) if row["part"] == "history"]
    judged = {row["llm"]: row for row in rows if row["passes"] is not None}
    assert set(judged) == {"llama-3.1-70b", "gpt-oss-120b"}
    no_gain = {
        row["llm"]: row["median_error"] for row in rows if (row["measure"], row["predictor"]) == ("tpot", "no gain")
    }
    assert judged["llama-3.1-70b"]["passes"]
    near = judged["gpt-oss-120b"]
    assert near["median_error"] <= no_gain["gpt-oss-120b"] + 0.002
    assert near["interval_coverage"] >= 0.8
    assert no_gain["llama-3.1-70b"] == pytest.approx(0.16, abs=0.01)
