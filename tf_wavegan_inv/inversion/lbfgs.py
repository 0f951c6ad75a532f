"""Batched L-BFGS in chunks, with tensorflow-probability's directions or the whole of it.

Members leave the batch as they end, and begin again where a search broke down.
"""

import dataclasses
import time

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.inversion.line_search import (
    advance_apart,
    advance_library,
    begin,
    begin_library,
    join,
    specification,
    take,
)

CHUNK = 10  # between looks at the batch: evaluations, or iterations of "hager_zhang"
PROGRESS, WINDOW = 1e-4, 3  # a member has stalled if it gained less than this share of its value over so many chunks


@dataclasses.dataclass(frozen=True)
class Minimum:
    """Where a minimisation ended, one entry a member of the batch.

    Attributes:
        position: float32 [batch, n], the best seen; always finite where the start was.
        value: float32 [batch], the objective there.
        iterations: int32 [batch], until the member stopped ("hager_zhang": rounded up to whole chunks).
        evaluations: int32 [batch], of the objective and its gradient.
        status: list of "converged" (gradient below the tolerance), "stalled" (gained less than a ten-thousandth in some chunks),
            "max_iterations" or "time_limit".
        trajectory: list of `Waypoint`, the start first; empty unless asked for.
    """

    position: np.ndarray
    value: np.ndarray
    iterations: np.ndarray
    evaluations: np.ndarray
    status: list
    trajectory: list


@dataclasses.dataclass(frozen=True)
class Waypoint:
    """The best so far after some chunks: position [batch, n], value [batch], iterations [batch]."""

    position: np.ndarray
    value: np.ndarray
    iterations: np.ndarray


class LBFGS:
    """A compiled minimiser of one objective; what changes from batch to batch are its arguments, so nothing is traced again.

    Args:
        objective: function of (position [batch, n], target) -> value [batch], in TensorFlow; target: tensors, batch first.
        tolerance: largest gradient component at which a member has converged.
        line_search: "weak_wolfe", each member at its own pace, or "hager_zhang", `tfp.optimizer.lbfgs_minimize` as it is
            (`inversion.line_search`).
    """

    def __init__(self, objective, tolerance=1e-7, line_search="weak_wolfe"):
        self.objective, self.tolerance, self.line_search = objective, tolerance, line_search
        self._value = self._begin = self._advance = None

    def value(self, position, target):
        """Objective [batch] at position [batch, n]; the search is not compiled for it."""
        if self._value is None:
            self._value = tf.function(self.objective, input_signature=_signature(position, target))
        return self._value(tf.convert_to_tensor(position, tf.float32), target).numpy()

    def minimise(self, start, target, max_iterations, progress=None, seconds=None, trajectory=False):
        """Minimise from `start`.

        Args:
            start: float32 [batch, n].
            target: what the objective takes, batch first.
            max_iterations: at most.
            progress: called with (iterations done, max_iterations) after each chunk.
            seconds: time limit; the chunk that runs when it is over is the last.
            trajectory: whether to keep the way there.

        Returns:
            Minimum.
        """
        deadline = time.monotonic() + (float("inf") if seconds is None else seconds)
        going, point = np.arange(len(start)), np.asarray(start, np.float32)
        self._compile(point, target)
        target = tf.nest.map_structure(tf.convert_to_tensor, target)
        book = _Book(point, max_iterations)
        state, part = self._begin(tf.convert_to_tensor(point), target), target
        while True:
            book.note(going, state, trajectory)
            left, failed = book.judge(going, state, restarts=self.line_search != "hager_zhang")
            if left.any() and time.monotonic() > deadline:
                book.status[going[left]] = "time_limit"
                left[:] = False
            if progress:
                progress(int(book.iterations[going[left]].min()) if left.any() else max_iterations, max_iterations)
            if not left.any():
                return book.minimum()
            if not left.all():
                going, state = going[left], take(state, np.flatnonzero(left))
                part = gather(target, going)
            if failed[left].any():
                going, state, part = self._again(going, state, failed[left], book.position[going], target)
            state = self._advance(state, part, *book.limits(going))

    def _again(self, going, state, chosen, point, target):
        """Chosen members begin again, at `point` [members, n] and with nothing remembered: going, state and target, reordered."""
        others, members = np.flatnonzero(~chosen), np.flatnonzero(chosen)
        before = take(state, members)
        begun = self._begin(tf.convert_to_tensor(point[members]), gather(target, going[members]))
        begun = begun._replace(iterations=before.iterations, evaluations=before.evaluations + begun.evaluations)
        going = np.concatenate([going[others], going[members]])
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
                return advance_library(function, state, iterations, self.tolerance)
            return advance_apart(function, state, iterations, limit, self.tolerance)

        first = begin_library if self.line_search == "hager_zhang" else begin
        self._begin = tf.function(
            lambda p, t: first(lambda q: value_and_gradient(q, t), p, self.tolerance), input_signature=[points, targets]
        )
        states = specification(self._begin.get_concrete_function().structured_outputs)
        self._advance = tf.function(advance, input_signature=[states, targets, number, number])


