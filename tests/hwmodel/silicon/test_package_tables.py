"""The tables of an installed package: what is read, under which names, in which units, and that none is lost."""

import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from hwmodel.silicon.errors import NoTables, UnknownGpu, UnreadableTable
from hwmodel.silicon.package_tables import TABLES, is_package, packaged_rows
from hwmodel.silicon.tables import read_tables
from tests.shared_data import shared_path

GPUS = ("a100_sxm", "h100_sxm")
EXTRACTED = {(family, gpu) for family in TABLES for gpu in GPUS} - {("moe", "a100_sxm")}
"""Tables that were extracted from the package before: experts were taken of its fastest GPUs only."""
PRODUCT = {"kernel_source": "torch_flow", "gemm_dtype": "bfloat16", "m": 8, "n": 256, "k": 512, "latency": 0.25}
PROMPT = {
    "kernel_source": "fa3",
    "batch_size": 2,
    "isl": 512,
    "num_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "attn_dtype": "fp8",
    "kv_cache_dtype": "fp8",
    "step": 0,
    "latency": 0.5,
}
LAYER = {
    "kernel_source": "cutlass",
    "moe_dtype": "fp8_block",
    "num_tokens": 16,
    "hidden_size": 4096,
    "inter_size": 1536,
    "topk": 8,
    "num_experts": 128,
    "moe_tp_size": 2,
    "moe_ep_size": 4,
    "distribution": "balanced",
    "latency": 0.125,
}
MESSAGE = {"kernel_source": "NCCL", "op_name": "all_gather", "num_gpus": 8, "message_size": 1024, "latency": 0.0625}


def put(package: Path, place: str, *rows: dict[str, object]) -> Path:
    path = package / "systems" / "data" / f"{place}_perf.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(list(rows)).write_parquet(path)
    return path


def test_a_product_gets_our_names_microseconds_and_where_it_came_from(tmp_path: Path) -> None:
    put(tmp_path, "h100_sxm/gemm/trtllm/1.3.0rc20/gemm", PRODUCT)
    assert packaged_rows(tmp_path, "gemm", GPUS).to_dicts() == [
        {
            "gpu": "h100_sxm",
            "backend": "trtllm",
            "backend_version": "1.3.0rc20",
            "kernel": "torch_flow",
            "latency_us": 250.0,
            "dtype": "bfloat16",
            "m": 8,
            "n": 256,
            "k": 512,
            "timing": "cuda_graph",
        }
    ]


def test_products_that_the_host_launched_are_marked(tmp_path: Path) -> None:
    for stack, version in (("vllm", "0.24.0"), ("sglang", "0.5.14")):
        blocks = {**PRODUCT, "gemm_dtype": "fp8_block"}
        put(tmp_path, f"h100_sxm/gemm/{stack}/{version}/gemm", blocks, {**PRODUCT, "gemm_dtype": "fp8"})
    told = packaged_rows(tmp_path, "gemm", GPUS).select("backend", "dtype", "timing").rows()
    assert {row for row in told if row[2] == "eager"} == {("vllm", "fp8_block", "eager")}
    assert len(told) == 4


def test_repeats_become_their_median(tmp_path: Path) -> None:
    repeats = [{**PRODUCT, "latency": latency} for latency in (0.1, 0.4, 0.2)]
    put(tmp_path, "h100_sxm/gemm/vllm/0.24.0/gemm", *repeats)
    assert packaged_rows(tmp_path, "gemm", GPUS)["latency_us"].to_list() == pytest.approx([200.0])


def test_only_the_current_collection_of_a_stack_is_read(tmp_path: Path) -> None:
    put(tmp_path, "h100_sxm/gemm/sglang/0.5.6.post2/gemm", {**PRODUCT, "m": 1})
    put(tmp_path, "h100_sxm/gemm/sglang/0.5.10/gemm", {**PRODUCT, "m": 2})
    put(tmp_path, "h100_sxm/gemm/sglang/0.5.14/gemm", {**PRODUCT, "m": 3})
    put(tmp_path, "a100_sxm/gemm/sglang/0.5.10/gemm", {**PRODUCT, "m": 4})
    assert set(packaged_rows(tmp_path, "gemm", GPUS).select("gpu", "m").rows()) == {("h100_sxm", 3), ("a100_sxm", 4)}


def test_attention_has_a_window_of_none_where_a_file_has_no_such_column(tmp_path: Path) -> None:
    put(tmp_path, "a100_sxm/attention/vllm/0.14.0/context_attention", PROMPT)
    put(tmp_path, "h100_sxm/attention/vllm/0.24.0/context_attention", {**PROMPT, "window_size": 1024})
    rows = packaged_rows(tmp_path, "attn_prefill", GPUS)
    keys = ("gpu", "dtype", "kv_dtype", "batch", "seq", "heads", "kv_heads", "head_dim", "window", "latency_us")
    assert rows.select(keys).rows() == [
        ("a100_sxm", "fp8", "fp8", 2, 512, 32, 8, 128, 0, 500.0),
        ("h100_sxm", "fp8", "fp8", 2, 512, 32, 8, 128, 1024, 500.0),
    ]


