"""From the neighbourhood of z to its last digits.

The waveform depends strongly on some directions of z and weakly on others: the singular values of
the Jacobian J span three orders of magnitude and more. Plain L-BFGS is slow along the weak
directions. The steps of Levenberg-Marquardt (Levenberg, 1944; Marquardt, 1963) are not, but each
needs a Jacobian and is valid to the next kink of a ReLU only. The two are therefore combined: L-BFGS
runs in coordinates in which the Gauss-Newton matrix J'J is the identity. New coordinates are
computed every `ITERATIONS` iterations. docs/experiments/refinement-optimisers.md has the figures behind the constants.
"""

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.inversion.budget import UNLIMITED, Budget
from tf_wavegan_inv.inversion.jacobian import audio_and_jacobian
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.losses import range_penalty, squared_error

ITERATIONS = 80  # of L-BFGS between two Jacobians, at most
CYCLES = 30  # Jacobians, at most
STAGES = (  # a clip starts at the first and moves to the next if it gains little
    # weight of the distance of z from [-1, 1], where most wrong minima lie; damping: share of the
    # mean eigenvalue of J'J that is added to each
    (0.01, 3e-3),
    (0.0, 1e-4),
    (0.0, 3e-6),
)
GAINED = 0.8  # share of its error above which a clip has gained little
FLOOR = 1e-12  # relative squared error, about the precision of float32
JACOBIAN_BYTES = 2**29  # approximate limit for the tangents of one chunk of clips


