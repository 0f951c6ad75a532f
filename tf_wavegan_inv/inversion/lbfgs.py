"""Batched L-BFGS in chunks, with this package's line search or tensorflow-probability's.

Members leave the batch when they end. With this package's line search, a member whose search breaks
down restarts at its best position.
"""

import dataclasses
import typing

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.inversion.budget import Budget
from tf_wavegan_inv.inversion.line_search import (
    State,
    advance_apart,
    advance_library,
    begin,
    begin_library,
    join,
    specification,
    take,
)

Objective = typing.Callable[[tf.Tensor, typing.Any], tf.Tensor]
Progress = typing.Callable[[int, int], None]

CHUNK = 10  # evaluations between two looks at the batch, or iterations of "hager_zhang"
PROGRESS = 1e-4  # share of its value that a member must gain over a window
WINDOW = 3  # chunks; a member that gains less has stalled


@dataclasses.dataclass(frozen=True)
class Waypoint:
    """The best positions after some chunks.

    Attributes:
        position: float32 [batch, n].
        value: float32 [batch].
        iterations: int32 [batch].
    """

    position: np.ndarray
    value: np.ndarray
    iterations: np.ndarray


@dataclasses.dataclass(frozen=True)
class Minimum:
    """Where a minimisation ended, one entry a member of the batch.

    Attributes:
        position: float32 [batch, n]. Best position seen; always finite where the start was.
        value: float32 [batch]. Objective there.
        iterations: int32 [batch]. Iterations until the member stopped; of "hager_zhang" rounded up
            to whole chunks.
        evaluations: int32 [batch]. Evaluations of the objective and its gradient.
        status: list of str. "converged" (gradient below the tolerance), "stalled" (gained less than
            a ten-thousandth in some chunks), "max_iterations" or "time_limit".
        trajectory: list of `Waypoint`. The start first; empty unless requested.
    """

    position: np.ndarray
    value: np.ndarray
    iterations: np.ndarray
    evaluations: np.ndarray
    status: list[str]
    trajectory: list[Waypoint]


class LBFGS:
    """A compiled minimiser of one objective.

    Everything that differs between batches is an argument, so one trace serves all.

    Args:
        objective: function of (position [batch, n], target) -> value [batch], in TensorFlow;
            target: tensors, batch first.
        tolerance: float. Largest gradient component at which a member has converged. Default 1e-7.
        line_search: str. "weak_wolfe", each member at its own pace, or "hager_zhang",
            `tfp.optimizer.lbfgs_minimize` as it is (`inversion.line_search`). Default "weak_wolfe".
    """

    def __init__(self, objective: Objective, *, tolerance: float = 1e-7, line_search: str = "weak_wolfe"):
        self.objective = objective
        self.tolerance = tolerance
        self.line_search = line_search
        self._value: typing.Any = None  # compiled when first needed
        self._begin: typing.Any = None
        self._advance: typing.Any = None

    @property
    def restarts(self) -> bool:
        """Whether a member whose line search broke down restarts at its best position."""
        return self.line_search != "hager_zhang"

    def value(self, position: np.ndarray, target: typing.Any) -> np.ndarray:
        """Objective [batch] at position [batch, n]; the search is not compiled for it."""
        if self._value is None:
            self._value = tf.function(self.objective, input_signature=_signature(position, target))
        return self._value(tf.convert_to_tensor(position, tf.float32), target).numpy()

    def minimise(
        self,
        start: np.ndarray,
        target: typing.Any,
        *,
        budget: Budget,
        progress: Progress | None = None,
        trajectory: bool = False,
    ) -> Minimum:
        """Minimise from `start`.

        Args:
            start: float32 [batch, n]. Positions to start from.
            target: tensors, batch first. Second argument of the objective.
            budget: `Budget`. Its iterations must be a number. The chunk during which the time ends is
                the last one.
            progress: function of (iterations done, iterations) or None. Called after each chunk.
                Default None.
            trajectory: bool. Whether to keep a `Waypoint` after each chunk. Default False.

        Returns:
            Minimum.
        """
        iterations = budget.iterations
        if iterations is None:
            raise ValueError("budget.iterations must be a number, received None.")
        going, point = np.arange(len(start)), np.asarray(start, np.float32)
        self._compile(point, target)
        target = tf.nest.map_structure(tf.convert_to_tensor, target)
        ledger = _Ledger(point, iterations)
        state, part = self._begin(tf.convert_to_tensor(point), target), target
        while True:
            ledger.update(going, state, trajectory)
            left, failed = ledger.unfinished(going, state, self.restarts)
            if left.any() and budget.over:
                ledger.status[going[left]] = "time_limit"
                left[:] = False
            if progress:
                progress(ledger.done(going[left]), iterations)
            if not left.any():
                return ledger.minimum()
            if not left.all():
                going, state = going[left], take(state, np.flatnonzero(left))
                part = gather(target, going)
            if failed[left].any():
                going, state, part = self._restart(going, state, failed[left], ledger=ledger, target=target)
            state = self._advance(state, part, *ledger.limits(going))

    def _restart(self, going, state, chosen, *, ledger, target):
        """Restart chosen members at their best positions, with an empty history.

        Returns:
            going, state and target, in which the chosen members are the last.
        """
        others, members = np.flatnonzero(~chosen), np.flatnonzero(chosen)
        before, restarted = take(state, members), going[members]
        begun = self._begin(tf.convert_to_tensor(ledger.position[restarted]), gather(target, restarted))
        evaluations = before.evaluations + begun.evaluations
        begun = begun._replace(iterations=before.iterations, evaluations=evaluations)
        going = np.concatenate([going[others], restarted])
        return going, join(take(state, others), begun), gather(target, going)

    def _compile(self, position, target):
        if self._begin:
            return
        points, targets = _signature(position, target)
        number = tf.TensorSpec([], tf.int32)

        # called in several places, by the library in eight: traced once
        @tf.function(input_signature=[points, targets], experimental_attributes={"_noinline": True})
        def value_and_gradient(position, target):
            with tf.GradientTape() as tape:
                tape.watch(position)
                value = self.objective(position, target)
            return value, tape.gradient(value, position)

        def advance(state, target, iterations, limit):
            function = lambda position: value_and_gradient(position, target)  # noqa: E731
            if self.line_search == "hager_zhang":
                return advance_library(function, state, iterations=iterations, tolerance=self.tolerance)
            return advance_apart(function, state, evaluations=iterations, limit=limit, tolerance=self.tolerance)

        first = begin_library if self.line_search == "hager_zhang" else begin
        self._begin = tf.function(
            lambda p, t: first(lambda q: value_and_gradient(q, t), p, tolerance=self.tolerance), input_signature=[points, targets]
        )
        states = specification(self._begin.get_concrete_function().structured_outputs)
        self._advance = tf.function(advance, input_signature=[states, targets, number, number])


