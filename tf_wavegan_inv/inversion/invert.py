"""Inversion: audio -> z, by the inverter, by optimisation, or by both."""

import dataclasses
import logging
import time
import typing

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.config import InversionConfig
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.inversion.budget import Budget
from tf_wavegan_inv.inversion.checks import check_audio
from tf_wavegan_inv.inversion.compatibility import check_directions
from tf_wavegan_inv.inversion.exact import ExactRecovery, Recovery
from tf_wavegan_inv.inversion.lbfgs import LBFGS, Minimum, Progress, Waypoint, gather
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.inversion.result import InversionResult, Trajectory, concatenate
from tf_wavegan_inv.inversion.starts import Starts
from tf_wavegan_inv.models.generator import GeneratorModel, as_generator
from tf_wavegan_inv.recipe import load_recipe

log = logging.getLogger(__name__)
METHODS = ("inverter", "gradient", "hybrid")
LOUDEST = 4.0  # largest accepted peak; beyond it, samples are not scaled to [-1, 1]
QUIET = 0.1  # peak below which a clip is hardly a normalised one, or one that a WaveGAN made
EXACT_SHARE = 0.5  # of the seconds, for exact recovery; the recipe's objective has the rest

Inverter = typing.Callable[..., tf.Tensor]  # keras.Model, or a function like one


class _Bar:
    """Reports the progress of a batch: iterations of exact recovery, then of the recipe's objective."""

    def __init__(self, progress: Progress | None, exact: int, objective: int):
        self.progress = progress
        self.before = exact
        self.total = exact + objective
        self.exact(0)

    def exact(self, done: int, _: int = 0) -> None:
        if self.progress:
            self.progress(done, self.total)

    def objective(self, done: int, _: int = 0) -> None:
        self.exact(self.before + done)

    def finish(self) -> None:
        self.exact(self.total)