def test_a_decoded_token_sees_its_past_and_itself(tmp_path: Path) -> None:
    put(tmp_path, "h100_sxm/attention/sglang/0.5.14/generation_attention", {**PROMPT, "isl": 1, "step": 4095})
    assert packaged_rows(tmp_path, "attn_decode", GPUS)["kv_len"].to_list() == [4096]


def test_layers_of_experts_keep_sharding_and_routing(tmp_path: Path) -> None:
    put(tmp_path, "h100_sxm/moe/trtllm/1.3.0rc20/moe", LAYER)
    keys = ("dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size")
    rows = packaged_rows(tmp_path, "moe", GPUS)
    assert rows.select(*keys, "distribution").row(0) == ("fp8_block", 16, 4096, 1536, 8, 128, 2, 4, "balanced")


def test_messages_are_counted_in_bytes_and_every_version_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "h100_sxm/comm/nccl/2.23/nccl", {**MESSAGE, "nccl_dtype": "half"})
    put(tmp_path, "h100_sxm/comm/nccl/2.29.2/nccl", {**MESSAGE, "nccl_dtype": "int8"})
    ours = {**MESSAGE, "op_name": "all_reduce", "kernel_source": "own", "allreduce_dtype": "bfloat16"}
    put(tmp_path, "h100_sxm/comm/vllm/0.14.0/custom_allreduce", ours)
    put(tmp_path, "h100_sxm/comm/trtllm/1.3.0rc11/moe_a2a", {**MESSAGE, "unit": "us"})
    told = packaged_rows(tmp_path, "comm", GPUS).select("backend_version", "op", "dtype", "gpus", "elements", "bytes")
    assert set(told.rows()) == {
        ("2.23", "all_gather", "half", 8, 1024, 2048),
        ("2.29.2", "all_gather", "int8", 8, 1024, 1024),
        ("0.14.0", "all_reduce", "bfloat16", 8, 1024, 2048),
    }


def test_gpus_that_the_catalogue_lacks_are_passed_over_in_a_package_and_refused_in_files(tmp_path: Path) -> None:
    put(tmp_path / "package", "h100_sxm/gemm/vllm/0.24.0/gemm", PRODUCT)
    put(tmp_path / "package", "b60/gemm/vllm/0.24.0/gemm", PRODUCT)
    rows = read_tables(tmp_path / "package", "gemm", ("dtype", "m", "n", "k"), further=("timing",))
    assert rows.rows() == [("h100-sxm", "vllm", "torch_flow", "bfloat16", 8, 256, 512, "cuda_graph", 0.25e-3)]
    packaged_rows(tmp_path / "package", "gemm", ("b60",)).write_parquet(tmp_path / "gemm_b60.parquet")
    with pytest.raises(UnknownGpu, match="b60"):
        read_tables(tmp_path, "gemm", ("dtype", "m", "n", "k"))


def test_a_written_out_family_reads_as_it_does_from_the_package(tmp_path: Path) -> None:
    put(tmp_path / "package", "h100_sxm/gemm/vllm/0.24.0/gemm", PRODUCT, {**PRODUCT, "m": 16})
    put(tmp_path / "package", "a100_sxm/gemm/trtllm/1.0.0/gemm", PRODUCT)
    keys = ("dtype", "m", "n", "k")
    for gpu in GPUS:
        packaged_rows(tmp_path / "package", "gemm", (gpu,)).write_parquet(tmp_path / f"gemm_{gpu}.parquet")
    assert read_tables(tmp_path, "gemm", keys).equals(read_tables(tmp_path / "package", "gemm", keys))


@pytest.mark.parametrize("family", [*TABLES, "unheard_of"])
def test_a_package_without_a_family_says_so(tmp_path: Path, family: str) -> None:
    (tmp_path / "systems" / "data" / "h100_sxm").mkdir(parents=True)
    assert is_package(tmp_path)
    with pytest.raises(NoTables, match=family):
        packaged_rows(tmp_path, family, GPUS)


def test_a_file_of_another_layout_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    put(tmp_path, "h100_sxm/gemm/vllm/0.24.0/gemm", {"m": 1, "latency": 1.0})
    with pytest.raises(UnreadableTable, match=r"gemm_perf\.parquet: .*kernel_source"):
        packaged_rows(tmp_path, "gemm", GPUS)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "gpu"), sorted(EXTRACTED))
def test_the_installed_package_holds_what_was_extracted_from_it(family: str, gpu: str) -> None:
    found = find_spec("aiconfigurator_core")
    if found is None or not found.submodule_search_locations:
        pytest.skip("aiconfigurator-core is not installed; install scoville[silicon]")
    extracted = pl.read_parquet(shared_path(f"data/silicon/kernels_nvidia/{family}_{gpu}.parquet"))
    packaged = packaged_rows(Path(found.submodule_search_locations[0]), family, (gpu,)).select(extracted.columns)
    keys = [name for name in extracted.columns if name != "latency_us"]
    assert len(packaged) > 500
    assert packaged.sort(keys).equals(extracted.sort(keys))
    assert "aiconfigurator_core" not in sys.modules
