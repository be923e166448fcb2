"""How the models of serving stacks lie in a folder: trees of all stacks end to end, names and widths beside them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from hwmodel.silicon.family import Family
from hwmodel.silicon.forest import Forest
from hwmodel.silicon.residual import ResidualLaw
from hwmodel.silicon.stack_kernels import KernelChoice, KernelChoices
from hwmodel.silicon.stack_laws import StackLaw, StackLaws
from hwmodel.silicon.stack_models import StackModels

Arrays = Mapping[str, np.ndarray]


def save_stacks(family: Family, stacks: StackModels | None, folder: Path) -> None:
    """Write the models of one family's stacks; files of an older calibration are replaced."""
    if stacks is None:
        _path(family, folder).unlink(missing_ok=True)
        return
    stacks.factors.write_parquet(_factors_path(family, folder), compression="zstd", compression_level=19)
    arrays = {
        **{f"own.{key}": value for key, value in _of_laws(stacks.own).items()},
        **{f"longer.{key}": value for key, value in _of_laws(stacks.longer).items()},
        **{f"choice.{key}": value for key, value in _of_choices(stacks.choices).items()},
        "unseen_factor": np.array([stacks.unseen_factor]),
    }
    np.savez_compressed(_path(family, folder), **arrays)  # type: ignore[arg-type] # arrays by name


def load_stacks(family: Family, folder: Path) -> StackModels | None:
    """Read them; none where the folder has none of the family."""
    if not _path(family, folder).exists():
        return None
    with np.load(_path(family, folder), allow_pickle=False) as kept:
        arrays = dict(kept)
    return StackModels(
        family=family,
        own=_laws(_below(arrays, "own")),
        longer=_laws(_below(arrays, "longer")),
        choices=_choices(_below(arrays, "choice")),
        factors=pl.read_parquet(_factors_path(family, folder)),
        unseen_factor=float(arrays["unseen_factor"][0]),
    )


def _of_laws(laws: StackLaws) -> dict[str, np.ndarray]:
    told = list(laws.laws.values())
    ends = [(one.level_log, one.law.low_log, one.law.high_log, one.law.rows_count) for one in told]
    return {
        "names": np.array([list(name) for name in laws.laws], dtype=np.str_).reshape(-1, 3),
        "ends": np.array(ends, dtype=np.float64).reshape(-1, 4),
        "low": np.array([one.law.low for one in told]),
        "high": np.array([one.law.high for one in told]),
        **_of_forests([one.law.forest for one in told]),
    }


def _laws(arrays: Arrays) -> StackLaws:
    forests = _forests(arrays)
    laws = {}
    for position, (backend, kernel, dtype) in enumerate(arrays["names"].tolist()):
        level, low_log, high_log, rows_count = arrays["ends"][position].tolist()
        law = ResidualLaw(
            forest=forests[position],
            low_log=low_log,
            high_log=high_log,
            low=arrays["low"][position],
            high=arrays["high"][position],
            rows_count=int(rows_count),
        )
        laws[backend, kernel, dtype] = StackLaw(level_log=level, law=law)
    return StackLaws(laws=laws)


def _of_choices(choices: KernelChoices) -> dict[str, np.ndarray]:
    kept = choices.choices.items()
    names = [[backend, dtype, kernel] for (backend, dtype), one in kept for kernel in one.kernels]
    return {
        "names": np.array(names, dtype=np.str_).reshape(-1, 3),
        "counts": np.array([len(one.kernels) for _, one in kept], dtype=np.int64),
        **_of_forests([one.tree for _, one in kept]),
    }


def _choices(arrays: Arrays) -> KernelChoices:
    choices, start = {}, 0
    for count, tree in zip(arrays["counts"].tolist(), _forests(arrays), strict=True):
        names = arrays["names"][start : start + count].tolist()
        choices[names[0][0], names[0][1]] = KernelChoice(kernels=tuple(name[2] for name in names), tree=tree)
        start += count
    return KernelChoices(choices=choices)


def _of_forests(forests: list[Forest]) -> dict[str, np.ndarray]:
    """Thresholds of nodes apart from values of leaves, which need fewer bits; a left child follows its parent."""
    feature, threshold, right, roots = (
        np.concatenate([np.zeros(0), *(getattr(one, name) for one in forests)])
        for name in ("feature", "threshold", "right", "roots")
    )
    place = np.concatenate([np.zeros(0), *(np.arange(len(one.feature)) for one in forests)])
    is_leaf = feature < 0
    return {
        "feature": feature.astype(np.int16),
        "threshold": threshold[~is_leaf].astype(np.float32),
        "leaf": threshold[is_leaf].astype(np.float16),
        "right": (right - place)[~is_leaf].astype(np.int16),
        "roots": roots.astype(np.int32),
        "nodes": np.array([len(one.feature) for one in forests], dtype=np.int64),
        "trees": np.array([len(one.roots) for one in forests], dtype=np.int64),
        "base": np.array([one.base for one in forests], dtype=np.float64),
    }


def _forests(arrays: Arrays) -> list[Forest]:
    feature, is_leaf = arrays["feature"], arrays["feature"] < 0
    threshold, right = np.zeros(len(feature), dtype=np.float32), np.zeros(len(feature), dtype=np.int32)
    threshold[~is_leaf], threshold[is_leaf], right[~is_leaf] = arrays["threshold"], arrays["leaf"], arrays["right"]
    found, node, tree = [], 0, 0
    for nodes, trees, base in zip(arrays["nodes"], arrays["trees"], arrays["base"], strict=True):
        place = np.arange(nodes, dtype=np.int32)
        here = slice(node, node + int(nodes))
        found.append(
            Forest(
                feature=feature[here],
                threshold=threshold[here],
                left=np.where(is_leaf[here], 0, place + 1).astype(np.int32),
                right=np.where(is_leaf[here], 0, place + right[here]).astype(np.int32),
                roots=arrays["roots"][tree : tree + int(trees)],
                base=float(base),
            )
        )
        node, tree = node + int(nodes), tree + int(trees)
    return found


def _below(arrays: Arrays, which: str) -> dict[str, np.ndarray]:
    return {key.partition(".")[2]: value for key, value in arrays.items() if key.startswith(f"{which}.")}


def _path(family: Family, folder: Path) -> Path:
    return folder / f"stacks_{family.name}.npz"


def _factors_path(family: Family, folder: Path) -> Path:
    return folder / f"stacks_{family.name}.parquet"
