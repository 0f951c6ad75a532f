"""Audio -> z, by the inverter, by optimisation, or by both."""

import dataclasses
import logging
import time

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.inversion.compatibility import check_directions
from tf_wavegan_inv.inversion.exact import FAR_STARTS, ExactRecovery
from tf_wavegan_inv.inversion.lbfgs import LBFGS, Minimum, Waypoint, gather
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.recipe import load_recipe

log = logging.getLogger(__name__)
METHODS = ("inverter", "gradient", "hybrid")
LOUDEST = 4.0  # peak beyond which samples cannot be meant to lie in [-1, 1]
QUIET = 0.1  # peak below which a clip can hardly be one that was normalised, or made by a WaveGAN
CHANGED = 0.1  # relative squared error of the waveform below which a clip is the generator's own, if changed (by MP3, say)


@dataclasses.dataclass(frozen=True)
class InversionResult:
    """What inversion found, one entry a clip.

    Attributes:
        z: float32 [batch, latent_dim].
        audio: float32 [batch, samples, channels], the generator's audio of z.
        gain: float32 [batch]; the clip is like gain * audio. 1 but for clips of the generator that had been scaled to a peak of 1.
        objective: float32 [batch], the recipe's objective at z, for the clip divided by its gain.
        iterations: int32 [batch], from the start that was kept; 0 for the inverter alone.
        evaluations: int32 [batch], of the recipe's objective, from all starts; 0 where z was exact without.
        status: list of str: "predicted" by the inverter, "exact" where z was recovered (`inversion.exact`), or how L-BFGS ended
            (`inversion.lbfgs.Minimum`).
        distance: float [batch], from the generator's range: the least squared error found for the waveform, divided by the clip's
            power. Above 0.4, after a search that was not cut short, nothing a WaveGAN makes has this waveform. NaN where that was not
            tried.
        seconds: float [batch], each clip's share of the batch's time.
        trajectory: list, one entry a clip, of (iterations [points], objective [points], z [points, latent_dim]) on the way through the
            recipe's objective, or of None: where it was not asked for, or not gone.
    """

    z: np.ndarray
    audio: np.ndarray
    gain: np.ndarray
    objective: np.ndarray
    iterations: np.ndarray
    evaluations: np.ndarray
    status: list
    distance: np.ndarray
    seconds: np.ndarray
    trajectory: list


