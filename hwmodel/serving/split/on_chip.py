"""Prefill and decode replicas of an LLM on a chip: step costs, blocks of cache and the link, out of the chip model."""

from dataclasses import dataclass, replace

from hwmodel.catalog.chip_design import ChipDesign, DesignTable
from hwmodel.catalog.llm import Deployment, LlmSpec
from hwmodel.kernels import kv_bytes_per_token, sequence_state_bytes
from hwmodel.serving.engine import EngineCalls, EngineSettings
from hwmodel.serving.errors import DoesNotFit
from hwmodel.serving.replay import Replica, Scheduler, replica_settings
from hwmodel.serving.serve import OWN_BLOCKS
from hwmodel.serving.split.paged import replay_split
from hwmodel.serving.split.run import SplitRun
from hwmodel.serving.split.settings import LinkTimes, SplitSettings, link_times
from hwmodel.serving.step_cost import StepCost
from hwmodel.serving.step_timer import StepTimer
from hwmodel.serving.tables import step_cost_tables
from hwmodel.timing import FIRST_CONSTANTS, HOST_STEP_S, TimingConstants


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipLink:
    """What joins the replicas, of one chip and in one direction."""

    bytes_per_s: float
    latency_s: float
    overlap: bool = False
    """Whether layers travel while the next ones are computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitLayout:
    """Replicas of both pools; formats are the same on both sides, for cache travels between them."""

    prefill: Deployment
    decode: Deployment
    prefill_count: int
    decode_count: int
    link: ChipLink
    prefill_batched_tokens: int | None = None
    """Token budget of a step on prefill replicas, where nobody waits for the next token; None for the scheduler's."""

    def __post_init__(self) -> None:
        if self.prefill.kv_dtype != self.decode.kv_dtype:
            raise DoesNotFit(
                f"cache is {self.prefill.kv_dtype} on prefill and {self.decode.kv_dtype} on decode replicas; it "
                "travels as it is: give one format"
            )

    @property
    def chips_count(self) -> int:
        """Chips of both pools."""
        return self.prefill_count * self.prefill.tp_count + self.decode_count * self.decode.tp_count


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitEngine:
    """Both pools, ready to serve."""

    settings: SplitSettings
    prefill_cost: StepCost
    decode_cost: StepCost
    chips_count: int

    def serve(self, calls: EngineCalls) -> SplitRun:
        """When each call is served.

        Raises:
            BadCalls: A user may leave.
        """
        return replay_split(calls, self.settings, self.prefill_cost, self.decode_cost)


def scale_out_link(
    design: ChipDesign, *, overlap: bool = False, constants: TimingConstants = FIRST_CONSTANTS
) -> ChipLink:
    """The link between replicas of a design that is in no catalogue: the chip model's own ratios, both assumed.

    Bandwidth as a share of the scale-up link, latency as a multiple of the smallest collective inside the domain.
    """
    return ChipLink(
        bytes_per_s=design.link_bytes_per_s * constants.scale_out_ratio,
        latency_s=scale_out_latency_s(design, constants),
        overlap=overlap,
    )


def scale_out_latency_s(design: ChipDesign, constants: TimingConstants = FIRST_CONSTANTS) -> float:
    """Latency between replicas: the smallest collective of the scale-up domain times the model's ratio beyond it."""
    return design.collective_latency_s * constants.scale_out_latency_ratio


def split_engine(
    design: ChipDesign,
    llm: LlmSpec,
    layout: SplitLayout,
    scheduler: Scheduler,
    *,
    host_step_s: float = HOST_STEP_S,
) -> SplitEngine:
    """Compile the chip model into the step costs of both pools.

    Raises:
        DoesNotFit: The weights leave no room for one sequence on one side.
    """
    budget = layout.prefill_batched_tokens or scheduler.max_batched_tokens
    bounds = (replace(scheduler, max_batched_tokens=budget), scheduler)
    deployments = (layout.prefill, layout.decode)
    prefill, decode = (_replica(design, llm, *both, host_step_s) for both in zip(deployments, bounds, strict=True))
    return SplitEngine(
        settings=SplitSettings(
            prefill=_settings(prefill, bounds[0]),
            decode=_settings(decode, bounds[1]),
            prefill_count=layout.prefill_count,
            decode_count=layout.decode_count,
            link=cache_link(llm, layout),
        ),
        prefill_cost=prefill.plain_cost,
        decode_cost=decode.plain_cost,
        chips_count=layout.chips_count,
    )


def cache_link(llm: LlmSpec, layout: SplitLayout) -> LinkTimes:
    """What a prefill replica sends, and how fast: each byte once, over the links of as many chips as both sides have.

    Of heads that several ranks hold, one sends.
    """
    whole = Deployment(
        tp_count=1,
        activation_dtype=layout.prefill.activation_dtype,
        attention_dtype=layout.prefill.attention_dtype,
        kv_dtype=layout.prefill.kv_dtype,
    )
    return link_times(
        bytes_per_s=layout.link.bytes_per_s * min(layout.prefill.tp_count, layout.decode.tp_count),
        latency_s=layout.link.latency_s,
        kv_bytes_per_token=kv_bytes_per_token(llm, whole),
        state_bytes=sequence_state_bytes(llm, whole),
        overlap=layout.link.overlap,
        layers=llm.layers_count,
    )


def replay_disaggregated(
    calls: EngineCalls, design: ChipDesign, llm: LlmSpec, layout: SplitLayout, scheduler: Scheduler
) -> SplitRun:
    """Serve calls on prefill and decode replicas of a design.

    Raises:
        BadCalls: A user may leave.
        DoesNotFit: The weights leave no room for one sequence on one side.
    """
    return split_engine(design, llm, layout, scheduler).serve(calls)


def _replica(
    design: ChipDesign, llm: LlmSpec, deployment: Deployment, scheduler: Scheduler, host_step_s: float
) -> Replica:
    timer = StepTimer(designs=DesignTable.of([design]), llm=llm, deployment=deployment, host_step_s=host_step_s)
    return step_cost_tables(timer, scheduler=scheduler).replica(0)


def _settings(replica: Replica, scheduler: Scheduler) -> EngineSettings:
    settings = replica_settings(replica, scheduler)
    return replace(settings, blocks_count=max(settings.blocks_count - OWN_BLOCKS, 1))
