"""Rails of embedded boards: rows and work from small files, and the energy of held-out kernels on real ones."""

from pathlib import Path

import polars as pl
import pytest

from hwmodel.silicon.errors import NoTables, UnreadableTable
from hwmodel.silicon.power import RAIL_FAMILIES, PowerFamily, power_accuracy
from hwmodel.silicon.power.rails import rail_rows
from tests.shared_data import shared_path

HEAD = "device,M,N,K,precision,out_dtype,latency_ms,kernel,power_gpu_w,power_mem_w"
PRODUCTS = f"""{HEAD}
Orin,128,256,64,fp16,fp16,0.5,a,30,4
Orin,1,4096,4096,int4,fp16,0.25,b,,
Orin,1,4096,4096,int4,int4,,c,15,2
Thor,128,128,64,fp4,fp8,0.1,d,50,16
Thor,128,128,64,fp8,fp8,0.1,d,,
"""
ATTENTION = """device,seq_len_q,seq_len_kv,heads_q,heads_kv,head_dim,num_splits,is_causal,pack_gqa,precision,latency_ms,power_gpu_w,power_mem_w
Orin,512,512,16,8,128,1,true,false,fp16,0.1,40,4
"""
NORMS = "device,M,N,latency_ms,power_gpu_w,power_mem_w\nThor,512,2048,0.05,20,10\n"


def folder_of(tmp_path: Path, products: str = PRODUCTS) -> Path:
    home = tmp_path / "power_orin_thor"
    home.mkdir()
    for name, text in (("matmul", products), ("flashattn", ATTENTION), ("layernorm", NORMS)):
        (home / f"orin_thor_{name}_perf_power.csv").write_text(text)
    return tmp_path


def row_of(rows: pl.DataFrame, shape: str) -> dict[str, float]:
    return rows.row(by_predicate=pl.col("shape") == shape, named=True)


def test_both_rails_are_added_and_kernels_without_them_are_left_out(tmp_path: Path) -> None:
    rows = rail_rows(folder_of(tmp_path))
    assert rows["kernel"].to_list() == ["gemm fp16", "gemm fp4", "gemm int4", "attention", "norm"]
    assert rows["power_w"].to_list() == [34.0, 66.0, 17.0, 44.0, 30.0]


def test_time_and_power_of_four_bit_weights_meet_from_rows_of_their_own(tmp_path: Path) -> None:
    row = row_of(rail_rows(folder_of(tmp_path)), "gemm 1 4096 4096")
    assert row["latency_s"] == 0.25e-3
    assert row["wide_flop"] == 2 * 4096**2
    assert row["dram_bytes"] == pytest.approx(0.53 * 4096**2 + 2 * 2 * 4096)


def test_work_is_counted_as_by_hand(tmp_path: Path) -> None:
    rows = rail_rows(folder_of(tmp_path))
    product, attention = row_of(rows, "gemm 128 256 64"), row_of(rows, "attention 512 512 16 8 128")
    assert product["wide_flop"] == 2 * 128 * 256 * 64
    assert product["dram_bytes"] == 2 * (128 * 64 + 256 * 64 + 128 * 256)
    assert product["l2_bytes"] == 2 * (2 * 128 * 64 + 256 * 64)
    assert attention["attention_flop"] == 4 * 16 * 128 * 512**2 / 2
    assert attention["dram_bytes"] == 2 * 128 * (2 * 512 * 16 + 2 * 512 * 8)
    assert row_of(rows, "norm 512 2048")["dram_bytes"] == 4 * 512 * 2048


def test_missing_files_and_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoTables, match="matmul"):
        rail_rows(tmp_path)
    with pytest.raises(UnreadableTable, match="power_mem_w"):
        rail_rows(folder_of(tmp_path, PRODUCTS.replace("power_mem_w", "other")))


@pytest.mark.slow
@pytest.mark.parametrize("family", RAIL_FAMILIES, ids=lambda family: family.name)
def test_energy_of_held_out_kernels_is_within_twenty_percent_even_without_a_learner(family: PowerFamily) -> None:
    rows, law = power_accuracy({family.name: family.read(shared_path("data/silicon"))}, (family,))
    assert rows[0].rows > 150
    assert rows[0].mape < 0.08  # measured: 0.039 on Orin, 0.045 on Thor
    assert rows[0].physics_mape < 0.12  # measured: 0.078 and 0.068
    assert rows[0].constant_mape > 0.20
    assert family.basis.startswith("calibrated on the rails of one")
    assert 10.0 < law.static_w < 50.0