class Inversion:
    """Inverts clips by one method; compiled once, for any number of batches.

    Args:
        generator: keras.Model. z [batch, latent_dim] -> audio [batch, samples, channels].
        method: str. "inverter" (its prediction), "gradient" (L-BFGS from random z) or "hybrid"
            (L-BFGS from the prediction). The last two try exact recovery first. They start from its z
            if that nearly makes the clip. Default "hybrid".
        inverter: keras.Model or None. audio -> z; not needed for "gradient". Default None.
        classifier: keras.Model or None. Required if the config gives a weight to `perceptual`.
            Default None.
        config: `InversionConfig` or None. Options of the search. Default: those of the inverter's
            recipe ("best" without an inverter); without a classifier the weight of `perceptual` is 0.

    Raises:
        UserError: if the method is unknown, or a model is missing or of other shapes.
    """

    def __init__(
        self,
        generator: GeneratorModel | keras.Model,
        *,
        method: str = "hybrid",
        inverter: Inverter | None = None,
        classifier: keras.Model | None = None,
        config: InversionConfig | None = None,
    ):
        if method not in METHODS:
            raise UserError(f"method must be one of {METHODS}, received {method!r}.")
        if method != "gradient" and inverter is None:
            raise UserError(f"method {method!r} needs an inverter: inverter=twi.load_inverter(path).")
        check_directions(generator, inverter)
        generator = as_generator(generator)
        self.generator = generator
        self.method = method
        self.inverter = inverter
        self.config = config or _default_config(inverter, classifier)
        z = tf.TensorSpec([None, generator.latent.size], tf.float32)
        clip = tf.TensorSpec([None, *generator.clip_shape], tf.float32)
        self.generate = tf.function(lambda z: generator(z, training=False), input_signature=[z])
        self._predict = tf.function(self._predicted, input_signature=[clip])
        objective = Objective(generator, self.config, classifier=classifier)
        self._describe = tf.function(objective.describe, input_signature=[clip])
        self._minimiser = LBFGS(objective, line_search=self.config.line_search)
        self._exact = self._exact_recovery()
        self._compiled = False

    def __call__(
        self,
        audio: np.ndarray,
        *,
        max_iterations: int | None = None,
        seconds: float | None = None,
        seed: int = 0,
        numbers: np.ndarray | None = None,
        progress: Progress | None = None,
        trajectory: bool = False,
    ) -> InversionResult:
        """Invert one batch.

        Args:
            audio: float [batch, samples, channels] in [-1, 1]. Clips, at the generator's rate and
                length.
            max_iterations: int or None. Largest number of iterations of L-BFGS from one start.
                Default: the config's.
            seconds: float or None. Wall-clock limit for the batch, excluding compilation. The best z
                found so far is returned. Default None, no limit.
            seed: int. Seed of the random starts. A clip's starts depend on it and on the clip's
                number alone. Default 0.
            numbers: int [batch] or None. Numbers of the clips. Default 0, 1, ...
            progress: function of (iterations done, iterations) or None. Counts the iterations of
                exact recovery and of the recipe's objective. Default None.
            trajectory: bool. Whether to return the trajectories of the search. Default False.

        Returns:
            InversionResult.

        Raises:
            UserError: if the audio has another shape, contains NaN, exceeds [-1, 1] or is silent.
        """
        audio = check_audio(audio, self.generator.clip_shape)
        _check_limits(seconds=seconds, max_iterations=max_iterations)
        if seconds is not None and not self._compiled:
            self._warm_up(audio[:1])
        budget = Budget(max_iterations, seconds)
        bar = self._bar(progress, budget)
        began = time.monotonic()

        starts = self._starts(audio, seed, numbers)
        recovered = self._recover_exactly(audio, starts, budget.share(EXACT_SHARE), bar)
        target = self._describe(audio / recovered.gain[:, None, None])
        if recovered.exact.all():
            bar.finish()
            found = None
        else:
            rest = self._rest(recovered, starts, target)
            found = self._optimise(rest, self._limited(budget), bar, trajectory)
        spent = (time.monotonic() - began) / len(audio)
        return self._assemble(recovered, found, target, spent)

    def _predicted(self, audio):
        return self.inverter(audio, training=False)

    def _starts(self, audio, seed, numbers):
        """Step 1: predict, or draw random starts."""
        numbers = np.arange(len(audio)) if numbers is None else np.asarray(numbers)
        predicted = self._predict(audio).numpy() if self.method != "gradient" else None
        return Starts(predicted, numbers, seed, self.generator.latent)

    def _recover_exactly(self, audio, starts, budget, bar):
        """Step 2: recover the z of clips that the generator made: `Recovery`.

        The gain is that of clips that are the generator's own, altered or not, and 1 of all others.
        """
        if self._exact is None:
            untried = Recovery.untried(len(audio), starts.latent.size)
            return dataclasses.replace(untried, error=np.full(len(audio), np.nan))
        found = self._exact(
            audio,
            starts.of_round,
            seed=starts.seed,
            numbers=starts.numbers,
            budget=budget,
            progress=bar.exact,
        )
        return dataclasses.replace(found, gain=np.where(self._own(found), found.gain, np.float32(1)))

    def _rest(self, recovered, starts, target):
        """The clips that were not recovered exactly, and where their searches start: `_Rest`.

        The first start of an altered clip of the generator's own is the z of its waveform.
        """
        clips = np.flatnonzero(~recovered.exact)
        z = starts.of_objective(clips, self.config.gradient_starts)
        own = self._own(recovered)[clips][:, None]
        z[:, 0] = np.where(own, recovered.z[clips], z[:, 0])
        return _Rest(clips, z, gather(target, clips))

    def _optimise(self, rest, budget, bar, trajectory):
        """Step 3: minimise the recipe's objective: `_Optimum` of the clips of `rest`."""
        clips, count, latent_dim = rest.starts.shape
        z, target = rest.starts.reshape(clips * count, latent_dim), rest.target
        if self.method == "inverter":
            bar.finish()
            none = np.zeros(clips, np.int32)
            value = self._minimiser.value(z, target)
            return _Optimum(rest.clips, Minimum(z, value, none, none, ["predicted"] * clips, []))
        if count > 1:
            target = tf.nest.map_structure(lambda t: tf.repeat(t, count, axis=0), target)
        minimum = self._minimiser.minimise(z, target, budget=budget, progress=bar.objective, trajectory=trajectory)
        return _Optimum(rest.clips, _best_of(count, minimum))

    def _assemble(self, recovered, found, target, seconds):
        """Step 4: put together what was recovered and what was found: `InversionResult`."""
        clips = len(recovered.z)
        z, iterations = recovered.z.copy(), recovered.iterations.astype(np.int32)
        objective, evaluations = np.zeros(clips, np.float32), np.zeros(clips, np.int32)
        status, trajectory = np.full(clips, "exact", dtype=object), [None] * clips
        exact = np.flatnonzero(recovered.exact)
        if len(exact):
            objective[exact] = self._minimiser.value(z[exact], gather(target, exact))
        if found:
            rest, minimum = found.clips, found.minimum
            z[rest], objective[rest] = minimum.position, minimum.value
            iterations[rest], evaluations[rest] = minimum.iterations, minimum.evaluations
            status[rest] = minimum.status
            for clip, way in zip(rest, _trajectories(minimum), strict=False):
                trajectory[clip] = way
        return InversionResult(
            z=z,
            audio=self.generate(z).numpy(),
            gain=recovered.gain,
            objective=objective,
            iterations=iterations,
            evaluations=evaluations,
            status=list(status),
            distance=recovered.error,
            seconds=np.full(clips, seconds),
            trajectory=trajectory,
        )

    def _own(self, recovered):
        """Which clips are the generator's own, altered or not: bool [batch]."""
        return recovered.error < self.config.exact.altered

    def _limited(self, budget):
        """The budget of the recipe's objective: what is left, and the config's iterations."""
        if self.method == "inverter":
            return Budget(1, budget.left)
        return Budget(budget.iterations or getattr(self.config, f"{self.method}_iterations"), budget.left)

    def _bar(self, progress, budget):
        exact = self._exact.iterations(budget) if self._exact else 0
        return _Bar(progress, exact, self._limited(budget).iterations)

    def _exact_recovery(self):
        """`ExactRecovery`; None for "inverter", without rounds in the config, or outside float32."""
        dtype = getattr(self.generator, "compute_dtype", "float32")
        if self.method == "inverter" or not self.config.exact.rounds or dtype != "float32":
            return None
        starts = getattr(self.config.exact, f"{self.method}_starts")
        return ExactRecovery(self.generator, self.config.exact, starts=starts)

    def _warm_up(self, audio):
        """Compile all that a call may need, whether the clip is recovered exactly or not."""
        self._compiled = True
        found = self(audio, max_iterations=1)
        target = self._describe(audio)
        self._minimiser.value(found.z, target)
        if self.method != "inverter":
            self._minimiser.minimise(found.z, target, budget=Budget(1))
        if self._exact:
            self._exact.warm_up(audio)


