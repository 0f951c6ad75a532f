"""Frechet distance between two sets of clips."""

import numpy as np


def frechet_distance(features, others):
    """Frechet distance of the normal distributions fitted to two sets of features (Heusel et al., "GANs trained by a two time-scale update
    rule", 2017, equation 6): |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)).

    The covariances need many more clips than features to be estimated well: with n clips a set, compare only figures of the same n.

    Args:
        features, others: float [clips, features], at least two clips each.

    Returns:
        float, 0 for equal sets.
    """
    features, others = np.asarray(features, np.float64), np.asarray(others, np.float64)
    covariance, other = (np.atleast_2d(np.cov(f, rowvar=False)) for f in (features, others))
    root = _root(covariance)
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other @ root), 0)).sum()  # tr (C C')^(1/2) = tr (C^(1/2) C' C^(1/2))^(1/2)
    distance = np.sum((features.mean(axis=0) - others.mean(axis=0)) ** 2) + np.trace(covariance) + np.trace(other) - 2 * shared
    return float(max(distance, 0.0))


def _root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
