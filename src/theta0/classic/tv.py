"""Total-variation regularized reconstruction (Sidky & Pan 2008) by a primal-dual method.

    P(x) = |A x - y|^2 / 2m + weight sum_j |(grad x)_j| h,  0 <= x <= 1

with `m` rays, isotropic forward differences, and `h` the side of a pixel, so that the second term
is the integral of the gradient's length over the unit square: a weight keeps its meaning from one
size to another.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import sparse

from theta0.errors import require_positive

from ._scan import Scan
from ._system import system_matrix


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the minimization ended."""

    image: Float[np.ndarray, "side side"]
    """on the fine pixels"""
    objective: float
    """P of the image"""
    gap: float
    """how far above the minimum the objective can be: P less a dual value"""
    iterations: int


@dataclass(frozen=True)
class TV:
    """The minimizer of P; any beam of straight rays.

    Chambolle & Pock 2011, algorithm 1, with the diagonal step sizes of Pock & Chambolle 2011
    (alpha = 1) and over-relaxation (Condat 2013). It stops by the duality gap.
    """

    weight: float = 5e-6
    """of the total variation, in value x side"""
    fineness: int = 1
    """pixels per side that a pixel of the slice is reconstructed by, and then seen at its centre"""
    tolerance: float = 2e-3
    """largest gap, as a part of the objective"""
    iterations: int = 2000
    """at most"""
    step: float = 1.0
    """dual step sizes, as a factor on what was found best"""

    def __post_init__(self):
        require_positive(self, "weight", "fineness", "tolerance", "iterations", "step")

    def __call__(self, scan: Scan) -> Float[np.ndarray, "size size"]:
        """Reconstruct."""
        fine, low, high = self.fineness, (self.fineness - 1) // 2, self.fineness // 2 + 1
        blocks = self.solve(scan).image.reshape(scan.size, fine, scan.size, fine)
        # The value at the block's centre: its middle pixel, or the mean of the middle four.
        return blocks[:, low:high, :, low:high].mean(axis=(1, 3))

    def solve(self, scan: Scan) -> Solution:
        """Minimize on the fine pixels."""
        side = scan.size * self.fineness
        problem = _Problem(
            system_matrix(scan.start, scan.end, side),
            scan.integrals.ravel().astype(np.float64),
            self.weight / side,
            side,
        )
        # Data duals are about the size of the weight, gradient duals at most weight x h; found
        # best over weights from 1e-7 to 1e-4 and 1 to 64 views.
        return self._primal_dual(problem, 5 * self.step * self.weight, 10 * self.step * problem.cap)

    def _primal_dual(self, problem: "_Problem", data: float, gradient: float) -> Solution:
        """Iterate from black, with these scales of the two dual step sizes."""
        matrix, y, m = problem.matrix, problem.y, len(problem.y)
        sigma = data / np.maximum(matrix.sum(axis=1), 1e-9)
        # A pixel takes part in at most four differences of weight 1, a difference in two pixels.
        tau = 1 / (data * matrix.sum(axis=0) + 4 * gradient)
        side = problem.side
        x, p, q = np.zeros(side**2), np.zeros(m), np.zeros((2, side, side))
        for iteration in range(1, self.iterations + 1):
            new_x = np.clip(x - tau * problem.adjoint(p, q), 0, 1)
            ahead = 2 * new_x - x
            new_p = (p + sigma * (matrix @ ahead - y)) / (1 + sigma * m)
            new_q = q + gradient / 2 * problem.differences(ahead)
            new_q /= np.maximum(1, np.hypot(*new_q) / problem.cap)
            if iteration % 25 == 0 or iteration == self.iterations:
                objective = problem.primal(new_x)
                gap = objective - problem.dual(new_p, new_q)
                if gap <= self.tolerance * objective or iteration == self.iterations:
                    return Solution(new_x.reshape(side, side), objective, gap, iteration)
            for value, new in ((x, new_x), (p, new_p), (q, new_q)):
                value += _RELAXATION * (new - value)
        raise AssertionError("the last iteration returns")


_RELAXATION = 1.8


@dataclass(frozen=True, eq=False)
class _Problem:
    """``min |A x - y|^2 / 2m + cap sum_j |(D x)_j|`` over the box, and its dual."""

    matrix: sparse.csr_array
    y: Float[np.ndarray, " m"]
    cap: float
    """weight x h: how long a dual vector of the differences can be"""
    side: int

    def differences(self, x: Float[np.ndarray, " pixels"]) -> Float[np.ndarray, "2 side side"]:
        """``D x``: to the next row and column; 0 at the last."""
        image = x.reshape(self.side, self.side)
        result = np.zeros((2, self.side, self.side))
        np.subtract(image[1:], image[:-1], out=result[0, :-1])
        np.subtract(image[:, 1:], image[:, :-1], out=result[1, :, :-1])
        return result

    def adjoint(
        self, p: Float[np.ndarray, " m"], q: Float[np.ndarray, "2 side side"]
    ) -> Float[np.ndarray, " pixels"]:
        """``A^T p + D^T q``."""
        result = (self.matrix.T @ p).reshape(self.side, self.side)
        result[:-1] -= q[0, :-1]
        result[1:] += q[0, :-1]
        result[:, :-1] -= q[1, :, :-1]
        result[:, 1:] += q[1, :, :-1]
        return result.ravel()

    def primal(self, x: Float[np.ndarray, " pixels"]) -> float:
        residual = self.matrix @ x - self.y
        variation = np.hypot(*self.differences(x)).sum()
        return float(residual @ residual / (2 * len(self.y)) + self.cap * variation)

    def dual(self, p: Float[np.ndarray, " m"], q: Float[np.ndarray, "2 side side"]) -> float:
        """``-m |p|^2 / 2 - p.y - sum_j max(-(K^T (p, q))_j, 0)``, at most the least primal value.

        The last term is the conjugate of the box; it makes every p feasible, and q is by its cap.
        """
        box = np.minimum(self.adjoint(p, q), 0).sum()
        return float(box - len(self.y) / 2 * (p @ p) - p @ self.y)
