"""The hardware half of the loop, carried between rooms: demand to baseline, search, recommendation, report."""

from pipelines.exploration.explore import Explorer, explore
from pipelines.exploration.findings import Findings
from pipelines.exploration.inputs import LoopInputs, loop_inputs

__all__ = ["Explorer", "Findings", "LoopInputs", "explore", "loop_inputs"]