class GaussNewton:
    """Solves gain * G(z) = audio from a start nearby; compiled once.

    Positions are [clips, latent_dim + 1]: z and the logarithm of the gain, which counts where
    `free` is 1.

    Args:
        generator: keras.Model. z [batch, latent_dim] -> audio [batch, samples, channels].
    """

    def __init__(self, generator: keras.Model):
        self.generator = generator
        _, latent_dim = generator.input_shape
        _, samples, channels = generator.output_shape
        widest = max(channels, _width(generator) // 2)
        self.chunk = max(1, JACOBIAN_BYTES // (8 * latent_dim * samples * widest))
        floats = tf.TensorSpec([None], tf.float32)
        audio = tf.TensorSpec([None, samples, channels], tf.float32)
        target = {"audio": audio, "power": floats, "free": floats}
        positions = tf.TensorSpec([None, latent_dim + 1], tf.float32)
        self._error = tf.function(lambda p, t: relative_error(generator, p, t), input_signature=[positions, target])
        self._matrix = tf.function(self._normal_matrix, input_signature=[positions, floats])
        self.lbfgs = LBFGS(self._objective, tolerance=0)

    def __call__(
        self, position: np.ndarray, target: dict[str, np.ndarray], *, budget: Budget = UNLIMITED
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Refine positions.

        Args:
            position: float32 [clips, latent_dim + 1].
            target: dict of numpy arrays as `relative_error` takes it.
            budget: `Budget`. Its iterations are those between two Jacobians; no cycle starts when
                its time is over. Default: no limit.

        Returns:
            position, error (relative squared, float [clips]) and iterations (int [clips]).
        """
        position, count = position.copy(), len(position)
        error, steps = self.error(position, target), np.zeros(count, int)
        stage, going = np.zeros(count, int), np.arange(count)
        for _ in range(CYCLES):
            unfinished = np.isfinite(error) & (error > FLOOR) & (stage < len(STAGES))
            going = going[unfinished[going]]
            if not len(going) or budget.over:
                break
            part = {name: value[going] for name, value in target.items()}
            settings = np.array(STAGES, np.float32)[stage[going]]
            position[going], iterations = self._cycle(position[going], part, scale=1 / error[going], settings=settings, budget=budget)
            steps[going] += iterations
            reached = self.error(position[going], part)
            stage[going] += ~(reached < GAINED * error[going])
            error[going] = reached
        return position, error, steps

    def error(self, position: np.ndarray, target: dict[str, np.ndarray]) -> np.ndarray:
        """Relative squared error, float [clips]."""
        return self._error(position, target).numpy().astype(float)

    def normal_matrix(self, position: np.ndarray, free: np.ndarray) -> np.ndarray:
        """J'J of gain * G(z) by position: float64 [clips, latent_dim + 1, latent_dim + 1].

        The identity if it is not finite: otherwise one clip would end the search of all.
        """
        parts = np.array_split(np.arange(len(position)), -(-len(position) // self.chunk))
        matrices = [self._matrix(position[part], free[part]).numpy() for part in parts]
        matrix = np.concatenate(matrices).astype(float)
        matrix[~np.isfinite(matrix).all(axis=(1, 2))] = np.eye(position.shape[1])
        return matrix

    def _cycle(self, origin, target, *, scale, settings, budget):
        """L-BFGS in the coordinates of one Jacobian: new positions, and iterations [clips]."""
        bound, damping = settings.T
        around = target | {"origin": origin, "bound": bound}
        around |= {"basis": self._basis(around, damping, scale), "scale": scale.astype(np.float32)}
        found = self.lbfgs.minimise(np.zeros_like(origin), around, budget=budget.at_most(ITERATIONS))
        moved = np.einsum("bij,bj->bi", around["basis"], found.position)
        return origin + moved, found.iterations

    def _basis(self, around, damping, scale):
        """Columns along which `_objective` has a curvature of about 1: float32 [clips, n, n]."""
        origin, power = around["origin"], around["power"].astype(float)
        matrix, size = self.normal_matrix(origin, around["free"]), origin.shape[1]
        outside = (np.abs(origin) > 1) & (np.arange(size) < size - 1)
        curvature = (around["bound"] * power / (size - 1))[:, None, None]
        matrix += curvature * outside[:, None, :] * np.eye(size)
        values, vectors = np.linalg.eigh(matrix)
        values = np.maximum(values, 0) + damping[:, None] * values.mean(axis=1, keepdims=True)
        lengths = np.sqrt(power / (2 * scale))[:, None, None]
        return (vectors * lengths / np.sqrt(values + 1e-12)[:, None, :]).astype(np.float32)

    def _normal_matrix(self, position, free):
        """J'J of gain * G(z) by z and the logarithm of the gain: [clips, n, n]."""
        gain = tf.exp(free * position[:, -1])[:, None]
        audio, jacobian = audio_and_jacobian(self.generator, position[:, :-1])
        by_gain = (free[:, None] * gain * audio)[:, None]
        jacobian = tf.concat([gain[..., None] * jacobian, by_gain], axis=1)
        return tf.matmul(jacobian, jacobian, transpose_b=True)

    def _objective(self, moved, around):
        """Objective of coordinates `moved` [clips, n], 1 at their origin: [clips]."""
        position = around["origin"] + tf.einsum("bij,bj->bi", around["basis"], moved)
        error = relative_error(self.generator, position, around)
        return around["scale"] * (error + around["bound"] * range_penalty(position[:, :-1]))


def relative_error(generator: keras.Model, position: tf.Tensor, target: dict[str, tf.Tensor]) -> tf.Tensor:
    """Squared error of gain * G(z), divided by the clip's power: [clips].

    Args:
        generator: keras.Model. z [batch, latent_dim] -> audio [batch, samples, channels].
        position: float32 [clips, latent_dim + 1]. z and the logarithm of the gain.
        target: dict. "audio" [clips, samples, channels]; "power" [clips], its sum of squares;
            "free" [clips], 1 where the gain counts, 0 where it is 1.
    """
    gain = tf.exp(target["free"] * position[:, -1])
    audio = gain[:, None, None] * generator(position[:, :-1], training=False)
    return squared_error(target["audio"], audio) / target["power"]


def _width(generator: keras.Model) -> int:
    """Channels of the widest activation at full rate, about."""
    config = getattr(generator, "config", None)
    return getattr(config, "dim", 64)