class Inversion:
    """Inverts clips by one method; compiled once, for any number of batches.

    Args:
        generator: keras.Model, z [batch, latent_dim] -> audio [batch, samples, channels].
        method: "inverter" (its prediction), "gradient" (L-BFGS from random z) or "hybrid" (L-BFGS from the prediction);
            the last two from the z of the waveform where one was found that nearly is the clip's.
        inverter: keras.Model, audio -> z; not needed for "gradient".
        classifier: needed where the config gives a weight to `perceptual`.
        config: `InversionConfig`; by default that of the inverter's recipe ("best" without an inverter), less its term `perceptual`
            where no classifier is given.

    Raises:
        UserError: if the method is unknown, or a model is missing or of other shapes.
    """

    def __init__(self, generator, method="hybrid", inverter=None, classifier=None, config=None):
        if method not in METHODS:
            raise UserError(f"method must be one of {METHODS}, received {method!r}.")
        if method != "gradient" and inverter is None:
            raise UserError(f"method {method!r} needs an inverter: inverter=twi.load_inverter(path).")
        check_directions(generator, inverter)
        self.generator, self.method = generator, method
        self.config = config or _default_config(inverter, classifier)
        z, clip = (tf.TensorSpec(shape, tf.float32) for shape in (generator.input_shape, generator.output_shape))
        self.generate = tf.function(lambda z: generator(z, training=False), input_signature=[z])
        self._predict = tf.function(lambda audio: inverter(audio, training=False), input_signature=[clip])
        objective = Objective(generator, self.config, classifier=classifier)
        self._describe = tf.function(objective.describe, input_signature=[clip])
        self._minimiser = LBFGS(objective, line_search=self.config.line_search)
        wanted = method != "inverter" and self.config.exact_rounds and getattr(generator, "compute_dtype", "float32") == "float32"
        self._compiled = False
        self._exact = ExactRecovery(generator, self.config.exact_rounds, far_starts=FAR_STARTS[method]) if wanted else None

    def __call__(self, audio, max_iterations=None, seed=0, numbers=None, progress=None, seconds=None, trajectory=False):
        """Invert one batch.

        Args:
            audio: float [batch, samples, channels] in [-1, 1], at the generator's rate and length.
            max_iterations: of L-BFGS, at most; the config's by default.
            seed: of the random starts. A clip's starts depend on it and on the clip's number alone.
            numbers: int [batch], of the clips; 0, 1, ... by default.
            progress: called with (iterations done, iterations), those of exact recovery and of the recipe's objective.
            seconds: time limit of the batch; what was found until then counts. Compiling, at the first batch, comes on top. Of two
                objectives, that of exact recovery and the recipe's, the first has half of it.
            trajectory: whether to keep the way through the recipe's objective.

        Returns:
            InversionResult.

        Raises:
            UserError: if the audio has the wrong shape, or NaN, or is not in [-1, 1], or is silent.
        """
        audio = check_audio(audio, self.generator.output_shape)
        for name, value in (("seconds", seconds), ("max_iterations", max_iterations)):
            if value is not None and not value > 0:
                raise UserError(f"{name} must be above 0, received {value}.")
        if seconds is not None and not self._compiled:
            self._warm_up(audio[:1])
        limit = 1 if self.method == "inverter" else max_iterations or getattr(self.config, f"{self.method}_iterations")
        before = self._exact.iterations(max_iterations) if self._exact else 0
        if progress:
            progress(0, before + limit)
        began = time.monotonic()
        predicted = self._predict(audio).numpy() if self.method != "gradient" else None
        clips = len(audio)
        numbers = np.arange(clips) if numbers is None else np.asarray(numbers)
        z = np.zeros((clips, self.generator.input_shape[1]), np.float32)
        gain, distance, objective = np.ones(clips, np.float32), np.full(clips, np.nan), np.zeros(clips, np.float32)
        iterations, evaluations = np.zeros(clips, np.int32), np.zeros(clips, np.int32)
        status, paths = np.full(clips, "exact", dtype=object), [None] * clips
        rest, its_own = np.arange(clips), np.zeros((clips, 1), bool)
        if self._exact:
            found = self._exact(
                audio,
                lambda clips, number: self._exact_starts(predicted, clips, number, seed, numbers),
                max_iterations,
                seed,
                numbers,
                None if seconds is None else seconds / 2,
                progress and (lambda done, _: progress(done, before + limit)),
            )
            z[:], distance, iterations[:] = found.z, found.error, found.iterations
            its_own = (found.error < CHANGED)[:, None]
            gain = np.where(its_own[:, 0], found.gain, gain)
            rest = np.flatnonzero(~found.exact)
        target = self._describe(audio / gain[:, None, None])
        exact = np.setdiff1d(np.arange(clips), rest)
        if len(exact):
            objective[exact] = self._minimiser.value(z[exact], gather(target, exact))
        if len(rest):
            part = gather(target, rest)
            left = None if seconds is None else max(seconds - (time.monotonic() - began), 0)
            starts = self._recipe_starts(predicted, rest, seed, numbers)
            starts[:, 0] = np.where(its_own[rest], z[rest], starts[:, 0])
            advance = progress and (lambda done, _: progress(before + done, before + limit))
            minimum = self._optimise(part, starts, limit, advance, left, trajectory)
            z[rest], objective[rest] = minimum.position, minimum.value
            iterations[rest], evaluations[rest], status[rest] = minimum.iterations, minimum.evaluations, minimum.status
            for i, clip in enumerate(rest if minimum.trajectory else []):
                paths[clip] = tuple(np.stack([getattr(w, k)[i] for w in minimum.trajectory]) for k in ("iterations", "value", "position"))
        elif progress:
            progress(before + limit, before + limit)
        shares = np.full(clips, (time.monotonic() - began) / clips)
        audio = self.generate(z).numpy()
        return InversionResult(z, audio, gain, objective, iterations, evaluations, list(status), distance, shares, paths)

    def _warm_up(self, audio):
        """Compile all that a call may need."""
        self._compiled = True
        found = self(audio, max_iterations=1)
        self._minimiser.value(found.z, self._describe(audio))
        if self._exact:
            self._exact.warm_up(audio)

    def _exact_starts(self, predicted, clips, number, seed, numbers):
        """Where `ExactRecovery` starts: at the prediction first, then at random z."""
        if predicted is not None and number == 0:
            return predicted[clips]
        return np.stack([random_starts(seed, i, number + 1, self.generator.input_shape[1])[-1] for i in numbers[clips]])

    def _recipe_starts(self, predicted, rest, seed, numbers):
        """Where the recipe's objective starts: z [clips, starts, latent_dim] of the batch's clips `rest`."""
        if predicted is not None:
            return predicted[rest][:, None]
        return np.stack([random_starts(seed, i, self.config.gradient_starts, self.generator.input_shape[1]) for i in numbers[rest]])

    def _optimise(self, target, starts, limit, progress, seconds, trajectory):
        """Minimise the recipe's objective, from `starts`: `Minimum`."""
        clips, count = starts.shape[:2]
        z = starts.reshape(clips * count, -1)
        if self.method == "inverter":
            if progress:
                progress(limit, limit)
            none = np.zeros(clips, np.int32)
            return Minimum(z, self._minimiser.value(z, target), none, none, ["predicted"] * clips, [])
        if count > 1:
            target = tf.nest.map_structure(lambda t: tf.repeat(t, count, axis=0), target)
        return _best_of(count, self._minimiser.minimise(z, target, limit, progress, seconds, trajectory))