class _Ledger:
    """The results of all members, including those that have left the batch."""

    def __init__(self, start: np.ndarray, max_iterations: int):
        count = len(start)
        self.max_iterations = max_iterations
        self.position = start.copy()
        self.value = np.full(count, np.inf, np.float32)
        self.iterations = np.zeros(count, np.int32)
        self.evaluations = np.zeros(count, np.int32)
        self.status = np.full(count, "max_iterations", dtype=object)
        self.before_failure = np.full(count, np.inf, np.float32)
        self.values: list[np.ndarray] = []
        self.trajectory: list[Waypoint] = []

    def update(self, going: np.ndarray, state: State, trajectory: bool) -> None:
        """Record the state of the members `going`."""
        reached = state.results.objective_value.numpy()
        position = state.results.position.numpy()
        finite = np.isfinite(reached) & np.isfinite(position).all(axis=1)
        better = finite & (reached < self.value[going])
        self.position[going[better]] = position[better]
        self.value[going[better]] = reached[better]
        self.iterations[going] = state.iterations.numpy()
        self.evaluations[going] = state.evaluations.numpy()
        self.values = [*self.values[-WINDOW:], self.value.copy()]
        if trajectory:
            waypoint = Waypoint(self.position.copy(), self.value.copy(), self.iterations.copy())
            self.trajectory.append(waypoint)

    def unfinished(self, going: np.ndarray, state: State, restarts: bool):
        """Of the members `going`: which are not finished, and whose line searches broke down."""
        value, failed = self.value[going], state.results.failed.numpy()
        again = failed & _progressed(self.before_failure[going], value) & restarts
        stalled = (failed & ~again) | ~np.isfinite(value)
        if len(self.values) > WINDOW:
            stalled |= ~_progressed(self.values[0][going], value)
        self.before_failure[going[again]] = value[again]
        self.status[going[stalled]] = "stalled"
        self.status[going[state.results.converged.numpy()]] = "converged"
        open_ended = self.status[going] == "max_iterations"
        return open_ended & (self.iterations[going] < self.max_iterations), failed

    def done(self, left: np.ndarray) -> int:
        """Iterations done by the slowest of the members left; the maximum if none is left."""
        return int(self.iterations[left].min()) if len(left) else self.max_iterations

    def limits(self, going: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
        """Iterations of the next chunk, and the number at which a member ends."""
        left = self.max_iterations - int(self.iterations[going].min())
        return tf.constant(min(CHUNK, left)), tf.constant(self.max_iterations)

    def minimum(self) -> Minimum:
        """The results as `Minimum`."""
        found = self.position, self.value, self.iterations, self.evaluations
        return Minimum(*found, status=list(self.status), trajectory=self.trajectory)


def _signature(position, target):
    """Specifications of position [any batch, n] and target."""

    def any_batch(tensor):
        return tf.TensorSpec([None, *tensor.shape[1:]], tf.as_dtype(tensor.dtype))

    points = tf.TensorSpec([None, position.shape[1]], tf.float32)
    return [points, tf.nest.map_structure(any_batch, target)]


def _progressed(before, now):
    gained = before - PROGRESS * np.abs(np.nan_to_num(now, posinf=0))
    return now < np.where(np.isfinite(now), gained, 0)


def gather(target: typing.Any, members: np.ndarray) -> typing.Any:
    """The targets of some members: tensors, batch first."""
    return tf.nest.map_structure(lambda t: tf.gather(t, members), target)
