"""Exact recovery: the z, to the last digits, of a clip that the generator made.

From a start, L-BFGS brings the waveform into the neighbourhood; `inversion.gauss_newton` then solves the nonlinear least-squares problem
G(z) = audio, of 100 unknowns, to the floor of float32. Where that ends in another minimum, z is shaken and both begin again; where it ends
above that floor, they begin again elsewhere in the valley, for there may be a z that makes nearly the same audio. A clip that stays far off
from some starts is out of the generator's range (a real recording, say) and given up.
docs/inversion.md has the experiments behind the constants.
"""

import dataclasses
import time

import numpy as np

from tf_wavegan_inv.inversion.gauss_newton import Polish, relative_error
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.losses import range_penalty

ROUNDING = 1 / 12 / 32768**2  # mean square error of rounding to 16 bits; cutting off, as the official code does, has four times that
EXACT, EXACT_NOISE = 1e-7, 5 * ROUNDING  # squared error below which z counts as recovered: relative, and mean over samples
SURE, SURE_NOISE = 3e-12, 1.3 * ROUNDING  # z is not doubted: where float32 ends, or, of 16-bit samples, their rounding
DOUBTS, DOUBTS_ROUNDED = 5, 2  # more starts of a clip above that (one of 16 bits may have been cut off): some have a near twin
OUT_OF_RANGE = 0.4  # relative squared error after L-BFGS; clips of the generator's own come below, real ones do not
APPROACH = 200  # iterations of L-BFGS before the polish
FAR_STARTS = {"hybrid": 2, "gradient": 3}  # of a clip that stays out of range: one random start in eight never comes near
REDRAWN, SHAKES, NUDGE = 0.05, 6, 0.05  # of a start near the best z so far
UNHEARD, UNHEARD_MOVE = 3e-8, 0.5  # of one near a z that is doubted: a direction's share of the power, and its length at most
NORMALISED = 1e-3  # a clip whose peak is so near 1 may have been scaled to it


