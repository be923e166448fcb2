"""Step times of very many designs: each distinct chip is timed once, links apart, launches counted and scaled."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from hwmodel.catalog.chip_design import NUMERIC_FIELDS, DesignTable
from hwmodel.kernels import KernelBatch, StepStates
from hwmodel.serving.demand import NS_PER_S
from hwmodel.serving.step_timer import KernelGroup, StepTimer
from hwmodel.timing import FIRST_CONSTANTS, Chip, TimingConstants, chip_columns, kernel_latency_s
from warehouse.contracts.vocabulary import KernelFamily

LINK_FIELDS = ("link_bytes_per_s", "link_world_count", "collective_latency_s", "launch_latency_s", "fabric_code")
"""All that a collective reads of a chip; other kernels read none of it, but for the launch that each adds."""
BLOCK = 1024
"""Designs timed at once: bounds the memory of the parts."""
COLLECTIVE = tuple(KernelFamily).index(KernelFamily.COLLECTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignClasses:
    """Designs sorted by what their kernels' times depend on."""

    added_launch_ns: Float[np.ndarray, "designs"]
    """Launch latency beyond that of `own`."""
    own_row: Int[np.ndarray, "designs"]
    """Which of `own` has each design's times without collectives."""
    link_row: Int[np.ndarray, "designs"]
    own: DesignTable
    """One design of each class, all with the launch latency of the first."""
    links: DesignTable

    @classmethod
    def of(cls, designs: DesignTable, constants: TimingConstants = FIRST_CONSTANTS) -> "DesignClasses":
        """Classes of designs, whatever LLM they serve."""
        columns = chip_columns(designs, constants)
        is_link = np.array([name in LINK_FIELDS for name in Chip._fields])
        own_first, own_row = _classes(columns[:, ~is_link])
        link_first, link_row = _classes(columns[:, is_link])
        own = designs.take(own_first)
        launch_s = np.full(len(own), designs.launch_latency_s[0])
        return cls(
            added_launch_ns=(designs.launch_latency_s - launch_s[0]) * NS_PER_S,
            own_row=own_row,
            link_row=link_row,
            own=replace(own, launch_latency_s=launch_s),
            links=designs.take(link_first),
        )

    def take(self, index: Int[np.ndarray, "chosen"]) -> "DesignClasses":
        """Classes of some of the designs, those without a design left out."""
        own, own_row = np.unique(self.own_row[index], return_inverse=True)
        links, link_row = np.unique(self.link_row[index], return_inverse=True)
        return DesignClasses(
            added_launch_ns=self.added_launch_ns[index],
            own_row=own_row.reshape(-1),
            link_row=link_row.reshape(-1),
            own=self.own.take(own),
            links=self.links.take(links),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTimes:
    """One group of kernels in some states: a design takes own + links + launches x its added launch latency."""

    own_ns: Float[np.ndarray, "own states"]
    links_ns: Float[np.ndarray, "links states"]
    launches_count: Float[np.ndarray, "states"]

    def of(self, classes: DesignClasses) -> Float[np.ndarray, "designs states"]:
        """Every design's own times, for checks and small tables."""
        added = classes.added_launch_ns[:, None] * self.launches_count
        return self.own_ns[classes.own_row] + self.links_ns[classes.link_row] + added


def group_times(timer: StepTimer, classes: DesignClasses, group: KernelGroup, states: StepStates) -> GroupTimes:
    """The same as `StepTimer.group_ns`, each class timed once.

    Exact because every kernel but a collective adds its launch to what it takes otherwise, and a collective reads
    nothing but `LINK_FIELDS`.
    """
    (kernels,) = timer.kernels_of((group,), states)
    is_link = kernels.batch.family_code == COLLECTIVE
    apart, joint = np.flatnonzero(~is_link), np.flatnonzero(is_link)
    own, links = kernels.batch.take(apart), kernels.batch.take(joint)
    host_s = np.full(len(states), timer.host_step_s if group is KernelGroup.TOKENS else 0.0)
    return GroupTimes(
        own_ns=(_state_s(timer, classes.own, own, len(states), kernels.resident_bytes[apart]) + host_s) * NS_PER_S,
        links_ns=_state_s(timer, classes.links, links, len(states), kernels.resident_bytes[joint]) * NS_PER_S,
        launches_count=np.bincount(own.state, weights=own.repeat_count * np.ones(len(own)), minlength=len(states)),
    )


def _state_s(
    timer: StepTimer,
    designs: DesignTable,
    kernels: KernelBatch,
    states_count: int,
    resident_bytes: Float[np.ndarray, "kernels"],
) -> Float[np.ndarray, "designs states"]:
    """Kernels one after another, by state, without the host's share."""
    total = np.zeros((len(designs), states_count))
    if len(kernels) == 0:
        return total
    runs = np.zeros((len(kernels), states_count))
    runs[np.arange(len(kernels)), kernels.state] = kernels.repeat_count
    for start in range(0, len(designs), BLOCK):
        rows = slice(start, start + BLOCK)
        latency_s = kernel_latency_s(_rows(designs, rows), kernels, timer.constants, resident_bytes=resident_bytes)
        total[rows] = latency_s @ runs
    return total


def _rows(designs: DesignTable, rows: slice) -> DesignTable:
    columns = {name: getattr(designs, name)[rows] for name in NUMERIC_FIELDS}
    return replace(designs, name=designs.name[rows], node=designs.node[rows], fabric=designs.fabric[rows], **columns)


def _classes(
    columns: Float[np.ndarray, "designs columns"],
) -> tuple[Int[np.ndarray, "classes"], Int[np.ndarray, "designs"]]:
    """First row of each distinct row, and which of them every row is."""
    code = np.zeros(len(columns), dtype=np.int64)
    for column in columns.T:
        values, place = np.unique(column, return_inverse=True)
        _, code = np.unique(code * len(values) + place.reshape(-1), return_inverse=True)
        code = code.reshape(-1)
    _, first, row = np.unique(code, return_index=True, return_inverse=True)
    return first, row.reshape(-1)
