"""Settings come from the environment that is given, and homes are made ready once."""

from pathlib import Path

import pytest
import yaml

from pipelines.errors import BadInput
from pipelines.home import prepare_home
from pipelines.settings import Executor, Settings, read_settings
from warehouse.errors import UnusableHome


def test_the_home_is_in_the_current_folder_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({}).home == tmp_path / ".scoville"
    assert read_settings({"SCOVILLE_HOME": ""}).home == tmp_path / ".scoville"
    assert read_settings({"SCOVILLE_HOME": "elsewhere"}).home == tmp_path / "elsewhere"


def test_databases_and_executor_are_named_by_variables() -> None:
    settings = read_settings(
        {"SCOVILLE_CATALOG_URL": "postgresql://c", "SCOVILLE_LEDGER_URL": "l", "SCOVILLE_EXECUTOR": "multiprocess"}
    )
    assert (settings.catalog_url, settings.ledger_url) == ("postgresql://c", "l")
    assert settings.executor is Executor.MULTIPROCESS


def test_an_unknown_executor_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"SCOVILLE_EXECUTOR='threads'.*in_process, multiprocess"):
        read_settings({"SCOVILLE_EXECUTOR": "threads"})


def test_a_relative_home_is_refused() -> None:
    with pytest.raises(BadInput, match="not absolute"):
        Settings(home=Path("here"))


def test_a_home_has_its_folders_and_a_dagster_file_that_phones_nobody(tmp_path: Path) -> None:
    folders = prepare_home(tmp_path / "home")
    assert all(folder.is_dir() for folder in (folders.landing, folders.done, folders.failed, folders.reports))
    written = yaml.safe_load((folders.dagster / "dagster.yaml").read_text())
    assert written["telemetry"] == {"enabled": False}
    assert written["nux"] == {"enabled": False}
    assert written["concurrency"]["pools"] == {"default_limit": 1, "granularity": "op"}


def test_a_changed_dagster_file_is_kept(tmp_path: Path) -> None:
    settings = prepare_home(tmp_path).dagster / "dagster.yaml"
    settings.write_text("telemetry: {enabled: false}\n")
    prepare_home(tmp_path)
    assert settings.read_text() == "telemetry: {enabled: false}\n"


def test_a_home_that_is_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(UnusableHome, match="name another SCOVILLE_HOME"):
        prepare_home(tmp_path / "home")
