"""What was learned from silicon, by family, and how it lies in a folder: constants, trees, widths, provenance."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import polars as pl

from hwmodel.catalog import load_catalog
from hwmodel.silicon.errors import NoCalibration
from hwmodel.silicon.evidence import Widths
from hwmodel.silicon.families import FAMILIES
from hwmodel.silicon.family import Family
from hwmodel.silicon.model import FamilyModel, fit_model
from hwmodel.silicon.residual import SEEN_CHIPS, UNSEEN_CHIPS, Residual, ResidualLaw
from hwmodel.silicon.sample import load_sample
from hwmodel.silicon.stack_files import load_stacks, save_stacks
from hwmodel.silicon.stack_models import StackModels
from hwmodel.timing import TimingConstants, TimingError

FACTS = "calibration.json"
SHIPPED = Path(__file__).parent / "shipped"
"""The calibration that comes with the product."""
FACTORS = {"chip": pl.String, "dtype": pl.String, "bucket": pl.String, "factor": pl.Float64}
"""Columns of the widths of measured chips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyCalibration:
    """The models of one family."""

    chips: tuple[str, ...]
    """Chips that were measured."""
    seen: FamilyModel
    """For those chips."""
    unseen: FamilyModel
    """For every other chip."""
    widths: Widths
    stacks: StackModels | None = None
    """Each serving stack's own times; none where no stack was told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Everything that was fitted together."""

    constants: TimingConstants
    families: Mapping[str, FamilyCalibration]
    source: str
    """Where the measurements came from."""

    def of(self, family: str) -> FamilyCalibration:
        """The models of one family.

        Raises:
            NoCalibration: The family was not fitted.
        """
        if family not in self.families:
            known = ", ".join(self.families)
            raise NoCalibration(
                f"no calibration of family {family!r}; there is one of {known}; run `scoville calibrate`"
            )
        return self.families[family]


def save(calibration: Calibration, folder: Path) -> None:
    """Write a calibration; files of an older one are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {"source": calibration.source, "constants": asdict(calibration.constants), "families": {}}
    for name, fitted in calibration.families.items():
        if isinstance(fitted.seen.residual, ResidualLaw) and isinstance(fitted.unseen.residual, ResidualLaw):
            laws = {"seen": fitted.seen.residual, "unseen": fitted.unseen.residual}
            arrays = {f"{which}.{key}": value for which, law in laws.items() for key, value in law.arrays().items()}
            np.savez_compressed(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type] # arrays by name
        save_stacks(fitted.seen.family, fitted.stacks, folder)
        facts["families"][name] = {
            "chips": list(fitted.chips),
            "trust": fitted.unseen.trust,
            "rows": {"seen": fitted.seen.residual.rows_count, "unseen": fitted.unseen.residual.rows_count},
            "unseen_factor": fitted.widths.unseen_factor,
            "seen_factors": fitted.widths.seen.sort("chip", "dtype", "bucket").to_dicts(),
        }
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def load(folder: Path = SHIPPED) -> Calibration:
    """Read a calibration.

    Raises:
        NoCalibration: The folder holds none, or one of another version.
    """
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        constants = TimingConstants(**facts["constants"])
        by_name = {family.name: family for family in FAMILIES}
        families = {name: _family(by_name[name], told, constants, folder) for name, told in facts["families"].items()}
    except (OSError, ValueError, KeyError, TypeError, BadZipFile, pl.exceptions.PolarsError, TimingError) as error:
        raise NoCalibration(f"{folder}: no calibration that can be read ({error}); run `scoville calibrate`") from error
    return Calibration(constants=constants, families=families, source=facts["source"])


def _family(family: Family, told: Mapping[str, Any], constants: TimingConstants, folder: Path) -> FamilyCalibration:
    seen, unseen = _laws(family, folder) if family.keeps_trees else _learned_again(family, constants, folder)
    return FamilyCalibration(
        chips=tuple(told["chips"]),
        seen=FamilyModel(family=family, constants=constants, residual=seen, trust=1.0, sees_chip=True),
        unseen=FamilyModel(family=family, constants=constants, residual=unseen, trust=told["trust"], sees_chip=False),
        widths=Widths(seen=pl.DataFrame(told["seen_factors"], schema=FACTORS), unseen_factor=told["unseen_factor"]),
        stacks=load_stacks(family, folder),
    )


def _learned_again(family: Family, constants: TimingConstants, folder: Path) -> tuple[Residual, Residual]:
    """A correction that is quick to fit and has no form in a file: learned from the measurements that were kept."""
    kept = load_sample(family, folder, load_catalog())
    seen, unseen = (
        fit_model(family, kept.best, kept.chips, constants, learner, sees_chip=sees_chip).residual
        for learner, sees_chip in ((SEEN_CHIPS, True), (UNSEEN_CHIPS, False))
    )
    return seen, unseen


def _laws(family: Family, folder: Path) -> tuple[Residual, Residual]:
    with np.load(folder / f"{family.name}.npz", allow_pickle=False) as arrays:
        laws = {
            which: ResidualLaw.of_arrays(
                {key.partition(".")[2]: arrays[key] for key in arrays.files if key.startswith(f"{which}.")}
            )
            for which in ("seen", "unseen")
        }
    return laws["seen"], laws["unseen"]
