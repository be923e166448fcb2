"""LLM architectures: counted parameters and cached elements agree with the research; what is incomplete is refused."""

import pytest

from hwmodel.catalog import MissingSpec, count_parameters, load_catalog

CATALOG = load_catalog()
SERVED = [entry.id for entry in CATALOG.llms.values() if entry.refused is None]
INDEXED = {"deepseek-v3.2", "glm-5"}  # their sparse-attention indexer (about 0.9 G weights) is not in LlmSpec


def test_incomplete_llms_are_listed_but_refused_with_the_reason() -> None:
    refused = [entry.id for entry in CATALOG.llms.values() if entry.refused]
    assert refused == ["deepseek-v4-flash", "deepseek-v4-pro", "kimi-k3"]
    with pytest.raises(MissingSpec, match="compression ratios"):
        CATALOG.llm("deepseek-v4-pro")
    with pytest.raises(MissingSpec, match="latent"):
        CATALOG.llm("kimi-k3")


@pytest.mark.parametrize("llm", SERVED)
def test_counted_parameters_agree_with_the_derived_values(llm: str) -> None:
    count, derived = count_parameters(CATALOG.llm(llm)), CATALOG.llms[llm].derived
    tolerance = 0.03 if llm in INDEXED else 0.002
    assert count.total == pytest.approx(derived["total_params_b"] * 1e9, rel=tolerance)
    assert count.active == pytest.approx(derived["active_params_b"] * 1e9, rel=tolerance)


@pytest.mark.parametrize("llm", SERVED)
def test_cached_elements_agree_with_the_derived_values(llm: str) -> None:
    spec, derived = CATALOG.llm(llm), CATALOG.llms[llm].derived
    assert spec.kv_elements_per_token == derived["kv_elems_per_token_growing"]
    assert spec.recurrent_state_elements == derived["recurrent_state_elems"]
    window = spec.sliding_window_tokens or 0
    assert spec.kv_elements_sliding == derived["kv_elems_per_token_sliding"] * window


@pytest.mark.parametrize(
    ("llm", "total", "tolerance"),
    [
        ("gpt-oss-120b", 116.8e9, 0.005),  # OpenAI model card: 116.8 B
        ("deepseek-r1", 671e9, 0.005),  # DeepSeek-V3 report: 671 B
        ("llama-3.1-70b", 70.6e9, 0.005),  # Meta: 70.6 B
        ("qwen3-235b-a22b", 235e9, 0.005),  # Qwen3 report: 235 B
        ("glm-4.6", 355e9, 0.01),  # Zhipu: 355 B
    ],
)
def test_counted_parameters_agree_with_the_published_size(llm: str, total: float, tolerance: float) -> None:
    assert count_parameters(CATALOG.llm(llm)).total == pytest.approx(total, rel=tolerance)


def test_a_gpt_oss_checkpoint_weighs_about_what_was_published() -> None:
    # 60.8 GiB on disk: experts in MXFP4 (4.25 bit), attention, embeddings and router in bf16
    spec = CATALOG.llm("gpt-oss-120b")
    assert spec.moe is not None
    experts = 3.0 * spec.hidden * spec.moe.expert_intermediate * spec.moe.experts_count * spec.layers_count
    weight_bytes = experts * 4.25 / 8.0 + (spec.total_parameters - experts) * 2.0
    assert weight_bytes == pytest.approx(60.8 * 2**30, rel=0.01)


@pytest.mark.parametrize(
    ("llm", "dtype"),
    [("gpt-oss-120b", "fp4"), ("deepseek-r1", "fp8"), ("llama-3.1-70b", "bf16"), ("kimi-k2.5", "fp4")],
)
def test_the_checkpoint_quantisation_sets_the_weight_format(llm: str, dtype: str) -> None:
    assert CATALOG.llm(llm).weight_dtype == dtype


def test_llms_with_sparse_attention_carry_a_caveat() -> None:
    assert {entry.id for entry in CATALOG.llms.values() if entry.caveat and "DSA" in entry.caveat} == INDEXED
