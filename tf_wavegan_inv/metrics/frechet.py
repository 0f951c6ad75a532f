"""Frechet distance between two sets of clips."""

import numpy as np


def frechet_distance(features, others) -> float:
    """Frechet distance of the normal distributions fitted to two sets of features.

    Heusel et al., "GANs trained by a two time-scale update rule", 2017, equation 6:
    |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)).

    A reliable covariance needs many more clips than features. Compare only figures of equal numbers of clips.

    Args:
        features: float [clips, features]. At least two clips.
        others: float [clips, features]. At least two clips.

    Returns:
        float, 0 for equal sets.
    """
    features, others = np.asarray(features, np.float64), np.asarray(others, np.float64)
    covariance, other = (np.atleast_2d(np.cov(f, rowvar=False)) for f in (features, others))
    root = _root(covariance)
    # tr (C C')^(1/2) = tr (C^(1/2) C' C^(1/2))^(1/2), whose eigenvalues are real.
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()
    shift = np.sum((features.mean(axis=0) - others.mean(axis=0)) ** 2)
    return float(max(shift + np.trace(covariance) + np.trace(other) - 2 * shared, 0.0))


def _root(matrix):
    """Square root of a symmetric positive semidefinite matrix.

    `scipy.linalg.sqrtm` is inaccurate for a singular matrix, the covariance of fewer clips than features.
    """
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
