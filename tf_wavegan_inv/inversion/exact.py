"""Exact recovery: the z, to the last digits, of a clip that the generator made.

From a start, L-BFGS approaches the waveform. `inversion.gauss_newton` then solves the nonlinear
least-squares problem G(z) = audio to the precision of float32. The next step depends on the clip's
`State`:

- out of range: the search restarts from another z, a few times at most. The generator does not make
  such a clip; it may be a real recording.
- near: the search reached another minimum. It restarts from a perturbed z.
- uncertain: z explains the clip, but another z may make nearly the same audio. The search restarts
  from a z that is moved along directions with little audible effect.
- exact: the search ends.

`config.ExactConfig` has the constants, docs/experiments the figures behind them.
"""

import dataclasses
import enum
import typing

import numpy as np

from tf_wavegan_inv.config import ExactConfig
from tf_wavegan_inv.inversion.budget import UNLIMITED, Budget
from tf_wavegan_inv.inversion.gauss_newton import GaussNewton, relative_error
from tf_wavegan_inv.inversion.lbfgs import LBFGS, Progress
from tf_wavegan_inv.losses import range_penalty
from tf_wavegan_inv.models.generator import GeneratorModel

ROUNDING = 1 / 12 / 32768**2  # mean square error of rounding to 16 bits; truncating has four times that
GRID_TOLERANCE = 0.01  # of a 16-bit step, within which a sample lies on the grid

Starts = typing.Callable[[np.ndarray, int], np.ndarray]


class State(enum.IntEnum):
    """How far the recovery of a clip has come."""

    OUT_OF_RANGE = 0
    NEAR = 1
    UNCERTAIN = 2
    EXACT = 3


@dataclasses.dataclass(frozen=True)
class Recovery:
    """What was found, one entry a clip.

    Attributes:
        z: float32 [batch, latent_dim]. Best z.
        gain: float32 [batch]. The clip is gain * G(z). 1 unless the clip's peak is 1, as if it had
            been normalised.
        error: float [batch]. Squared error divided by the clip's power; for clips out of range plus
            `range_penalty`. NaN if no start was tried.
        state: int [batch]. `State` of the clip.
        iterations: int [batch]. Iterations of L-BFGS from the start that was kept.
        starts: int [batch]. Starts that were tried.
    """

    z: np.ndarray
    gain: np.ndarray
    error: np.ndarray
    state: np.ndarray
    iterations: np.ndarray
    starts: np.ndarray

    @classmethod
    def untried(cls, clips: int, latent_dim: int) -> "Recovery":
        """The result before any start."""
        return cls(
            z=np.zeros((clips, latent_dim), np.float32),
            gain=np.ones(clips, np.float32),
            error=np.full(clips, np.inf),
            state=np.full(clips, State.OUT_OF_RANGE),
            iterations=np.zeros(clips, int),
            starts=np.zeros(clips, int),
        )

    @property
    def exact(self) -> np.ndarray:
        """bool [batch]. Whether z explains the clip, certain or not."""
        return self.state >= State.UNCERTAIN


class Endpoint(typing.NamedTuple):
    """Where one start of each clip ended.

    Attributes:
        position: float32 [clips, latent_dim + 1]. z and the logarithm of the gain.
        error: float [clips]. As in `Recovery`.
        iterations: int [clips]. Iterations of L-BFGS.
    """

    position: np.ndarray
    error: np.ndarray
    iterations: np.ndarray


