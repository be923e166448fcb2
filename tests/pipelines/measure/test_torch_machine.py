"""The device as torch sees it: what is captured, what is timed, which kernels run, and what a missing torch says."""

import sys
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from pipelines.errors import BadInput, NotOffered
from pipelines.measure import FAMILIES, Plan, measure_to
from pipelines.measure.grid import TRIAL, grid
from pipelines.measure.machine import Row
from pipelines.measure.torch_machine import torch_machine
from tests.pipelines.measure.torch_stand_in import install, stand_in

PRODUCT: Row = {"dtype": "bfloat16", "m": 2, "n": 3, "k": 5, "kernel": "torch_compiled"}
HEADS = {"batch": 2, "heads": 8, "kv_heads": 2, "head_dim": 64}


def test_a_gpu_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, stand_in(memory_bytes=123))
    machine = torch_machine("cuda", None)
    assert (machine.gpu, machine.device_kind, machine.timing) == ("h100_sxm", "cuda", "cuda_graph")
    assert (machine.library, machine.memory_bytes) == ("2.0 CUDA 13.2", 123)


def test_fp8_is_multiplied_from_ada_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for capability, has_fp8 in (((8, 0), False), ((8, 6), False), ((8, 9), True), ((10, 0), True)):
        install(monkeypatch, stand_in(capability=capability))
        assert ("fp8" in torch_machine("cuda", None).dtypes) == has_fp8


def test_calls_are_warmed_up_aside_captured_together_and_replayed_between_two_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = stand_in()
    install(monkeypatch, torch)
    machine = torch_machine("cuda", None)
    run = machine.prepared("gemm", PRODUCT, 4)
    assert torch.journal == ["aside begins", *["mm"] * 3, "aside ends", "capture begins", *["mm"] * 4, "capture ends"]
    assert machine.seconds(run) == pytest.approx(1e-3)
    assert torch.journal[-2:] == ["replay", "wait"]
    assert torch.journal.count("mm") == 7


@pytest.mark.parametrize(
    ("family", "row", "expected"),
    [
        ("attn_prefill", {"seq": 16}, "attend (2, 8, 16, 64) (2, 2, 16, 64) is_causal=True enable_gqa=True"),
        ("attn_decode", {"kv_len": 16}, "attend (2, 8, 1, 64) (2, 2, 16, 64) is_causal=False enable_gqa=True"),
        (
            "attn_decode",
            {"kv_len": 16, "heads": 2},
            "attend (2, 2, 1, 64) (2, 2, 16, 64) is_causal=False enable_gqa=False",
        ),
    ],
)
def test_attention_runs_the_implementation_that_its_row_names(
    monkeypatch: pytest.MonkeyPatch, family: str, row: dict[str, int], expected: str
) -> None:
    for kernel, implementation in (("torch_sdpa_flash", "flash"), ("torch_sdpa_cudnn", "cudnn")):
        torch = stand_in()
        install(monkeypatch, torch)
        machine = torch_machine("cuda", None)
        assert kernel in machine.kernels(family)
        machine.prepared(family, {**HEADS, **row, "kernel": kernel}, 1)
        assert torch.journal[-5:-1] == [
            "capture begins",
            f"{implementation} begins",
            expected,
            f"{implementation} ends",
        ]


def test_a_kernel_without_memory_is_not_offered_and_leaves_none_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = stand_in()
    install(monkeypatch, torch)
    with pytest.raises(NotOffered, match=r"^CUDA out of memory\. Tried to allocate much$"):
        torch_machine("cuda", None).prepared("gemm", {**PRODUCT, "n": 10**7}, 1)
    assert torch.journal == ["empty cache"]


def test_a_whole_family_is_measured_into_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, stand_in(capability=(8, 0)))
    machine = torch_machine("cuda", "a100-sxm-80")
    plan = Plan(is_flushed=True, least_runs=3, most_runs=3)
    (path,) = measure_to(tmp_path, machine, ["gemm"], TRIAL, plan, told=lambda text: None)
    rows = pl.read_parquet(path)
    assert path.name == "gemm_a100_sxm_torch.parquet"
    assert len(rows) == len(grid("gemm", TRIAL, machine.dtypes, machine.memory_bytes))
    assert rows["latency_us"].to_list() == [1000.0] * len(rows)


def test_without_torch_or_a_gpu_it_is_said_what_to_install_or_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = stand_in()
    torch.cuda.is_available = lambda: False
    install(monkeypatch, torch)
    with pytest.raises(BadInput, match=r"no CUDA device.*--device cpu"):
        torch_machine("cuda", None)
    install(monkeypatch, stand_in())
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadInput, match=r"install scoville\[measure\]"):
        torch_machine("cpu", None)


@pytest.mark.slow
def test_the_installed_torch_measures_every_family_on_a_cpu(tmp_path: Path) -> None:
    if find_spec("torch") is None:
        pytest.skip("torch is not installed; install scoville[measure]")
    machine = torch_machine("cpu", None)
    for plan in (Plan(least_runs=3, most_runs=3), Plan(is_flushed=True, least_runs=3, most_runs=3)):
        paths = measure_to(tmp_path, machine, FAMILIES, TRIAL, plan, told=lambda text: None)
        for family, path in zip(FAMILIES, paths, strict=True):
            rows = pl.read_parquet(path)
            assert len(rows) == len(grid(family, TRIAL, machine.dtypes, machine.memory_bytes))
            assert set(rows["device_kind"]) == {"cpu"}
            assert (rows["latency_us"] > 0.0).all()
