"""Where the searches for z start."""

import dataclasses

import numpy as np

from tf_wavegan_inv.latent import LatentSpace


@dataclasses.dataclass(frozen=True)
class Starts:
    """Where the searches for a batch of clips start.

    Attributes:
        predicted: float32 [batch, latent_dim] or None. The inverter's z; None for random starts.
        numbers: int [batch]. Numbers of the clips.
        seed: int. A clip's random starts depend on it and on the clip's number alone.
        latent: `LatentSpace`.
    """

    predicted: np.ndarray | None
    numbers: np.ndarray
    seed: int
    latent: LatentSpace

    def of_round(self, clips: np.ndarray, number: int) -> np.ndarray:
        """Start `number` of exact recovery: the prediction first, then random z.

        int [clips] -> float32 [clips, latent_dim].
        """
        if self.predicted is not None and number == 0:
            return self.predicted[clips]
        return self._random(clips, number + 1)[:, -1]

    def of_objective(self, clips: np.ndarray, count: int) -> np.ndarray:
        """Starts for the recipe's objective: the prediction, or `count` random z.

        int [clips] -> float32 [clips, starts, latent_dim].
        """
        if self.predicted is not None:
            return self.predicted[clips][:, None]
        return self._random(clips, count)

    def _random(self, clips, count):
        draws = [random_starts(self.seed, i, count=count, latent=self.latent) for i in self.numbers[clips]]
        return np.stack(draws)


def random_starts(seed: int, clip: int, *, count: int, latent: LatentSpace) -> np.ndarray:
    """Random starts of clip number `clip`: float32 [count, latent_dim], uniform in [-1, 1)."""
    # Not of [seed, clip]: NumPy takes [seed, 0] for seed, and clips made of `default_rng(seed)`
    # would start at their own z.
    stream = np.random.SeedSequence(seed, spawn_key=(clip,))
    return latent.sample(count, np.random.default_rng(stream))
