"""Was z recovered? z [clips, latent_dim] twice -> [clips]."""

import numpy as np

RECOVERED, RECOVERED_FINELY = 1e-2, 1e-3  # largest error of a number of z that counts as recovered


def rmse(z, recovered):
    """Root mean squared error; 0.577 for guessing zero where z is uniform in [-1, 1]."""
    return np.sqrt(np.mean((np.asarray(z, np.float64) - recovered) ** 2, axis=1))


def max_error(z, recovered):
    """Largest absolute error of any coordinate."""
    return np.abs(np.asarray(z, np.float64) - recovered).max(axis=1)


def cosine(z, recovered):
    """Cosine of the angle between the two: 1 for a perfect copy, about 0 for a guess."""
    z, recovered = np.asarray(z, np.float64), np.asarray(recovered, np.float64)
    return np.sum(z * recovered, axis=1) / (np.linalg.norm(z, axis=1) * np.linalg.norm(recovered, axis=1))
