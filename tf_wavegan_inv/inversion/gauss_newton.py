"""From the neighbourhood of z to its last digits.

The waveform says little of some directions of z, much of others: the Jacobian J's singular values span three orders of magnitude and more.
Plain L-BFGS crawls along the weak ones, and the steps of Levenberg-Marquardt (Levenberg, 1944; Marquardt, 1963), which know them, break at
the next kink of a ReLU, each at the price of a Jacobian. So both together: L-BFGS in coordinates in which the Gauss-Newton matrix JᵀJ
is the identity, which are made anew every `CYCLE` iterations. docs/inversion.md has the figures behind the constants.
"""

import time

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.inversion.jacobian import audio_and_jacobian
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.losses import range_penalty, squared_error

CYCLE, CYCLES = 80, 30  # iterations between two Jacobians, and Jacobians, at most
STAGES = (  # weight of the distance of z from [-1, 1], where most wrong minima lie; share of the mean eigenvalue of JᵀJ added to each
    (0.01, 3e-3),
    (0.0, 1e-4),
    (0.0, 3e-6),
)
GAINED = 0.8  # a clip whose error stays above this share of what it was goes on to the next stage
FLOOR = 1e-12  # relative squared error, about where float32 ends
JACOBIAN_BYTES = 2**29  # about what the tangents of one chunk of clips may take


class Polish:
    """Solves gain * G(z) = audio from a start nearby; compiled once.

    Positions are [clips, latent_dim + 1]: z and the logarithm of the gain, which counts where `free` is 1.

    Args:
        generator: keras.Model, z [batch, latent_dim] -> audio [batch, samples, channels].
    """

    def __init__(self, generator):
        self.generator = generator
        _, latent_dim = generator.input_shape
        _, samples, channels = generator.output_shape
        self.chunk = max(1, JACOBIAN_BYTES // (8 * latent_dim * samples * max(channels, _width(generator) // 2)))
        floats = tf.TensorSpec([None], tf.float32)
        target = {"audio": tf.TensorSpec([None, samples, channels], tf.float32), "power": floats, "free": floats}
        positions = tf.TensorSpec([None, latent_dim + 1], tf.float32)
        self._error = tf.function(lambda p, t: relative_error(generator, p, t), input_signature=[positions, target])
        self._gauss_newton = tf.function(self._matrix, input_signature=[positions, floats])
        self.lbfgs = LBFGS(self._objective, tolerance=0)

    def __call__(self, position, target, limit=None, deadline=float("inf")):
        """Improve positions.

        Args:
            position: float32 [clips, latent_dim + 1].
            target: dict of numpy arrays as `relative_error` takes it.
            limit: of the iterations between two Jacobians; None for `CYCLE`.
            deadline: of `time.monotonic`, after which no cycle is begun.

        Returns:
            position, error (relative squared, float [clips]) and iterations (int [clips]) reached.
        """
        position, count = position.copy(), len(position)
        error, steps = self.error(position, target), np.zeros(count, int)
        stage, going = np.zeros(count, int), np.arange(count)
        length = min(CYCLE, limit or CYCLE)
        for _ in range(CYCLES):
            going = going[np.isfinite(error[going]) & (error[going] > FLOOR) & (stage[going] < len(STAGES))]
            if not len(going) or time.monotonic() > deadline:
                break
            origin, scale = position[going], 1 / error[going]
            bound, damping = np.array(STAGES, np.float32)[stage[going]].T
            around = {name: value[going] for name, value in target.items()} | {"origin": origin, "bound": bound}
            around |= {"basis": self._basis(around, damping, scale), "scale": scale.astype(np.float32)}
            found = self.lbfgs.minimise(np.zeros_like(origin), around, length, seconds=deadline - time.monotonic())
            position[going] = origin + np.einsum("bij,bj->bi", around["basis"], found.position)
            steps[going] += found.iterations
            reached = self.error(position[going], {name: around[name] for name in target})
            stage[going] += ~(reached < GAINED * error[going])
            error[going] = reached
        return position, error, steps

    def error(self, position, target):
        """Relative squared error, float [clips]."""
        return self._error(position, target).numpy().astype(float)

    def gauss_newton(self, position, free):
        """Jᵀ J of gain * G(z) by position: float64 [clips, latent_dim + 1, latent_dim + 1], the identity where it is not finite."""
        parts = np.array_split(np.arange(len(position)), -(-len(position) // self.chunk))
        matrix = np.concatenate([self._gauss_newton(position[p], free[p]).numpy() for p in parts]).astype(float)
        matrix[~np.isfinite(matrix).all(axis=(1, 2))] = np.eye(position.shape[1])  # else one clip ends all
        return matrix

    def _basis(self, around, damping, scale):
        """Columns along which `_objective` has curvature 1, about: float32 [clips, n, n]."""
        origin, power = around["origin"], around["power"].astype(float)
        matrix, size = self.gauss_newton(origin, around["free"]), origin.shape[1]
        outside = (np.abs(origin) > 1) & (np.arange(size) < size - 1)
        matrix += (around["bound"] * power / (size - 1))[:, None, None] * outside[:, None, :] * np.eye(size)
        values, vectors = np.linalg.eigh(matrix)
        values = np.maximum(values, 0) + damping[:, None] * values.mean(axis=1, keepdims=True) + 1e-12
        return (vectors * np.sqrt(power / (2 * scale))[:, None, None] / np.sqrt(values)[:, None, :]).astype(np.float32)

    def _matrix(self, position, free):
        """Jᵀ J of gain * G(z) by z and the logarithm of the gain: [clips, n, n]."""
        gain = tf.exp(free * position[:, -1])[:, None]
        audio, jacobian = audio_and_jacobian(self.generator, position[:, :-1])
        jacobian = tf.concat([gain[..., None] * jacobian, (free[:, None] * gain * audio)[:, None]], axis=1)
        return tf.matmul(jacobian, jacobian, transpose_b=True)

    def _objective(self, moved, around):
        """Of coordinates moved [clips, n], 1 at their origin: [clips]."""
        position = around["origin"] + tf.einsum("bij,bj->bi", around["basis"], moved)
        error = relative_error(self.generator, position, around)
        return around["scale"] * (error + around["bound"] * range_penalty(position[:, :-1]))


def relative_error(generator, position, target):
    """Squared error of gain * G(z), divided by the clip's power: [clips].

    Args:
        generator: as `Polish` takes it.
        position: [clips, latent_dim + 1], z and the logarithm of the gain.
        target: dict: audio [clips, samples, channels], power [clips], its sum of squares, and free [clips], 0 where the gain is 1.
    """
    gain = tf.exp(target["free"] * position[:, -1])
    audio = gain[:, None, None] * generator(position[:, :-1], training=False)
    return squared_error(target["audio"], audio) / target["power"]


def _width(generator):
    """Channels of the widest activation at full rate, about."""
    config = getattr(generator, "config", None)
    return getattr(config, "dim", 64)
