"""Errors of recovered latent vectors. Both inputs: [clips, latent_dim]; result: [clips]."""

import numpy as np

RECOVERED, RECOVERED_FINELY = 1e-2, 1e-3  # limits of the largest error of the coordinates of a recovered z


def rmse(z, recovered) -> np.ndarray:
    """Root mean squared error; 0.577 for a prediction of zero if z is uniform in [-1, 1]."""
    return np.sqrt(np.mean((np.asarray(z, np.float64) - recovered) ** 2, axis=1))


def max_error(z, recovered) -> np.ndarray:
    """Largest absolute error of the coordinates."""
    return np.abs(np.asarray(z, np.float64) - recovered).max(axis=1)


def cosine(z, recovered) -> np.ndarray:
    """Cosine of the angle between the two: 1 for a perfect copy, about 0 for a random z."""
    z, recovered = np.asarray(z, np.float64), np.asarray(recovered, np.float64)
    return np.sum(z * recovered, axis=1) / (np.linalg.norm(z, axis=1) * np.linalg.norm(recovered, axis=1))