class _Rest(typing.NamedTuple):
    """Clips of a batch to optimise.

    Attributes:
        clips: int [clips]. Their indices in the batch.
        starts: float32 [clips, starts, latent_dim].
        target: what the objective compares them with.
    """

    clips: np.ndarray
    starts: np.ndarray
    target: dict[str, list[tf.Tensor]]


class _Optimum(typing.NamedTuple):
    """What optimisation found for some clips of a batch, whose indices are `clips`."""

    clips: np.ndarray
    minimum: Minimum


def _best_of(starts: int, found: Minimum) -> Minimum:
    """The best of the `starts` searches of each clip, with the evaluations of all of them."""
    if starts == 1:
        return found
    values = found.value.reshape(-1, starts)
    best = np.argmin(values, axis=1) + starts * np.arange(len(values))
    return Minimum(
        position=found.position[best],
        value=found.value[best],
        iterations=found.iterations[best],
        evaluations=found.evaluations.reshape(-1, starts).sum(axis=1),
        status=[found.status[i] for i in best],
        trajectory=[Waypoint(w.position[best], w.value[best], w.iterations[best]) for w in found.trajectory],
    )


def _trajectories(minimum: Minimum) -> list[Trajectory]:
    """The way of each member: iterations, objective and z, each [points, ...]; [] without one."""
    if not minimum.trajectory:
        return []
    names = ("iterations", "value", "position")
    ways = [np.stack([getattr(w, name) for w in minimum.trajectory], axis=1) for name in names]
    return list(zip(*ways, strict=True))


