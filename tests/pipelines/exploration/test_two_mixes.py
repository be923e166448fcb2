"""The must-show of the loop: two different mixes get different recommendations, and the report says why by the bill."""

from pathlib import Path

import pytest

from pipelines.exploration.keeping.store import load_findings
from pipelines.home import HomeFolders
from pipelines.report import RecommendationView
from pipelines.requests import simulated
from pipelines.run_loop import RunRequest, run_loop
from pipelines.settings import read_settings

pytestmark = pytest.mark.slow
RESOURCES = (
    "matrix rate",
    "vector rate",
    "exponential rate",
    "L2 bandwidth",
    "HBM bandwidth",
    "link bandwidth",
    "fixed latency",
)


def best_of(home: Path, surface: str) -> RecommendationView:
    source = simulated(days=1, calls_per_day=20_000, seed=7, surfaces=surface)
    settings = read_settings({"SCOVILLE_HOME": str(home)})
    summary = run_loop(RunRequest(settings=settings, source=source))
    assert summary.failed_checks == ()
    return load_findings(HomeFolders(root=home).report(summary.run_id)).recommendations[0]


def test_chats_and_coding_loops_get_different_changes_for_named_reasons(tmp_path: Path) -> None:
    chats = best_of(tmp_path / "chats", "long_context_chat")
    coding = best_of(tmp_path / "coding", "codex_loop")
    assert chats.changes != coding.changes
    for view, llm, surface in (
        (chats, "gpt-oss-120b", "long context chat"),
        (coding, "qwen3-next-80b-a3b", "codex loop"),
    ):
        told = " ".join(view.why)
        assert llm in told
        assert surface in told
        assert any(resource in told for resource in RESOURCES)
    assert chats.bill_shift["kernel"].to_list()[:3] != coding.bill_shift["kernel"].to_list()[:3]
