"""What drafts for an LLM: a head of one more layer, another LLM, or a look at the text so far."""

from dataclasses import dataclass, replace

from hwmodel.catalog.llm import STORAGE_BYTES, Deployment, LlmSpec
from hwmodel.kernels import kv_bytes_per_token, sequence_state_bytes, weight_bytes_per_rank
from hwmodel.kernels.layout import rank_layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafter:
    """A drafting model on the same ranks as the LLM."""

    llm: LlmSpec
    """Itself; a head is an LLM of one layer, with the embedding and the output matrix of the LLM."""
    is_head: bool
    """Whether it is a head: these two matrices are there already, and a product joins two hidden states into one."""

    def weight_bytes(self, deployment: Deployment) -> float:
        """Bytes of its weights on one rank."""
        whole = weight_bytes_per_rank(self.llm, deployment)
        if not self.is_head:
            return whole
        shared = weight_bytes_per_rank(_with_layers(self.llm, 0), deployment)
        return whole - shared + self.joint_elements * STORAGE_BYTES[rank_layout(self.llm, deployment).layer_dtype]

    @property
    def joint_elements(self) -> float:
        """Weights of the product that takes embedding and hidden state to one hidden state; 0 without a head.

        Every rank holds it whole (published: DeepSeek-V3's report, figure 3; vLLM's `eh_proj`).
        """
        return 2.0 * self.llm.hidden**2 if self.is_head else 0.0


def head_of(llm: LlmSpec) -> Drafter:
    """A head as DeepSeek's MTP module or EAGLE's: one layer of the LLM, of full attention."""
    return Drafter(llm=_with_layers(llm, 1), is_head=True)


def room_bytes(
    llm: LlmSpec, deployment: Deployment, drafter: Drafter | None, drafts_count: int
) -> tuple[float, float, float]:
    """Bytes on one rank with drafts: of weights, of a token of context, and of a sequence's fixed state.

    Recurrent states are kept after each draft, so that rejected ones can be rolled back.
    """
    weights = weight_bytes_per_rank(llm, deployment)
    token = kv_bytes_per_token(llm, deployment)
    state = sequence_state_bytes(llm, deployment)
    if llm.linear is not None:
        windows = sequence_state_bytes(replace(llm, linear=None), deployment)
        state = windows + (1 + drafts_count) * (state - windows)
    if drafter is None:
        return weights, token, state
    return (
        weights + drafter.weight_bytes(deployment),
        token + kv_bytes_per_token(drafter.llm, deployment),
        state + sequence_state_bytes(drafter.llm, deployment),
    )


def _with_layers(llm: LlmSpec, count: int) -> LlmSpec:
    """The LLM with so many layers, all of full attention and none but experts where it has any."""
    return replace(
        llm,
        layers_count=count,
        full_layers_count=count,
        sliding_layers_count=0,
        linear_layers_count=0,
        moe=None if llm.moe is None else replace(llm.moe, first_dense_layers_count=0),
    )
