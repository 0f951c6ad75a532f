"""Batched L-BFGS in chunks, by tensorflow-probability."""

import dataclasses

import numpy as np
import tensorflow as tf

CHUNK = 10  # iterations between looks at the batch
LINE_SEARCH_STEPS = 20


@dataclasses.dataclass(frozen=True)
class Minimum:
    """Where a minimisation ended, one entry a member of the batch.

    Attributes:
        position: float32 [batch, n], the best seen; always finite where the start was.
        value: float32 [batch], the objective there.
        iterations: int32 [batch], until the member stopped, rounded up to whole chunks.
        status: list of "converged" (gradient below the tolerance), "stalled" (no descent found any more: usually the floor of float32)
            or "max_iterations".
    """

    position: np.ndarray
    value: np.ndarray
    iterations: np.ndarray
    status: list


class LBFGS:
    """A compiled minimiser of one objective; what changes from batch to batch are its arguments, so nothing is traced again.

    Args:
        objective: function of (position [batch, n], target) -> value [batch], in TensorFlow.
        tolerance: largest gradient component at which a member has converged.
    """

    def __init__(self, objective, tolerance=1e-7):
        import tensorflow_probability as tfp

        @tf.function(
            reduce_retracing=True, experimental_attributes={"_noinline": True}
        )  # tfp calls it in eight places: traced once, not eight times
        def value_and_gradient(position, target):
            with tf.GradientTape() as tape:
                tape.watch(position)
                value = objective(position, target)
            return value, tape.gradient(value, position)

        def minimise(position, target, limit, previous):
            return tfp.optimizer.lbfgs_minimize(
                lambda p: value_and_gradient(p, target),
                initial_position=position,
                previous_optimizer_results=previous,
                max_iterations=limit,
                num_correction_pairs=10,
                tolerance=tolerance,
                x_tolerance=0,
                f_relative_tolerance=0,
                max_line_search_iterations=LINE_SEARCH_STEPS,
            )

        self.value = tf.function(objective, reduce_retracing=True)
        self._begin = tf.function(lambda position, target, limit: minimise(position, target, limit, None), reduce_retracing=True)
        self._go_on = tf.function(lambda previous, target, limit: minimise(None, target, limit, previous), reduce_retracing=True)

    def minimise(self, start, target, max_iterations, progress=None):
        """Minimise from `start`.

        Args:
            start: float32 [batch, n].
            target: what the objective takes, batch first.
            max_iterations: at most.
            progress: called with (iterations done, max_iterations) after each chunk.

        Returns:
            Minimum.
        """
        start = tf.convert_to_tensor(start, tf.float32)
        position, value = start.numpy(), self.value(start, target).numpy()
        iterations = np.zeros(len(position), np.int32)
        status = np.full(len(position), "max_iterations", dtype=object)
        done, results = 0, None
        while done < max_iterations and np.any(status == "max_iterations"):
            limit = tf.constant(min(done + CHUNK, max_iterations))
            results = self._begin(start, target, limit) if results is None else self._go_on(results, target, limit)
            going = status == "max_iterations"
            done = int(limit)
            iterations[going] = done
            reached = results.objective_value.numpy()
            better = np.isfinite(reached) & (reached < value) & np.isfinite(results.position.numpy()).all(axis=1)
            position[better], value[better] = results.position.numpy()[better], reached[better]
            status[going & results.failed.numpy()] = "stalled"
            status[going & results.converged.numpy()] = "converged"
            if progress:
                progress(done if np.any(status == "max_iterations") else max_iterations, max_iterations)
        return Minimum(position, value, iterations, list(status))