@dataclasses.dataclass(frozen=True)
class Recovery:
    """What was found, one entry a clip.

    Attributes:
        z: float32 [batch, latent_dim].
        gain: float32 [batch]; the clip is gain * G(z). 1 unless the clip's peak is 1, as if it had been normalised.
        error: float [batch], squared error divided by the clip's power, for clips out of range plus `range_penalty`; NaN if not tried.
        exact: bool [batch], whether the error is below `EXACT` and `EXACT_NOISE`.
        iterations: int [batch], of L-BFGS, from the start that was kept.
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
        rounds: starts of a clip, at most.
        approach: iterations of L-BFGS before the polish, at most.
        far_starts: how many starts a clip has that stays out of range.
    """

    def __init__(self, generator, rounds=12, approach=APPROACH, far_starts=2):
        self.generator, self.rounds, self.approach, self.far_starts = generator, rounds, approach, far_starts
        _, self.latent_dim = generator.input_shape
        self.lbfgs = LBFGS(self._objective)
        self.polish = Polish(generator)

    def __call__(self, audio, starts_of, limit=None, seed=0, numbers=None, seconds=None, progress=None):
        """Recover z.

        Args:
            audio: float32 [batch, samples, channels].
            starts_of: function of the index of clips and of the number of the start, 0 at first -> z [clips, latent_dim] to begin from.
            seed: of what follows.
            numbers: int [batch], of the clips (0, 1, ... by default); what is random for a clip depends on seed and number alone.
            limit: of the iterations of L-BFGS, and of those between two Jacobians of the polish; None for none.
            seconds: time limit; None for none.
            progress: called with (iterations of L-BFGS done, `iterations(limit)`), counting the starts of a clip that stays out of range.

        Returns:
            Recovery.
        """
        deadline = time.monotonic() + (float("inf") if seconds is None else seconds)
        numbers = np.arange(len(audio)) if numbers is None else numbers
        power = (audio.astype(np.float64) ** 2).sum(axis=(1, 2)).astype(np.float32)
        free = (np.abs(np.abs(audio).max(axis=(1, 2)) - 1) < NORMALISED).astype(np.float32)
        perhaps_rounded = (free > 0) | of_sixteen_bits(audio)
        target = {"audio": audio, "power": power, "free": free}
        best = Recovery(
            np.zeros((len(audio), self.latent_dim), np.float32),
            np.ones(len(audio), np.float32),
            np.full(len(audio), np.inf),
            np.zeros(len(audio), bool),
            np.zeros(len(audio), int),
            np.zeros(len(audio), int),
        )
        going, exact_starts = np.arange(len(audio)), np.zeros(len(audio), int)
        for number in range(self.rounds):
            if not len(going) or time.monotonic() > deadline:
                break
            seeds = [(seed, int(i), number) for i in numbers[going]]
            starts = self._starts(best, going, number, seeds, starts_of, target)
            part = {name: value[going] for name, value in target.items()}
            position, error, iterations = self._round(starts, part, limit, deadline, self._part_of(progress, number, limit))
            best.starts[going] += 1
            better = error < best.error[going]
            at = going[better]
            best.z[at], best.gain[at] = position[better, :-1], np.exp(free[at] * position[better, -1])
            best.error[at], best.iterations[at] = error[better], iterations[better]
            error = best.error[going]
            noise = error * power[going] / audio[0].size / np.maximum(best.gain[going], 1) ** 2  # before it was normalised
            best.exact[going] = (error < EXACT) & (noise < EXACT_NOISE)
            exact_starts[going] += best.exact[going]
            sure = (error < SURE) | (perhaps_rounded[going] & (noise < SURE_NOISE))
            sure |= exact_starts[going] > np.where(perhaps_rounded[going], DOUBTS_ROUNDED, DOUBTS)
            again = (error < OUT_OF_RANGE) | (number + 1 < self.far_starts)
            going = going[again & ~(best.exact[going] & sure)]
        best.error[best.starts == 0] = np.nan
        return best

    def iterations(self, limit=None):
        """Of L-BFGS, for a clip that stays out of range: what `progress` goes up to."""
        return min(self.rounds, self.far_starts) * self._approach(limit)

    def _approach(self, limit):
        return min(self.approach, limit or self.approach)

    def _part_of(self, progress, number, limit):
        """The progress of one start, told to `progress` as that of all; what follows those of a far clip is not foreseen."""
        each, total = self._approach(limit), self.iterations(limit)
        return progress and (lambda done, _: progress(min(number * each + done, total), total))

    def warm_up(self, audio):
        """Compile the polish, which a clip out of range never comes to: audio [1, samples, channels]."""
        ones = np.ones(1, np.float32)
        self.polish(np.zeros((1, self.latent_dim + 1), np.float32), {"audio": audio, "power": ones, "free": ones}, limit=1)

    def _starts(self, best, going, number, seeds, starts_of, target):
        """Where the clips going begin this time: z [clips, latent_dim]."""
        starts = np.empty((len(going), self.latent_dim), np.float32)
        far, doubted = best.error[going] > OUT_OF_RANGE, best.exact[going]
        if far.any():
            starts[far] = starts_of(going[far], number)
        for i in np.flatnonzero(~far & ~doubted):
            starts[i] = _shaken(best.z[going[i]], number, seeds[i])
        if doubted.any():
            at = going[doubted]
            position = np.concatenate([best.z[at], np.log(best.gain[at])[:, None]], 1)
            matrices = self.polish.gauss_newton(position, target["free"][at])[:, :-1, :-1]
            for i, clip, matrix in zip(np.flatnonzero(doubted), at, matrices, strict=True):
                starts[i] = _moved_unheard(best.z[clip], matrix, target["power"][clip], seeds[i])
        return starts

    def _round(self, z, target, limit, deadline, progress):
        """From one start a clip: position [clips, latent_dim + 1], error, iterations [clips]."""
        start = np.concatenate([z, self._log_gain(z, target)], 1)
        found = self.lbfgs.minimise(start, target, self._approach(limit), progress, deadline - time.monotonic())
        position, error, iterations = found.position, found.value.astype(float), found.iterations.astype(int)
        near = np.flatnonzero(error < OUT_OF_RANGE)
        if len(near):
            polished, reached, steps = self.polish(position[near], {k: v[near] for k, v in target.items()}, limit, deadline)
            better = reached < error[near]
            position[near[better]], error[near[better]] = polished[better], reached[better]
            iterations[near] += steps
        return position, error, iterations

    def _objective(self, position, target):
        """Squared error divided by power, and the distance of z from its range: [batch]."""
        return relative_error(self.generator, position, target) + range_penalty(position[:, :-1])

    def _log_gain(self, z, target):
        """The logarithm of the gain that gives the start the clip's power: [batch, 1]."""
        audio = self.generator.predict_on_batch(z)
        power = (audio.astype(np.float64) ** 2).sum(axis=(1, 2))
        return (0.5 * np.log(np.asarray(target["power"]) / (power + 1e-9)) * np.asarray(target["free"]))[:, None].astype(np.float32)


def of_sixteen_bits(audio):
    """Whether the samples [clips, samples, channels] are 16-bit integers, divided by 32768 or 32767: bool [clips]."""
    grids = [audio * np.float32(scale) for scale in (32768, 32767)]
    return np.any([(np.abs(grid - np.rint(grid)) < 0.01).all(axis=(1, 2)) for grid in grids], axis=0)


def _shaken(z, number, seed):
    """A z near z [latent_dim]: numbers outside [-1, 1], and a few others, drawn anew (stochastic clipping: Lipton & Tripathi,
    "Precise Recovery of Latent Vectors from Generative Adversarial Networks", 2017), the rest moved a little.

    The more often that did not help (`number`), the more are drawn anew: from some minima small moves lead back. Then few again.
    """
    rng = np.random.default_rng(seed)
    anew = (np.abs(z) > 1) | (rng.uniform(size=len(z)) < REDRAWN * (1 + (number - 1) % SHAKES))
    return np.where(anew, rng.uniform(-1, 1, len(z)), z + NUDGE * rng.normal(size=len(z)))


def _moved_unheard(z, matrix, power, seed):
    """A z [latent_dim] of nearly the same audio: moved along the eigenvectors of JᵀJ (`matrix`), the further the less one is heard."""
    values, vectors = np.linalg.eigh(matrix)
    reach = np.minimum(UNHEARD_MOVE, np.sqrt(UNHEARD * power / np.maximum(values, 1e-12)))
    moved = z + vectors @ (reach * np.random.default_rng(seed).normal(size=len(z)))
    return np.clip(moved, np.minimum(z, -1), np.maximum(z, 1))
