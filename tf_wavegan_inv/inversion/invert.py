"""Audio -> z, by the inverter, by optimisation, or by both."""

import dataclasses
import time

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.recipe import load_recipe

METHODS = ("inverter", "gradient", "hybrid")


@dataclasses.dataclass(frozen=True)
class InversionResult:
    """What inversion found, one entry a clip.

    Attributes:
        z: float32 [batch, latent_dim].
        audio: float32 [batch, samples, channels], the generator's audio of z.
        objective: float32 [batch], the recipe's objective at z.
        iterations: int32 [batch], of L-BFGS; 0 for the inverter alone.
        status: list of str: "predicted" by the inverter, or how L-BFGS ended (`inversion.lbfgs.Minimum`).
        seconds: float [batch], each clip's share of the batch's time.
    """

    z: np.ndarray
    audio: np.ndarray
    objective: np.ndarray
    iterations: np.ndarray
    status: list
    seconds: np.ndarray


class Inversion:
    """Inverts clips by one method; compiled once, for any number of batches.

    Args:
        generator: keras.Model, z [batch, latent_dim] -> audio [batch, samples, channels].
        method: "inverter" (its prediction), "gradient" (L-BFGS from random z) or "hybrid" (L-BFGS from the prediction).
        inverter: keras.Model, audio -> z; not needed for "gradient".
        classifier: needed where the config gives a weight to `perceptual`.
        config: `InversionConfig`; by default that of the inverter's recipe ("best" without an inverter), less its term `perceptual`
            where no classifier is given.

    Raises:
        UserError: if the method is unknown, or a model is missing.
    """

    def __init__(self, generator, method="hybrid", inverter=None, classifier=None, config=None):
        if method not in METHODS:
            raise UserError(f"method must be one of {METHODS}, received {method!r}.")
        if method != "gradient" and inverter is None:
            raise UserError(f"method {method!r} needs an inverter: inverter=twi.load_inverter(path).")
        self.generator, self.method = generator, method
        self.config = config or _default_config(inverter, classifier)
        objective = Objective(generator, self.config, classifier)
        self._describe = tf.function(objective.describe, reduce_retracing=True)
        self._generate = tf.function(lambda z: generator(z, training=False), reduce_retracing=True)
        self._predict = tf.function(lambda audio: inverter(audio, training=False), reduce_retracing=True)
        self._optimiser = LBFGS(objective)

    def __call__(self, audio, max_iterations=None, seed=0, first=0, progress=None):
        """Invert one batch.

        Args:
            audio: float [batch, samples, channels] in [-1, 1], at the generator's rate and length.
            max_iterations: of L-BFGS, at most; the config's by default.
            seed: of the random starts. A clip's starts depend on it and on the clip's number alone.
            first: number of the batch's first clip.
            progress: called with (iterations done, max_iterations).

        Returns:
            InversionResult.

        Raises:
            UserError: if the audio has the wrong shape, or NaN, or is not in [-1, 1], or is silent.
        """
        began = time.monotonic()
        audio = check_audio(audio, self.generator.output_shape)
        if self.method == "gradient":
            result = self._from_random(audio, max_iterations or self.config.gradient_iterations, seed, first, progress)
        else:
            z = self._predict(audio).numpy()
            result = self._from_predicted(z, audio, max_iterations or self.config.hybrid_iterations, progress)
        z, objective, iterations, status = result
        reconstruction = self._generate(z).numpy()
        seconds = np.full(len(z), (time.monotonic() - began) / len(z))
        return InversionResult(z, reconstruction, objective, iterations, status, seconds)

    def _from_predicted(self, z, audio, max_iterations, progress):
        target = self._describe(audio)
        if self.method == "inverter":
            objective = self._optimiser.value(z, target).numpy()
            if progress:
                progress(1, 1)
            return z, objective, np.zeros(len(z), np.int32), ["predicted"] * len(z)
        found = self._optimiser.minimise(z, target, max_iterations, progress)
        return found.position, found.value, found.iterations, found.status

    def _from_random(self, audio, max_iterations, seed, first, progress):
        starts, clips, latent_dim = self.config.gradient_starts, len(audio), self.generator.input_shape[1]
        z = np.concatenate([random_starts(seed, first + i, starts, latent_dim) for i in range(clips)])
        target = tf.nest.map_structure(lambda t: tf.repeat(t, starts, axis=0), self._describe(audio))
        found = self._optimiser.minimise(z, target, max_iterations, progress)
        best = np.argmin(found.value.reshape(clips, starts), axis=1) + starts * np.arange(clips)
        return found.position[best], found.value[best], found.iterations[best], [found.status[i] for i in best]


