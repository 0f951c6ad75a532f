"""Exact recovery: the z, to the last digits, of a clip that the generator made.

From a start, L-BFGS brings the waveform into the neighbourhood; Levenberg-Marquardt (Levenberg, 1944; Marquardt, 1963) then solves the
nonlinear least-squares problem G(z) = audio, of 100 unknowns, to the floor of float32. Where that ends in another minimum, z is shaken and
both begin again; a clip that stays far off is out of the generator's range (a real recording, say) and given up at once, unless the search
fell silent.
docs/inversion.md has the experiments behind the constants.
"""

import dataclasses
import time

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.inversion.jacobian import audio_and_jacobian
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.losses import range_penalty

EXACT = 1e-7  # relative squared error (-70 dB) below which z counts as recovered; 16-bit audio comes below, other minima hardly
FLOOR = 1e-11  # about where float32 ends
OUT_OF_RANGE = 0.4  # relative squared error after L-BFGS; clips of the generator's own come below, real ones do not
FALLEN = 0.95  # a search that ends so near 1 fell to a z of silence, where the gradient is 0: it tells nothing of the clip
FALLEN_STARTS = 3  # how often such a clip is begun, at most
SHAKEN_APPROACH, REDRAWN, SHAKES, NUDGE = 120, 0.05, 6, 0.05  # of a start near the best z so far
NORMALISED = 1e-3  # a clip whose peak is so near 1 may have been scaled to it
JACOBIAN_BYTES = 2**29  # about what the tangents of one chunk of clips may take


@dataclasses.dataclass(frozen=True)
class Recovery:
    """What was found, one entry a clip.

    Attributes:
        z: float32 [batch, latent_dim].
        gain: float32 [batch]; the clip is gain * G(z). 1 unless the clip's peak is 1, as if it had been normalised.
        error: float [batch], squared error divided by the clip's power, for clips out of range plus `range_penalty`; NaN if not tried.
        exact: bool [batch], whether the error is below `EXACT`.
        iterations: int [batch], of L-BFGS and Levenberg-Marquardt, from the start that was kept.
        starts: int [batch], how many were tried.
    """

    z: np.ndarray
    gain: np.ndarray
    error: np.ndarray
    exact: np.ndarray
    iterations: np.ndarray
    starts: np.ndarray


