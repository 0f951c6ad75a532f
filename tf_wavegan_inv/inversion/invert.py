"""Audio -> z, by the inverter, by optimisation, or by both."""

import dataclasses
import time

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.inversion.exact import ExactRecovery
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.recipe import load_recipe

METHODS = ("inverter", "gradient", "hybrid")
PREDICTED_APPROACH, RANDOM_APPROACH = 30, 200  # iterations of L-BFGS before the polish (docs/inversion.md)


@dataclasses.dataclass(frozen=True)
class InversionResult:
    """What inversion found, one entry a clip.

    Attributes:
        z: float32 [batch, latent_dim].
        audio: float32 [batch, samples, channels], the generator's audio of z.
        gain: float32 [batch]; the clip is like gain * audio. 1 but for recovered clips that had been scaled to a peak of 1.
        objective: float32 [batch], the recipe's objective at z, for the clip divided by its gain.
        iterations: int32 [batch], from the start that was kept; 0 for the inverter alone.
        status: list of str: "predicted" by the inverter, "exact" where z was recovered (`inversion.exact`), or how L-BFGS ended
            (`inversion.lbfgs.Minimum`).
        distance: float [batch], from the generator's range: the least squared error found for the waveform, divided by the clip's
            power. Below 1e-6 z is exact; above 0.4 nothing the generator makes has this waveform. NaN where that was not tried.
        seconds: float [batch], each clip's share of the batch's time.
    """

    z: np.ndarray
    audio: np.ndarray
    gain: np.ndarray
    objective: np.ndarray
    iterations: np.ndarray
    status: list
    distance: np.ndarray
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
        wanted = method != "inverter" and self.config.exact_rounds and getattr(generator, "compute_dtype", "float32") == "float32"
        self._exact = ExactRecovery(generator, self.config.exact_rounds) if wanted else None

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
        predicted = self._predict(audio).numpy() if self.method != "gradient" else None
        clips = len(audio)
        z = np.zeros((clips, self.generator.input_shape[1]), np.float32)
        gain, distance, objective = np.ones(clips, np.float32), np.full(clips, np.nan), np.zeros(clips, np.float32)
        iterations, status = np.zeros(clips, np.int32), np.full(clips, "exact", dtype=object)
        rest = np.arange(clips)
        if self._exact:
            found = self._exact(audio, lambda clips: self._start(predicted, clips, seed, first), max_iterations, seed, first)
            z[:], distance, iterations[:] = found.z, found.error, found.iterations
            gain = np.where(found.exact, found.gain, gain)
            rest = np.flatnonzero(~found.exact)
        target = self._describe(audio / gain[:, None, None])
        objective[:] = self._optimiser.value(z, target).numpy()
        if len(rest):
            part = tf.nest.map_structure(lambda t: tf.gather(t, rest), target)
            z[rest], objective[rest], iterations[rest], ends = self._optimise(part, predicted, rest, max_iterations, seed, first, progress)
            status[rest] = ends
        elif progress:
            progress(1, 1)
        seconds = np.full(clips, (time.monotonic() - began) / clips)
        return InversionResult(z, self._generate(z).numpy(), gain, objective, iterations, list(status), distance, seconds)

    def _start(self, predicted, clips, seed, first):
        """Where `ExactRecovery` begins, and its iterations of L-BFGS from there."""
        if predicted is not None:
            return predicted[clips], PREDICTED_APPROACH
        return np.concatenate([random_starts(seed, first + i, 1, self.generator.input_shape[1]) for i in clips]), RANDOM_APPROACH

    def _optimise(self, target, predicted, clips, max_iterations, seed, first, progress):
        """Minimise the recipe's objective for some clips: z, objective, iterations, status."""
        if self.method == "gradient":
            return self._from_random(target, clips, max_iterations or self.config.gradient_iterations, seed, first, progress)
        if self.method == "hybrid":
            limit = max_iterations or self.config.hybrid_iterations
            found = self._optimiser.minimise(predicted[clips], target, limit, progress)
            return found.position, found.value, found.iterations, found.status
        if progress:
            progress(1, 1)
        return predicted, self._optimiser.value(predicted, target).numpy(), 0, ["predicted"] * len(clips)

    def _from_random(self, target, clips, max_iterations, seed, first, progress):
        starts, latent_dim = self.config.gradient_starts, self.generator.input_shape[1]
        z = np.concatenate([random_starts(seed, first + i, starts, latent_dim) for i in clips])
        target = tf.nest.map_structure(lambda t: tf.repeat(t, starts, axis=0), target)
        found = self._optimiser.minimise(z, target, max_iterations, progress)
        best = np.argmin(found.value.reshape(len(clips), starts), axis=1) + starts * np.arange(len(clips))
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