class ExactRecovery:
    """Recovers z for batches of clips; compiled once.

    Args:
        generator: `GeneratorModel`. z [batch, latent_dim] -> audio [batch, samples, channels].
        config: `ExactConfig`.
        starts: int. Starts of a clip that stays out of range. Default 2.
    """

    def __init__(self, generator: GeneratorModel, config: ExactConfig, *, starts: int = 2):
        self.generator = generator
        self.config = config
        self.starts = starts
        self.latent = generator.latent
        self.lbfgs = LBFGS(self._objective)
        self.gauss_newton = GaussNewton(generator)

    def __call__(
        self,
        audio: np.ndarray,
        starts_of: Starts,
        *,
        seed: int = 0,
        numbers: np.ndarray | None = None,
        budget: Budget = UNLIMITED,
        progress: Progress | None = None,
    ) -> Recovery:
        """Recover z.

        Args:
            audio: float32 [batch, samples, channels].
            starts_of: function of (indices of clips, number of the start from 0) -> z [clips,
                latent_dim] to start from.
            seed: int. Seed of perturbed starts. Default 0.
            numbers: int [batch] or None. Numbers of the clips. Perturbed starts of a clip depend on
                the seed and its number alone. Default 0, 1, ...
            budget: `Budget`. Its iterations are those of L-BFGS from one start, and those between
                two Jacobians of `GaussNewton`. Default: no limit.
            progress: function of (iterations done, iterations) or None. Counts the starts of a clip
                that stays out of range. Default None.

        Returns:
            Recovery.
        """
        numbers = np.arange(len(audio)) if numbers is None else numbers
        clips = _Clips.of(audio, self.config.normalised)
        best = Recovery.untried(len(audio), self.latent.size)
        going, rounds_exact = np.arange(len(audio)), np.zeros(len(audio), int)
        for number in range(self.config.rounds):
            if not len(going) or budget.over:
                break
            seeds = [(seed, int(i), number) for i in numbers[going]]
            turn = _Round(number, going, seeds)
            start = self._starts(turn, best, clips, starts_of)
            advance = self._progress(progress, number, budget)
            found = self._refine(start, clips.target(going), budget=budget, progress=advance)
            _keep_better(best, turn.clips, found, clips.free)
            best.state[going] = self._states(best, clips, going, rounds_exact)
            rounds_exact[going] += best.exact[going]
            going = going[self._unfinished(best.state[going], number)]
        best.error[best.starts == 0] = np.nan
        return best

    def iterations(self, budget: Budget = UNLIMITED) -> int:
        """Iterations of L-BFGS for a clip that stays out of range: what `progress` counts to."""
        return min(self.config.rounds, self.starts) * self._each(budget)

    def warm_up(self, audio: np.ndarray) -> None:
        """Compile what only clips in range use: audio [1, samples, channels]."""
        ones = np.ones(1, np.float32)
        target = {"audio": audio, "power": ones, "free": ones}
        position = np.zeros((1, self.latent.size + 1), np.float32)
        self.gauss_newton(position, target, budget=Budget(1))

    def _each(self, budget):
        return budget.at_most(self.config.iterations).iterations

    def _progress(self, progress, number, budget):
        """The progress of one start, reported to `progress` as that of all starts.

        It counts the starts of a clip that stays out of range; further starts add nothing.
        """
        each, total = self._each(budget), self.iterations(budget)
        return progress and (lambda done, _: progress(min(number * each + done, total), total))

    def _states(self, best, clips, going, rounds_exact):
        """`State` of the clips `going` after a round; `rounds_exact`: [batch], rounds before."""
        config, error, rounded = self.config, best.error[going], clips.rounded[going]
        before_normalising = np.maximum(best.gain[going], 1) ** 2
        noise = error * clips.power[going] / clips.audio[0].size / before_normalising
        exact = (error < config.exact_error) & (noise < config.exact_noise * ROUNDING)
        certain = error < config.certain_error
        certain |= rounded & (noise < config.certain_noise * ROUNDING)
        confirmations = np.where(rounded, config.confirmations_rounded, config.confirmations)
        certain |= rounds_exact[going] >= confirmations
        near = error < config.out_of_range
        choices = [State.EXACT, State.UNCERTAIN, State.NEAR]
        return np.select([exact & certain, exact, near], choices, State.OUT_OF_RANGE)

    def _unfinished(self, state, number):
        """Which clips start again after start `number`: bool [clips]."""
        given_up = (state == State.OUT_OF_RANGE) & (number + 1 >= self.starts)
        return (state != State.EXACT) & ~given_up

    def _starts(self, turn, best, clips, starts_of):
        """Where the clips of a round start: z [clips, latent_dim]."""
        starts = np.empty((len(turn.clips), self.latent.size), np.float32)
        state = best.state[turn.clips]
        far = state == State.OUT_OF_RANGE
        if far.any():
            starts[far] = starts_of(turn.clips[far], turn.number)
        for i in np.flatnonzero(state == State.NEAR):
            starts[i] = self._perturbed(best.z[turn.clips[i]], turn.number, turn.seeds[i])
        uncertain = np.flatnonzero(state == State.UNCERTAIN)
        if len(uncertain):
            at = turn.clips[uncertain]
            position = np.concatenate([best.z[at], np.log(best.gain[at])[:, None]], 1)
            matrices = self.gauss_newton.normal_matrix(position, clips.free[at])[:, :-1, :-1]
            for i, clip, matrix in zip(uncertain, at, matrices, strict=True):
                relative = matrix, clips.power[clip]
                starts[i] = self._moved_inaudibly(best.z[clip], *relative, turn.seeds[i])
        return starts

    def _refine(self, z, target, *, budget, progress):
        """From one start a clip: `Endpoint`."""
        start = np.concatenate([z, self._log_gain(z, target)], 1)
        found = self.lbfgs.minimise(start, target, budget=budget.at_most(self.config.iterations), progress=progress)
        position, iterations = found.position, found.iterations.astype(int)
        error = found.value.astype(float)
        near = np.flatnonzero(error < self.config.out_of_range)
        if len(near):
            part = {name: value[near] for name, value in target.items()}
            refined, reached, steps = self.gauss_newton(position[near], part, budget=budget)
            better = reached < error[near]
            position[near[better]] = refined[better]
            error[near[better]] = reached[better]
            iterations[near] += steps
        return Endpoint(position, error, iterations)

    def _objective(self, position, target):
        """Squared error divided by power, and the distance of z from its range: [batch]."""
        error = relative_error(self.generator, position, target)
        return error + range_penalty(position[:, :-1])

    def _log_gain(self, z, target):
        """The logarithm of the gain that gives the start the clip's power: [batch, 1]."""
        audio = self.generator.predict_on_batch(z)
        ratio = np.asarray(target["power"]) / (_power(audio) + 1e-9)
        return (0.5 * np.log(ratio) * np.asarray(target["free"]))[:, None].astype(np.float32)

    def _perturbed(self, z, number, seed):
        """A z near z [latent_dim]: some entries redrawn, the rest moved a little.

        Entries outside [-1, 1] are redrawn (stochastic clipping: Lipton & Tripathi, "Precise Recovery
        of Latent Vectors from Generative Adversarial Networks", 2017), and so is a share of the
        others. The share grows with each failed round, because small moves from some minima lead
        back to them. After `redraw_cycle` rounds it is small again.
        """
        config, rng = self.config, np.random.default_rng(seed)
        share = config.redrawn * (1 + (number - 1) % config.redraw_cycle)
        chosen = self.latent.outside(z) | (rng.uniform(size=len(z)) < share)
        redrawn = self.latent.redraw(z, chosen, rng)
        return np.where(chosen, redrawn, z + config.perturbation * rng.normal(size=len(z)))

    def _moved_inaudibly(self, z, matrix, power, seed):
        """A z [latent_dim] of nearly the same audio.

        It is moved along the eigenvectors of J'J (`matrix`), further where the effect is smaller.
        """
        config, rng = self.config, np.random.default_rng(seed)
        values, vectors = np.linalg.eigh(matrix)
        reach = np.sqrt(config.inaudible_power * power / np.maximum(values, 1e-12))
        reach = np.minimum(config.inaudible_distance, reach)
        moved = z + vectors @ (reach * rng.normal(size=len(z)))
        return np.clip(moved, np.minimum(z, -1), np.maximum(z, 1))