def _best_of(starts, found):
    """Of the `starts` members of each clip that which came lowest; the evaluations are those of all."""
    if starts == 1:
        return found
    values = found.value.reshape(-1, starts)
    best = np.argmin(values, axis=1) + starts * np.arange(len(values))
    return Minimum(
        found.position[best],
        found.value[best],
        found.iterations[best],
        found.evaluations.reshape(-1, starts).sum(axis=1),
        [found.status[i] for i in best],
        [Waypoint(w.position[best], w.value[best], w.iterations[best]) for w in found.trajectory],
    )


def _default_config(inverter, classifier):
    recipe = getattr(inverter, "recipe", None) or load_recipe("best")
    config = recipe.inversion
    return config if classifier else dataclasses.replace(config, perceptual=0.0)


def random_starts(seed, clip, count, latent_dim):
    """z [count, latent_dim], uniform in [-1, 1): the random starts of clip number `clip`."""
    # Not of [seed, clip]: NumPy takes [seed, 0] for seed, and anybody's clips made of `default_rng(seed)` would begin with their own z.
    stream = np.random.SeedSequence(seed, spawn_key=(clip,))
    return np.random.default_rng(stream).uniform(-1, 1, (count, latent_dim)).astype(np.float32)


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
    if peaks.max() > LOUDEST:
        raise UserError(f"audio must lie in [-1, 1], received a peak of {peaks.max():g}: divide 16-bit integers by 32768.")
    if peaks.min() == 0:
        raise UserError(f"audio is silent in clips {np.flatnonzero(peaks == 0)[:10].tolist()}.")
    return audio


def fault_of(clip, seconds):
    """Why a clip [samples, channels] of `seconds`, as it is read for inversion, cannot be inverted; None where it can."""
    peak = float(np.abs(clip).max())
    if peak == 0:
        return f"silent in its first {seconds:.2f} s, which is what would be inverted."
    if peak > LOUDEST:
        return f"its samples reach {peak:g}, where full scale is 1 and levels stay as they are (peak_normalise = false): lower its level."
    return None


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
    seconds=None,
    trajectory=False,
):
    """Find z such that generator(z) is like audio.

    Args:
        audio, generator, method, inverter, classifier, config, max_iterations, seed: see `Inversion`.
        batch_size: clips optimised together.
        progress: called with (iterations done, iterations), over all batches.
        seconds: time limit a clip; a batch gets that of all its clips.
        trajectory: see `Inversion`.

    Returns:
        InversionResult, over all clips.

    Example:
        >>> result = invert(audio, generator, method="hybrid", inverter=inverter)
        >>> result.z.shape
        (3, 100)
    """
    inversion = Inversion(generator, method, inverter, classifier, config)
    audio = check_audio(audio, generator.output_shape)
    if method != "gradient" and getattr(inverter, "recipe", None) and inverter.recipe.audio.peak_normalise:
        _tell_quiet(audio)
    firsts = range(0, len(audio), batch_size)
    results = []
    for i, first in enumerate(firsts):
        batch = audio[first : first + batch_size]
        limit = None if seconds is None else seconds * len(batch)
        numbers = np.arange(first, first + len(batch))
        results.append(inversion(batch, max_iterations, seed, numbers, batch_progress(progress, i, len(firsts)), limit, trajectory))
    return concatenate(results)


def _tell_quiet(audio):
    peaks = np.abs(audio).max(axis=(1, 2))
    if peaks.min() < QUIET:
        log.warning(
            "warning: %d of %d clips have a peak below %g, and the inverter knows clips of a peak of 1: divide them by their peaks, or "
            "read them by twi.load_audio(paths, generator, inverter.recipe.audio).",
            (peaks < QUIET).sum(),
            len(peaks),
            QUIET,
        )


def batch_progress(progress, batch, batches):
    """The progress of one batch, told to `progress` as that of all `batches`."""
    return progress and (lambda done, total: progress(batch * total + done, batches * total))


def concatenate(results):
    """One `InversionResult` of several batches' ones."""
    fields = {f.name: [getattr(r, f.name) for r in results] for f in dataclasses.fields(InversionResult)}
    lists = {name: [entry for part in fields.pop(name) for entry in part] for name in ("status", "trajectory")}
    return InversionResult(**lists, **{name: np.concatenate(parts) for name, parts in fields.items()})
