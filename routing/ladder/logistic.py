"""Logistic regression: Newton's steps with a ridge, in pure Python. Pure.

Some dozens of columns and a few thousand rows take a second: it is fitted by a worker, and applied in the gateway.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, sqrt

from msgspec import Struct

_STEPS = 12
_ENOUGH = 1e-6


class Fit(Struct, frozen=True):
    """Weights of columns that are brought to mean 0 and deviation 1 by `means` and `scales`."""

    intercept: float
    weights: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]

    def p(self, row: Sequence[float]) -> float:
        """The chance of true for a row of columns; a column may be at most four deviations from its mean."""
        total = self.intercept
        for value, weight, mean, scale in zip(row, self.weights, self.means, self.scales, strict=True):
            total += weight * max(-4.0, min(4.0, (value - mean) / scale))
        return _sigmoid(total)


def fitted(rows: Sequence[Sequence[float]], truths: Sequence[bool], *, ridge: float) -> Fit:
    """The fit to one row or more. `ridge` is how many rows' worth of doubt a weight must overcome."""
    n, width = len(rows), len(rows[0])
    means = [sum(row[c] for row in rows) / n for c in range(width)]
    scales = [sqrt(sum((row[c] - means[c]) ** 2 for row in rows) / n) or 1.0 for c in range(width)]
    scaled = [[1.0, *(max(-4.0, min(4.0, (row[c] - means[c]) / scales[c])) for c in range(width))] for row in rows]
    weights = [0.0] * (width + 1)
    for _ in range(_STEPS):
        step = _newton(scaled, truths, weights, ridge)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < _ENOUGH:
            break
    return Fit(weights[0], tuple(weights[1:]), tuple(means), tuple(scales))


def _newton(
    rows: Sequence[Sequence[float]], truths: Sequence[bool], weights: Sequence[float], ridge: float
) -> list[float]:
    width = len(weights)
    gradient = [0.0] + [-ridge * weight for weight in weights[1:]]
    hessian = [[0.0] * width for _ in range(width)]
    for place in range(width):
        hessian[place][place] = ridge if place else 1e-6
    for row, truth in zip(rows, truths, strict=True):
        p = _sigmoid(sum(map(float.__mul__, row, weights)))
        curve, error = p * (1 - p), truth - p
        for i, value in enumerate(row):
            gradient[i] += error * value
            if value:
                line, by = hessian[i], curve * value
                for j in range(i + 1):
                    line[j] += by * row[j]
    return _solved(hessian, gradient)


def _solved(lower: Sequence[Sequence[float]], right: Sequence[float]) -> list[float]:
    """x of A x = b by Cholesky's decomposition; of A, symmetric and positive, the lower half is given."""
    width = len(right)
    root = [[0.0] * width for _ in range(width)]
    for i in range(width):
        for j in range(i + 1):
            rest = lower[i][j] - sum(root[i][k] * root[j][k] for k in range(j))
            root[i][j] = sqrt(max(rest, 1e-12)) if i == j else rest / root[j][j]
    half: list[float] = []
    for i in range(width):
        half.append((right[i] - sum(root[i][k] * half[k] for k in range(i))) / root[i][i])
    found = [0.0] * width
    for i in reversed(range(width)):
        found[i] = (half[i] - sum(root[k][i] * found[k] for k in range(i + 1, width))) / root[i][i]
    return found


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, x))))