class _Round(typing.NamedTuple):
    """One start of each clip that is not finished: its number, the clips, a seed for each."""

    number: int
    clips: np.ndarray
    seeds: list[tuple[int, int, int]]


class _Clips(typing.NamedTuple):
    """A batch of clips, with the properties that are known before any search.

    Attributes:
        audio: float32 [batch, samples, channels].
        power: float32 [batch]. Sums of squares.
        free: float32 [batch]. 1 where the clip may have been normalised, so that its gain is
            unknown; else 0.
        rounded: bool [batch]. Whether the samples are, or may be, rounded to 16 bits.
    """

    audio: np.ndarray
    power: np.ndarray
    free: np.ndarray
    rounded: np.ndarray

    @classmethod
    def of(cls, audio, normalised):
        peaks = np.abs(audio).max(axis=(1, 2))
        free = (np.abs(peaks - 1) < normalised).astype(np.float32)
        power = _power(audio).astype(np.float32)
        return cls(audio, power, free, (free > 0) | is_16_bit(audio))

    def target(self, clips):
        """What `relative_error` compares some clips with."""
        return {name: getattr(self, name)[clips] for name in ("audio", "power", "free")}


def is_16_bit(audio: np.ndarray) -> np.ndarray:
    """Whether samples are 16-bit integers, divided by 32768 or 32767.

    float [clips, samples, channels] -> bool [clips].
    """
    grids = [audio * np.float32(scale) for scale in (32768, 32767)]
    apart = [np.abs(grid - np.rint(grid)) for grid in grids]
    return np.any([(each < GRID_TOLERANCE).all(axis=(1, 2)) for each in apart], axis=0)


def _power(audio):
    return (audio.astype(np.float64) ** 2).sum(axis=(1, 2))


def _keep_better(best, going, found, free):
    """Update `best` with the results of one more start of the clips `going`."""
    best.starts[going] += 1
    better = found.error < best.error[going]
    at = going[better]
    best.z[at] = found.position[better, :-1]
    best.gain[at] = np.exp(free[at] * found.position[better, -1])
    best.error[at] = found.error[better]
    best.iterations[at] = found.iterations[better]
