"""The command line, end to end: what works says so, what cannot is one line and exit code 2."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app, main
from pipelines.cli.exits import BAD_INPUT, FINDINGS, OK, told
from pipelines.errors import BadInput, FailedCheck
from tests.pipelines.trace_files import CUT_SHORT, HEADER, NEGATIVE, ROWS, write_azure
from warehouse.errors import ConcurrentWrite


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCOVILLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def refusal(*arguments: str) -> str:
    """The one line of an expected error."""
    result = call(*arguments)
    assert result.exit_code == BAD_INPUT, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def test_help_shows_every_command_in_its_panel() -> None:
    text = call("--help").stdout
    for word in (
        "The loop",
        "Telemetry",
        "Hardware",
        "run",
        "ingest",
        "simulate-telemetry",
        "chip",
        "recommend",
        "decide",
        "ui",
        "maintain",
    ):
        assert word in text
    assert "scoville run --trace azure:" in call("run", "--help").stdout
    assert "scoville recommend --baseline mi300x" in call("recommend", "--help").stdout


def test_help_imports_nothing_heavy() -> None:
    import subprocess

    code = "import sys, pipelines.cli; print([m for m in ('dagster', 'polars', 'numba', 'altair') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        (HEADER, "no rows"),
        ("a,b\n1,2\n", "TIMESTAMP"),
        (HEADER + "".join(f"{1_700_000_000 + n},{n + 5},7\n" for n in range(9)), "seconds"),
        (HEADER + NEGATIVE, ""),
    ],
    ids=["empty", "header only", "unknown columns", "wrong time unit", "only negative tokens"],
)
@pytest.mark.parametrize("command", ["ingest", "run"])
def test_a_trace_without_one_good_row_is_one_line(tmp_path: Path, command: str, content: str, says: str) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(content)
    arguments = ("ingest", "azure", str(path)) if command == "ingest" else ("run", "--trace", f"azure:{path}")
    line = refusal(*arguments)
    assert str(path) in line
    assert says in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--baseline", "h100-sxn"), "close: h100-sxm"),
        (("run", "--baseline", "wse-3"), "chip wse-3 cannot be a design"),
        (("run", "--model", "gpt-9"), "no LLM 'gpt-9'"),
        (("run", "--trace", "azure"), "is not FORMAT:PATH"),
        (("run", "--trace", "csv:calls.csv"), "known: azure, mooncake, weka"),
        (("run", "--trace", "azure:/no/such/file.csv"), "no such file"),
        (("run", "--surfaces", "codex"), "unknown surface 'codex'; known: codex_loop"),
        (("run", "--surfaces", "codex_loop=-1"), "not a number above 0"),
        (("run", "--surfaces", "codex_loop,codex_loop"), "named twice"),
        (("run", "--first-day", "1999-01-01"), "lie outside 2023-01-01"),
        (("chip", "show", "nope"), "no chip 'nope'"),
        (("chip", "compare", "h100-sxm", "nope"), "no chip 'nope'"),
        (("decide", "none", "1", "accept", "--why", "x"), "run none has no recommendation"),
        (("ingest", "azure", "/no/such/file.csv"), "no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line_with_the_way_out(arguments: tuple[str, ...], says: str) -> None:
    assert says in refusal(*arguments)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--days", "many"), "'--days'"),
        (("run", "--days", "0"), "'--days'"),
        (("run", "--dais", "1"), "--dais"),
        (("fly",), "fly"),
        (("decide", "a", "b", "maybe", "--why", "x"), "maybe"),
    ],
)
def test_a_slip_in_the_arguments_is_one_line_too(
    arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["scoville", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    line = capsys.readouterr().err
    assert stop.value.code == BAD_INPUT
    assert line.count("\n") == 1
    assert says in line


def test_recommending_without_a_lake_is_one_line_and_makes_none(home: Path) -> None:
    assert "holds no lake; `scoville run --features-only` fills it" in refusal("recommend")
    assert not home.exists()
    elsewhere = home.with_name("elsewhere")
    assert str(elsewhere) in refusal("recommend", "--home", str(elsewhere))


def test_recommending_on_what_the_lake_does_not_hold_is_one_line(home: Path) -> None:
    assert call("maintain").exit_code == OK
    assert "data set synthetic under" in refusal("recommend")
    assert "has no data set 'azure_1'; it has synthetic" in refusal("recommend", "--dataset", "azure_1")
    assert "no run 'none' in the ledger" in refusal("recommend", "--run", "none")


def test_recommending_for_a_chip_or_an_llm_that_is_not_there_is_one_line() -> None:
    arguments = ("--days", "1", "--calls-per-day", "300", "--surfaces", "api_burst", "--seed", "2")
    assert call("run", "--features-only", *arguments).exit_code == OK
    assert "close: h100-sxm" in refusal("recommend", "--baseline", "h100-sxn")
    assert "no run 'none' in the ledger" in refusal("recommend", "--baseline", "none:1")
    assert "no LLM 'gpt-9'" in refusal("recommend", "--llm", "gpt-9")


def test_a_home_that_cannot_be_made_is_one_line(home: Path) -> None:
    home.write_text("a file")
    assert "name another SCOVILLE_HOME" in refusal("run", "--days", "1", "--calls-per-day", "100")


def test_a_moved_home_is_one_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("maintain").exit_code == OK
    home.rename(home.with_name("moved"))
    monkeypatch.setenv("SCOVILLE_HOME", str(home.with_name("moved")))
    assert "was created as" in refusal("run", "--days", "1", "--calls-per-day", "100")


@pytest.mark.parametrize("error", [ConcurrentWrite("somebody was faster; run again"), OSError(28, "No space left")])
def test_a_lake_that_keeps_failing_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("warehouse.lake.Lake.replace", fails)
    monkeypatch.setattr("pipelines.recording.FIRST_WAIT_S", 0.0)
    assert str(error) in refusal("run", "--json", "--days", "1", "--calls-per-day", "50")


def test_a_cut_off_file_keeps_its_good_rows_and_says_what_it_refused(tmp_path: Path) -> None:
    path = write_azure(tmp_path / "calls.csv", *ROWS, NEGATIVE, CUT_SHORT)
    result = call("ingest", "azure", str(path), "--json")
    assert result.exit_code == OK, result.output
    told_counts = json.loads(result.stdout)
    assert told_counts["calls"] == len(ROWS)
    assert told_counts["quarantined_by_rule"] == {"row_is_complete": 1, "token_count_not_negative": 1}
    assert told_counts["dataset"].startswith("azure_")


def test_a_trace_runs_through_the_loop_with_its_bad_rows_counted(tmp_path: Path) -> None:
    path = write_azure(tmp_path / "calls.csv", *ROWS, NEGATIVE)
    result = call("run", "--trace", f"azure:{path}", "--json", "--features-only")
    assert result.exit_code == OK, result.output
    summary = json.loads(result.stdout)
    assert summary["calls"] == len(ROWS)
    assert summary["quarantined_by_rule"] == {"token_count_not_negative": 1}
    assert summary["days"] == ["2023-11-16"]


def test_simulated_telemetry_can_be_written_as_files(tmp_path: Path) -> None:
    import polars as pl

    arguments = ("--days", "1", "--calls-per-day", "200", "--surfaces", "api_burst")
    result = call("simulate-telemetry", "--out", str(tmp_path / "out"), *arguments)
    assert result.exit_code == OK, result.output
    calls = pl.read_parquet(tmp_path / "out" / "model_calls_2026-06-01.parquet")
    assert calls["surface"].cast(pl.String).unique().to_list() == ["api_burst"]


@pytest.mark.parametrize("load_format", ["mooncake", "aiperf"])
def test_simulated_telemetry_can_be_written_as_a_load_file_alone(tmp_path: Path, load_format: str) -> None:
    arguments = ("--days", "1", "--calls-per-day", "200", "--surfaces", "codex_loop", "--export", load_format)
    result = call("simulate-telemetry", "--out", str(tmp_path), "--no-tables", *arguments)
    assert result.exit_code == OK, result.output
    assert [path.name for path in tmp_path.iterdir()] == [f"load_{load_format}.jsonl"]
    lines = (tmp_path / f"load_{load_format}.jsonl").read_text(encoding="utf-8").splitlines()
    assert {"timestamp", "input_length", "output_length", "hash_ids"} <= set(json.loads(lines[0]))


def test_a_load_format_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    message = refusal("simulate-telemetry", "--out", str(tmp_path), "--export", "jmeter")
    assert "load format 'jmeter' is none of mooncake, aiperf" in message


def test_a_chip_is_shown_with_kind_and_source() -> None:
    shown = json.loads(call("chip", "show", "h100-sxm", "--json").stdout)
    memory = next(fact for fact in shown["facts"] if fact["number"] == "memory bandwidth")
    assert memory["value"] == "3.35 Tbyte/s"
    assert memory["kind"] == "published"
    assert memory["source"]
    assert {row["number"] for row in shown["physical"]} >= {"modelled: compute silicon", "modelled: module cost"}


def test_a_chip_that_cannot_be_a_design_is_shown_with_the_reason() -> None:
    result = call("chip", "show", "wse-3")
    assert result.exit_code == OK
    assert "chip wse-3 cannot be a design" in result.stdout


def test_chips_are_compared_side_by_side() -> None:
    rows = json.loads(call("chip", "compare", "h100-sxm", "mi300x", "--json").stdout)["numbers"]
    capacity = next(row for row in rows if row["number"].startswith("memory capacity"))
    assert (capacity["h100-sxm"], capacity["mi300x"]) == ("80 Gbyte", "192 Gbyte")


def test_a_failed_check_ends_in_one_and_a_bug_keeps_its_traceback() -> None:
    import typer

    def fails(error: Exception) -> None:
        raise error

    with pytest.raises(typer.Exit) as finding:
        told(fails)(FailedCheck("tokens are lost"))
    assert finding.value.exit_code == FINDINGS
    with pytest.raises(typer.Exit) as refused:
        told(fails)(BadInput("two\nlines"))
    assert refused.value.exit_code == BAD_INPUT
    with pytest.raises(ZeroDivisionError):
        told(fails)(ZeroDivisionError())
