"""The power that designs are rated at."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwmodel.catalog import ChipDesign, DesignTable
from hwmodel.physical import tdp_class_w, tdp_needed_w


def rated(designs: Sequence[ChipDesign] | DesignTable, *, baseline: ChipDesign) -> DesignTable:
    """Designs rated as the baseline is: TDP at the smallest market class that takes their power in its proportion.

    The baseline's own TDP counts as a class, also where no other chip of the market has it.
    """
    table = designs if isinstance(designs, DesignTable) else DesignTable.of(designs)
    needed = tdp_needed_w(table, baseline=baseline)
    classed = tdp_class_w(replace(table, tdp_w=np.maximum(needed - 1e-6, 1.0)))
    classed = np.where(needed <= baseline.tdp_w + 1e-6, np.minimum(classed, baseline.tdp_w), classed)
    return replace(table, tdp_w=np.where(np.isfinite(classed), classed, needed))