def _default_config(inverter, classifier):
    recipe = getattr(inverter, "recipe", None) or load_recipe("best")
    config = recipe.inversion
    return config if classifier else dataclasses.replace(config, perceptual=0.0)


def random_starts(seed, clip, count, latent_dim):
    """z [count, latent_dim], uniform in [-1, 1): the random starts of clip number `clip`."""
    return np.random.default_rng([seed, clip]).uniform(-1, 1, (count, latent_dim)).astype(np.float32)


def check_audio(audio, shape):
    """audio as float32; raises UserError unless it is [batch, samples, channels] of `shape`, finite, in [-1, 1] and not silent."""
    audio = np.asarray(audio)
    if audio.ndim != 3 or audio.shape[1:] != tuple(shape[1:]) or not len(audio):
        raise UserError(
            f"audio must be [batch, {shape[1]}, {shape[2]}] (batch, samples, channels), received {list(audio.shape)}; "
            "twi.load_audio reads files into that shape."
        )
    audio = audio.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(audio).all(axis=(1, 2)))
    if len(bad):
        raise UserError(f"audio holds NaN or infinite samples in clips {bad[:10].tolist()}.")
    peaks = np.abs(audio).max(axis=(1, 2))
    if peaks.max() > 4:
        raise UserError(f"audio must lie in [-1, 1], received a peak of {peaks.max():g}: divide 16-bit integers by 32768.")
    if peaks.min() == 0:
        raise UserError(f"audio is silent in clips {np.flatnonzero(peaks == 0)[:10].tolist()}.")
    return audio


def invert(
    audio,
    generator,
    method="hybrid",
    inverter=None,
    classifier=None,
    config=None,
    max_iterations=None,
    seed=0,
    batch_size=32,
    progress=None,
):
    """Find z such that generator(z) is like audio.

    Args:
        audio, generator, method, inverter, classifier, config, max_iterations, seed: see `Inversion`.
        batch_size: clips optimised together.
        progress: called with (iterations done, iterations), over all batches.

    Returns:
        InversionResult, over all clips.

    Example:
        >>> result = invert(audio, generator, method="hybrid", inverter=inverter)
        >>> result.z.shape
        (3, 100)
    """
    inversion = Inversion(generator, method, inverter, classifier, config)
    audio = check_audio(audio, generator.output_shape)
    firsts = range(0, len(audio), batch_size)
    return concatenate(
        [
            inversion(audio[first : first + batch_size], max_iterations, seed, first, batch_progress(progress, i, len(firsts)))
            for i, first in enumerate(firsts)
        ]
    )


def batch_progress(progress, batch, batches):
    """The progress of one batch, told to `progress` as that of all `batches`."""
    return progress and (lambda done, total: progress(batch * total + done, batches * total))


def concatenate(results):
    """One `InversionResult` of several batches' ones."""
    fields = {f.name: [getattr(r, f.name) for r in results] for f in dataclasses.fields(InversionResult)}
    status = [s for part in fields.pop("status") for s in part]
    return InversionResult(status=status, **{name: np.concatenate(parts) for name, parts in fields.items()})
