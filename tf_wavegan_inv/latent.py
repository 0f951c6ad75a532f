"""The space that the z of a generator is drawn from."""

import dataclasses

import numpy as np

from tf_wavegan_inv.errors import UserError


@dataclasses.dataclass(frozen=True)
class LatentSpace:
    """Entries of z that are uniform in one range.

    The package computes with z in the cube [-1, 1], whatever the range; `to_own` brings it into that
    of the generator's own model.

    Attributes:
        size: int. Entries of z.
        low, high: float. Range of each in the generator's own model. Default -1 and 1.

    Raises:
        UserError: if the range is empty or not finite.
    """

    size: int
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self):
        if not -np.inf < self.low < self.high < np.inf:
            given = self.low, self.high
            raise UserError(f"latent_range must be two finite numbers, the lower first, received {given}.")

    @property
    def range(self) -> list[float]:
        """Low and high, as config.json has them."""
        return [self.low, self.high]

    def sample(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Random z of the cube: float32 [count, size]."""
        return rng.uniform(-1, 1, (count, self.size)).astype(np.float32)

    def outside(self, z: np.ndarray) -> np.ndarray:
        """Which entries of z [..., size] lie outside the cube: bool [..., size]."""
        return np.abs(z) > 1

    def redraw(self, z: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """z [size] with the entries `chosen` bool [size] redrawn."""
        return np.where(chosen, rng.uniform(-1, 1, self.size), z)

    def to_own(self, z: np.ndarray) -> np.ndarray:
        """z [..., size] of the cube as the generator's own model takes it."""
        z = np.asarray(z)
        if self.range == [-1.0, 1.0]:
            return z
        return (self.low + (z + 1) * (self.high - self.low) / 2).astype(np.float32)