def _default_config(inverter, classifier):
    recipe = getattr(inverter, "recipe", None) or load_recipe("best")
    config = recipe.inversion
    return config if classifier else dataclasses.replace(config, perceptual=0.0)


def _check_limits(**limits):
    for name, value in limits.items():
        if value is not None and not value > 0:
            raise UserError(f"{name} must be above 0, received {value}.")


def invert(
    audio: np.ndarray,
    generator: GeneratorModel | keras.Model,
    *,
    method: str = "hybrid",
    inverter: Inverter | None = None,
    classifier: keras.Model | None = None,
    config: InversionConfig | None = None,
    max_iterations: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    batch_size: int = 32,
    progress: Progress | None = None,
    trajectory: bool = False,
) -> InversionResult:
    """Find z such that generator(z) resembles audio.

    Args:
        audio: float [clips, samples, channels] in [-1, 1]. Clips, at the generator's rate and length.
        generator: keras.Model. z [batch, latent_dim] -> audio [batch, samples, channels].
        method: str. "inverter", "gradient" or "hybrid" (see `Inversion`). Default "hybrid".
        inverter: keras.Model or None. audio -> z; not needed for "gradient". Default None.
        classifier: keras.Model or None. Required if the config gives a weight to `perceptual`.
            Default None.
        config: `InversionConfig` or None. Options of the search. Default: see `Inversion`.
        max_iterations: int or None. Largest number of iterations of L-BFGS from one start. Default:
            the config's.
        seconds: float or None. Wall-clock limit for a clip, on average over its batch, excluding
            compilation. Default None, no limit.
        seed: int. Seed of the random starts. Default 0.
        batch_size: int. Clips optimised together. Default 32.
        progress: function of (iterations done, iterations) or None. Counts those of all batches.
            Default None.
        trajectory: bool. Whether to return the trajectories of the search. Default False.

    Returns:
        InversionResult, over all clips.

    Example:
        >>> result = invert(audio, generator, method="hybrid", inverter=inverter)
        >>> result.z.shape
        (3, 100)
    """
    inversion = Inversion(
        generator,
        method=method,
        inverter=inverter,
        classifier=classifier,
        config=config,
    )
    audio = check_audio(audio, inversion.generator.clip_shape)
    recipe = getattr(inverter, "recipe", None)
    if method != "gradient" and recipe and recipe.audio.peak_normalise:
        _warn_of_quiet(audio)
    limits = {"max_iterations": max_iterations, "seconds": seconds}
    named = {"seed": seed, "progress": progress, "trajectory": trajectory}
    return concatenate(_inverted_batches(inversion, audio, batch_size, **limits, **named))


def _inverted_batches(inversion, audio, batch_size, *, seconds, progress, **named):
    """`InversionResult` of each batch; `seconds`: a clip, `progress`: over all batches."""
    firsts = range(0, len(audio), batch_size)
    results = []
    for i, first in enumerate(firsts):
        batch = audio[first : first + batch_size]
        numbers = np.arange(first, first + len(batch))
        limit = None if seconds is None else seconds * len(batch)
        bar = batch_progress(progress, i, len(firsts))
        results.append(inversion(batch, numbers=numbers, seconds=limit, progress=bar, **named))
    return results


def _warn_of_quiet(audio):
    peaks = np.abs(audio).max(axis=(1, 2))
    if peaks.min() < QUIET:
        log.warning(
            "warning: %d of %d clips have a peak below %g, and the inverter was trained on clips of a "
            "peak of 1: divide them by their peaks, or read them by "
            "twi.load_audio(paths, generator, inverter.recipe.audio).",
            (peaks < QUIET).sum(),
            len(peaks),
            QUIET,
        )


def batch_progress(progress: Progress | None, batch: int, batches: int) -> Progress | None:
    """The progress of one batch, reported to `progress` as that of all `batches`."""
    return progress and (lambda done, total: progress(batch * total + done, batches * total))
