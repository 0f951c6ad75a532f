"""Was z recovered? z [clips, latent_dim] twice -> [clips]."""

import numpy as np


def rmse(z, recovered):
    """Root mean squared error; 0.577 for guessing zero where z is uniform in [-1, 1]."""
    return np.sqrt(np.mean((np.asarray(z, np.float64) - recovered) ** 2, axis=1))


def max_error(z, recovered):
    """Largest absolute error of any coordinate."""
    return np.abs(np.asarray(z, np.float64) - recovered).max(axis=1)
