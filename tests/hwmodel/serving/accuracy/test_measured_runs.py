"""Which measured runs are used, on a small table made here."""

from typing import Any

import polars as pl
import pytest

from hwmodel.serving.accuracy.measured_runs import data_parallel_rows, predicted, used_rows
from hwmodel.serving.accuracy.run_accuracy import run_rows, with_fitted
from tests.shared_data import shared_path

GOOD: dict[str, Any] = {
    "id": "r0",
    "backend": "vllm",
    "backend_version": "0.18.0",
    "model_path": "meta-llama/Llama-3.1-8B-Instruct",
    "system": "h100_sxm",
    "precision": "fp8",
    "mode": "agg",
    "isl": 256,
    "osl": 32,
    "batch_size": 4,
    "concurrency": 4,
    "tp_size": 1,
    "attention_dp_size": None,
    "moe_ep_size": None,
    "silicon_ttft_ms": 60.0,
    "silicon_tpot_ms": 5.0,
    "source_kind": "result-file",
    "measured": None,
}


def runs(*changes: dict[str, Any]) -> pl.DataFrame:
    schema = {"attention_dp_size": pl.Int64, "moe_ep_size": pl.Int64, "measured": pl.String}
    rows = [GOOD | {"id": f"r{i}"} | change for i, change in enumerate(changes)]
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"mode": "disagg"}, "mode is not agg"),
        ({"precision": None}, "precision, batch or tp is not given"),
        ({"tp_size": 16}, "tp above 8"),
        ({"attention_dp_size": 4}, "attention is data-parallel"),
        ({"concurrency": 8}, "concurrency is not the batch"),
        ({"system": "abacus"}, "chip is not in the catalogue"),
        ({"precision": "fp2"}, "precision is not in the catalogue"),
        ({"model_path": "nobody/nothing"}, "LLM is not in the catalogue"),
        ({}, "exact repeat"),
    ],
)
def test_each_rule_leaves_out_its_rows_and_counts_them(change: dict[str, Any], rule: str) -> None:
    used = used_rows(runs({}, change))
    assert used.rows["id"].to_list() == ["r0"]
    assert used.left_out[rule] == 1
    assert sum(used.left_out.values()) == 1


def test_experts_that_do_not_divide_the_ranks_count_as_not_divided() -> None:
    used = used_rows(runs({"moe_ep_size": 8, "tp_size": 4}, {"moe_ep_size": 4, "tp_size": 8}, {"moe_ep_size": 0}))
    assert used.rows["ep"].to_list() == [1, 4, 1]


def test_runs_with_attention_divided_by_data_count_all_ranks_and_users() -> None:
    by_data = {
        "model_path": "openai/gpt-oss-20b",
        "precision": "fp4",
        "attention_dp_size": 4,
        "moe_ep_size": 4,
        "batch_size": 8,
        "concurrency": 32,
    }
    odd = [{"moe_ep_size": 2}, {"tp_size": 4}, {"concurrency": 8}, {"attention_dp_size": 1}]
    rows = data_parallel_rows(runs(by_data, *(by_data | change for change in odd)))
    assert rows.select("id", "tp_size", "ep", "groups", "batch_size").rows() == [("r0", 4, 4, 4, 32)]
    told, refused = predicted(rows)
    assert (len(told), refused) == (1, {})


def test_what_does_not_fit_the_memory_is_counted_and_not_scored() -> None:
    used = used_rows(runs({}, {"model_path": "deepseek-ai/DeepSeek-R1"}))
    rows, refused = predicted(used.rows)
    assert rows["llm"].to_list() == ["llama-3.1-8b"]
    assert refused == {"does not fit the memory of the chips": 1}


def test_more_users_never_wait_less() -> None:
    rows, _ = predicted(used_rows(runs(*({"batch_size": n, "concurrency": n} for n in (1, 4, 16, 64)))).rows)
    assert rows["tpot_s"].is_sorted()
    assert rows["ttft_s"].is_sorted()


@pytest.mark.slow
def test_the_measured_runs_stay_as_near_as_they_were_reported() -> None:
    table = pl.read_parquet(shared_path("data/silicon/serving_nvidia_measured_runs.parquet"))
    found = with_fitted(predicted(used_rows(table).rows)[0])
    groups = {(row.chip, row.backend): row for row in run_rows(found) if row.case == "group"}
    passing = {("b200-sxm", "trtllm"), ("b200-sxm", "vllm"), ("h100-sxm", "trtllm"), ("h200-sxm", "trtllm")}
    assert passing <= {key for key, row in groups.items() if row.passes}
    assert all(row.tpot_mape <= 0.2 for key, row in groups.items() if key != ("h100-sxm", "vllm"))
    assert all(row.tpot_mape_running <= 0.2 for row in groups.values())
