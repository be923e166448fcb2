"""Which calls a load file holds, and whose prompt and answer each one continues, over batches of calls in order."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from telemetry_sim.export.prefix_tree import ROOT, PrefixTree
from telemetry_sim.laws import Bools, Ints
from warehouse.contracts import CallStatus

BLOCK_TOKENS = 512
"""Published with Mooncake's traces (FAST'25); AIPerf takes the same by default."""
SENT = (CallStatus.OK.value, CallStatus.USER_CANCEL.value)
"""A refused or failed call is left out: what came of it is a later call of its own."""
BATCHES_KEPT = 2
"""A call's parent lies in its own batch or in the one before: sessions last less than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Calls of a load file in order of request, with their rows in the tree of prefixes."""

    calls: pl.DataFrame
    row: Ints
    parent_row: Ints
    """Row of the parent, ROOT where there is none."""
    is_same_agent: Bools
    """Whether the parent was a call of the same agent in the same session."""
    tree: PrefixTree

    def hash_ids(self, low: int, high: int) -> pl.Series:
        """Lists of block ids of the calls from place low to high (exclusive): as many as whole and begun blocks."""
        rows = self.row[low:high]
        owner = np.repeat(np.arange(len(rows)), self.tree.block_count[rows])
        flat = pl.DataFrame({"owner": owner, "hash_ids": self.tree.ids(rows)})
        return flat.group_by("owner", maintain_order=True).agg("hash_ids")["hash_ids"]


@dataclass(slots=True)
class Lineage:
    """Takes batches of calls and remembers what later ones can refer to."""

    tree: PrefixTree = field(default_factory=PrefixTree)
    left_out_count: int = 0
    _known: list[pl.DataFrame] = field(default_factory=list)

    def take(self, model_calls: pl.DataFrame) -> Batch:
        """The calls of a batch that a server would be sent, in order of request.

        Args:
            model_calls: Rows of the contract `ModelCalls`; calls that continue others come in the same batch as those
                or in the next one.
        """
        sent = pl.col("status").cast(pl.String).is_in(SENT) & (pl.col("input_tokens") > 0)
        calls = model_calls.filter(sent & pl.col("output_tokens").is_not_null()).sort(
            "requested_at", maintain_order=True
        )
        self.left_out_count += model_calls.height - calls.height
        base = len(self.tree)
        agent = calls.select(agent=pl.coalesce("agent_id", "session_id")).to_series()
        known = calls.select("call_id", "input_tokens", agent).with_row_index("parent_row", offset=base)
        self._known = [*self._known, known.cast({"parent_row": pl.Int64})][-BATCHES_KEPT:]
        found = calls.select(call_id="parent_call_id").join(
            pl.concat(self._known).rename({"input_tokens": "parent_tokens", "agent": "parent_agent"}),
            on="call_id",
            how="left",
            maintain_order="left",
        )
        parent_row = found["parent_row"].fill_null(ROOT).to_numpy()
        held = pl.min_horizontal(calls["shared_prefix_tokens"].fill_null(0), found["parent_tokens"].fill_null(0))
        shared_blocks = pl.select(held // BLOCK_TOKENS).to_series().to_numpy()
        block_count = -(-calls["input_tokens"].to_numpy() // BLOCK_TOKENS)
        row = self.tree.grow(block_count, parent_row, shared_blocks)
        is_same_agent = (agent == found["parent_agent"]).fill_null(value=False).to_numpy()
        return Batch(calls=calls, row=row, parent_row=parent_row, is_same_agent=is_same_agent, tree=self.tree)