class _Book:
    """What is known of all members, also of those that have left the batch."""

    def __init__(self, start, max_iterations):
        count = len(start)
        self.max_iterations = max_iterations
        self.position, self.value = start.copy(), np.full(count, np.inf, np.float32)
        self.iterations, self.evaluations = np.zeros(count, np.int32), np.zeros(count, np.int32)
        self.status = np.full(count, "max_iterations", dtype=object)
        self.before_failure = np.full(count, np.inf, np.float32)
        self.values, self.trajectory = [], []

    def note(self, going, state, trajectory):
        """Take over what the members going have reached."""
        reached, position = state.results.objective_value.numpy(), state.results.position.numpy()
        better = np.isfinite(reached) & (reached < self.value[going]) & np.isfinite(position).all(axis=1)
        self.position[going[better]], self.value[going[better]] = position[better], reached[better]
        self.iterations[going], self.evaluations[going] = state.iterations.numpy(), state.evaluations.numpy()
        self.values = [*self.values[-WINDOW:], self.value.copy()]
        if trajectory:
            self.trajectory.append(Waypoint(self.position.copy(), self.value.copy(), self.iterations.copy()))

    def judge(self, going, state, restarts):
        """Which of the members going go on, and which of their searches broke down."""
        value, failed = self.value[going], state.results.failed.numpy()
        again = restarts & failed & _progressed(self.before_failure[going], value)
        stalled = (failed & ~again) | ~np.isfinite(value)
        if len(self.values) > WINDOW:
            stalled |= ~_progressed(self.values[0][going], value)
        self.before_failure[going[again]] = value[again]
        self.status[going[stalled]] = "stalled"
        self.status[going[state.results.converged.numpy()]] = "converged"
        return (self.status[going] == "max_iterations") & (self.iterations[going] < self.max_iterations), failed

    def limits(self, going):
        """Iterations of the next chunk, and the number at which a member ends."""
        left = self.max_iterations - int(self.iterations[going].min())
        return tf.constant(min(CHUNK, left)), tf.constant(self.max_iterations)

    def minimum(self):
        return Minimum(self.position, self.value, self.iterations, self.evaluations, list(self.status), self.trajectory)


def _signature(position, target):
    """Specifications of position [any batch, n] and target."""
    points = tf.TensorSpec([None, position.shape[1]], tf.float32)
    return [points, tf.nest.map_structure(lambda t: tf.TensorSpec([None, *t.shape[1:]], tf.as_dtype(t.dtype)), target)]


def _progressed(before, now):
    return now < np.where(np.isfinite(now), before - PROGRESS * np.abs(np.nan_to_num(now, posinf=0)), 0)


def gather(target, members):
    """What some members are compared with: tensors, batch first."""
    return tf.nest.map_structure(lambda t: tf.gather(t, members), target)