class ExactRecovery:
    """Recovers z for batches of clips; compiled once.

    Args:
        generator: keras.Model, z [batch, latent_dim] -> audio [batch, samples, channels].
        rounds: how often a clip is begun, at most.
        polish: iterations of Levenberg-Marquardt, at most.
    """

    def __init__(self, generator, rounds=12, polish=40):
        self.generator, self.polish, self.rounds = generator, polish, rounds
        _, self.latent_dim = generator.input_shape
        _, samples, channels = generator.output_shape
        self.lbfgs = LBFGS(self._objective)
        self.chunk = max(1, JACOBIAN_BYTES // (8 * self.latent_dim * samples * max(channels, _width(generator) // 2)))
        floats = tf.TensorSpec([None], tf.float32)
        self._step = tf.function(
            self._levenberg_marquardt,
            input_signature=[
                tf.TensorSpec([None, self.latent_dim + 1], tf.float32),
                tf.TensorSpec([None, samples * channels], tf.float32),
                floats,
                tf.TensorSpec([None], tf.float64),
            ],
        )

    def __call__(self, audio, starts_of, limit=None, seed=0, numbers=None, seconds=None):
        """Recover z.

        Args:
            audio: float32 [batch, samples, channels].
            starts_of: function of the index of clips -> z [clips, latent_dim] to begin from, and how many iterations of L-BFGS before the
                polish.
            seed: of what follows.
            numbers: int [batch], of the clips (0, 1, ... by default); what is random for a clip depends on seed and number alone.
            limit: of the iterations of L-BFGS, and of those of the polish; None for none.
            seconds: time limit; None for none.

        Returns:
            Recovery.
        """
        deadline = time.monotonic() + (float("inf") if seconds is None else seconds)
        numbers = np.arange(len(audio)) if numbers is None else numbers
        flat = audio.reshape(len(audio), -1)
        free = (np.abs(np.abs(flat).max(axis=1) - 1) < NORMALISED).astype(np.float32)
        best = Recovery(
            np.zeros((len(audio), self.latent_dim), np.float32),
            np.ones(len(audio), np.float32),
            np.full(len(audio), np.inf),
            np.zeros(len(audio), bool),
            np.zeros(len(audio), int),
            np.zeros(len(audio), int),
        )
        going = np.arange(len(audio))
        for number in range(self.rounds):
            if not len(going) or time.monotonic() > deadline:
                break
            if number == 0:
                first, whole = starts_of(going)
                starts, approach = first, whole
            else:
                fallen = best.error[going] > FALLEN
                near = np.where(fallen[:, None], first[going], best.z[going])
                starts = _shaken(near, number, [(seed, int(i), number) for i in numbers[going]])
                approach = whole if fallen.any() else SHAKEN_APPROACH
            approach = min(approach, limit) if limit else approach
            position, error, iterations = self._round(
                audio[going], flat[going], free[going], starts, approach, min(self.polish, limit or self.polish), deadline
            )
            best.starts[going] += 1
            better = error < best.error[going]
            at = going[better]
            best.z[at], best.gain[at] = position[better, :-1], np.exp(free[at] * position[better, -1])
            best.error[at], best.iterations[at] = error[better], iterations[better]
            best.exact[at] = error[better] < EXACT
            error = best.error[going]
            again = (error < OUT_OF_RANGE) | ((error > FALLEN) & (number + 1 < FALLEN_STARTS))
            going = going[~best.exact[going] & again]
        best.error[best.starts == 0] = np.nan
        return best

    def warm_up(self):
        """Compile the polish, which a clip out of range never comes to."""
        samples = int(np.prod(self.generator.output_shape[1:]))
        self._step(np.zeros((1, self.latent_dim + 1), np.float32), np.ones((1, samples), np.float32), np.zeros(1, np.float32), np.ones(1))

    def _round(self, audio, flat, free, z, approach, polish, deadline):
        """From one start a clip: position [clips, latent_dim + 1], error, iterations [clips]."""
        power = (flat.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
        target = {"audio": audio, "power": power, "free": free}
        found = self.lbfgs.minimise(
            np.concatenate([z, self._log_gain(z, target)], 1), target, approach, seconds=deadline - time.monotonic()
        )
        position, error, iterations = found.position, found.value.astype(float), found.iterations.copy()
        near = np.flatnonzero(error < OUT_OF_RANGE)
        if len(near):
            polished, reached, steps = self._polish(position[near], flat[near], power[near], free[near], polish, deadline)
            better = reached < error[near]
            position[near[better]], error[near[better]] = polished[better], reached[better]
            iterations[near] += steps
        return position, error, iterations

    def _polish(self, position, flat, power, free, limit, deadline):
        """Levenberg-Marquardt with a damping of its own for each clip; clips leave the batch as they end."""
        position, count = position.copy(), len(position)
        damping, error, steps = np.full(count, 1e-2), np.full(count, np.inf), np.zeros(count, int)
        history = [error.copy()]
        going = np.arange(count)
        for _ in range(limit):
            for part in np.array_split(going, -(-len(going) // self.chunk)):
                before, after, trial = (value.numpy() for value in self._step(position[part], flat[part], free[part], damping[part]))
                accepted = np.isfinite(after) & (after < before) & np.isfinite(trial).all(axis=1)
                position[part[accepted]] = trial[accepted]
                error[part] = np.where(accepted, after, before) / power[part]
                damping[part] = np.where(accepted, np.maximum(damping[part] / 5, 1e-9), damping[part] * 4)
                steps[part] += 1
            history.append(error.copy())
            slow = error > 0.9 * history[-9] if len(history) > 8 else np.zeros(count, bool)
            going = going[((error > FLOOR) & (damping < 1e6) & ~slow)[going]]
            if not len(going) or time.monotonic() > deadline:
                break
        return position, error, steps

    def _objective(self, position, target):
        """Squared error divided by power, and the distance of z from its range: [batch]."""
        z, gain = position[:, :-1], tf.exp(target["free"] * position[:, -1])
        audio = gain[:, None, None] * self.generator(z, training=False)
        return tf.reduce_sum((audio - target["audio"]) ** 2, axis=(1, 2)) / target["power"] + range_penalty(z)

    def _log_gain(self, z, target):
        """The logarithm of the gain that gives the start the clip's power: [batch, 1]."""
        audio = self.generator.predict_on_batch(z)
        power = (audio.astype(np.float64) ** 2).sum(axis=(1, 2))
        return (0.5 * np.log(np.asarray(target["power"]) / (power + 1e-9)) * np.asarray(target["free"]))[:, None].astype(np.float32)

    def _levenberg_marquardt(self, position, target, free, damping):
        """One step: squared error before, after, and the new position."""
        z, gain = position[:, :-1], tf.exp(free * position[:, -1])[:, None]
        audio, jacobian = audio_and_jacobian(self.generator, z)
        residual = gain * audio - target
        jacobian = tf.concat([gain[..., None] * jacobian, (free[:, None] * gain * audio)[:, None]], axis=1)
        normal = tf.cast(tf.matmul(jacobian, jacobian, transpose_b=True), tf.float64)
        slope = tf.cast(tf.einsum("bln,bn->bl", jacobian, residual), tf.float64)
        sane = tf.reduce_all(tf.math.is_finite(normal), axis=(1, 2)) & tf.reduce_all(tf.math.is_finite(slope), axis=1)
        normal = tf.where(sane[:, None, None], normal, tf.eye(self.latent_dim + 1, dtype=tf.float64))  # else one clip ends all
        slope = tf.where(sane[:, None], slope, 0)
        scale = tf.reduce_mean(tf.linalg.diag_part(normal), axis=1)
        damped = tf.linalg.set_diag(normal, tf.linalg.diag_part(normal) + (damping * scale + 1e-12)[:, None])
        trial = position - tf.cast(tf.linalg.solve(damped, slope[..., None])[..., 0], tf.float32)
        after = tf.exp(free * trial[:, -1])[:, None] * tf.reshape(self.generator(trial[:, :-1], training=False), tf.shape(target))
        reached = tf.where(sane, tf.reduce_sum((after - target) ** 2, axis=1), float("nan"))
        return tf.reduce_sum(residual**2, axis=1), reached, trial


def _shaken(z, number, seeds):
    """Latents near z [clips, latent_dim]: numbers outside [-1, 1], and a few others, drawn anew (stochastic clipping: Lipton & Tripathi,
    "Precise Recovery of Latent Vectors from Generative Adversarial Networks", 2017), the rest moved a little; `seeds` one a clip.

    The more often that did not help (`number`), the more are drawn anew: from some minima small moves lead back. Then few again.
    """
    share = REDRAWN * (1 + (number - 1) % SHAKES)
    shaken = np.empty_like(z)
    for i, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        anew = (np.abs(z[i]) > 1) | (rng.uniform(size=z.shape[1]) < share)
        shaken[i] = np.where(anew, rng.uniform(-1, 1, z.shape[1]), z[i] + NUDGE * rng.normal(size=z.shape[1]))
    return shaken


def _width(generator):
    """Channels of the widest activation at full rate, about."""
    config = getattr(generator, "config", None)
    return getattr(config, "dim", 64)
