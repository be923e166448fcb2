"""Which of its kernels a serving stack runs: learned from what each stack ran on measured shapes and chips."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float
from sklearn.tree import DecisionTreeClassifier

from hwmodel.silicon.forest import Forest, rounded_down

DEPTH = 6
LEAST_LEAF_ROWS = 5
MOST_ROWS = 20_000
"""Rows of each backend and format that a choice is learned on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelChoice:
    """One tree whose leaves are positions in a list of kernels."""

    kernels: tuple[str, ...]
    tree: Forest


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelChoices:
    """The kernel that a backend runs, by backend and format."""

    choices: Mapping[tuple[str, str], KernelChoice]

    def kernels(self, rows: pl.DataFrame, features: Float[np.ndarray, "rows features"]) -> list[str | None]:
        """Kernel of each row by its backend and dtype; none where that backend was not measured with it."""
        told = np.full(len(rows), None, dtype=object)
        for name, at in _by_format(rows).items():
            choice = self.choices.get(name)
            if choice is not None:
                told[at] = np.array(choice.kernels, dtype=object)[choice.tree.predict(features[at]).astype(np.int64)]
        return list(told)


def fit_kernel_choices(rows: pl.DataFrame, features: Float[np.ndarray, "rows features"]) -> KernelChoices:
    """Learn which kernel ran from rows with backend, kernel and dtype."""
    return KernelChoices(
        choices={
            name: _choice(rows["kernel"].gather(at).to_numpy(), features[at])
            for name, every in sorted(_by_format(rows).items())
            for at in [np.sort(np.random.default_rng(0).permutation(every)[:MOST_ROWS])]
        }
    )


def _choice(kernels: np.ndarray, features: Float[np.ndarray, "rows features"]) -> KernelChoice:
    names, codes = np.unique(kernels, return_inverse=True)
    fitted = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=LEAST_LEAF_ROWS, random_state=0)
    table = fitted.fit(features.astype(np.float32), codes).tree_
    is_leaf = table.children_left < 0
    # its classes are those of the codes, which are all there
    leaf = table.value[:, 0, :].argmax(axis=1).astype(np.float32)
    tree = Forest(
        feature=np.where(is_leaf, -1, table.feature).astype(np.int16),
        threshold=np.where(is_leaf, leaf, rounded_down(table.threshold)).astype(np.float32),
        left=table.children_left.astype(np.int32),
        right=table.children_right.astype(np.int32),
        roots=np.zeros(1, dtype=np.int32),
        base=0.0,
    )
    return KernelChoice(kernels=tuple(str(name) for name in names), tree=tree)


def _by_format(rows: pl.DataFrame) -> dict[tuple[str, str], np.ndarray]:
    grouped = rows.select("backend", "dtype").with_row_index("at").group_by("backend", "dtype").agg("at")
    return {(backend, dtype): np.asarray(at) for backend, dtype, at in grouped.iter_rows()}
