"""Arithmetic with z [clips, latent_dim]: interpolation, directions, neighbours."""

import numpy as np

CHUNK = 1024  # clips whose distances are computed at a time


def interpolate(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """Evenly spaced points on the line from one z to another, both included: float32 [steps, latent_dim].

    WaveGAN's prior is uniform on a cube, which contains the line between any two of its points.
    """
    share = np.linspace(0, 1, steps)[:, None]
    return ((1 - share) * np.asarray(start) + share * np.asarray(end)).astype(np.float32)


def class_means(z, labels) -> dict[int, np.ndarray]:
    """Mean z of each label: dict of label, sorted, to float32 [latent_dim]."""
    z, labels = np.asarray(z), np.asarray(labels)
    return {label: z[labels == label].mean(axis=0).astype(np.float32) for label in sorted(set(labels.tolist()))}


def class_directions(z, labels) -> dict[int, np.ndarray]:
    """Direction from the mean z of all other clips to the mean z of a label: dict of label to float32 [latent_dim].

    Requires at least two labels.
    """
    z, labels = np.asarray(z), np.asarray(labels)
    means = class_means(z, labels)
    return {label: mean - z[labels != label].mean(axis=0).astype(np.float32) for label, mean in means.items()}


def principal_directions(z, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Orthogonal directions of the largest variance of z (after Harkonen et al., "GANSpace", 2020).

    Args:
        z: float [clips, latent_dim].
        count: int. Largest number of directions; there are fewer than clips.

    Returns:
        (directions, shares): float32 [count, latent_dim], each as long as the standard deviation along it, and
        float [count], their shares of the variance.
    """
    centred = np.asarray(z, np.float64) - np.mean(z, axis=0)
    _, scales, rows = np.linalg.svd(centred, full_matrices=False)
    count = min(count, len(z) - 1, len(rows))
    deviations = scales[:count, None] / np.sqrt(len(z) - 1)
    return (rows[:count] * deviations).astype(np.float32), scales[:count] ** 2 / max(np.sum(scales**2), 1e-30)


def walk(centre: np.ndarray, direction: np.ndarray, *, reach: float, steps: int) -> np.ndarray:
    """Points from centre - reach * direction to centre + reach * direction: float32 [steps, latent_dim]."""
    return interpolate(centre - reach * direction, centre + reach * direction, steps)


def nearest(z, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other clips of each clip, by the Euclidean distance of z.

    Args:
        z: float [clips, latent_dim].
        count: int. Number of neighbours, at most clips - 1.

    Returns:
        (indices, distances): int and float [clips, count], nearest first.
    """
    z, count = np.asarray(z, np.float64), min(count, len(z) - 1)
    squares, parts = np.sum(z**2, axis=1), []
    for first in range(0, len(z), CHUNK):
        part = slice(first, first + CHUNK)
        distances = np.sqrt(np.maximum(squares[part, None] + squares - 2 * z[part] @ z.T, 0))
        own = np.arange(len(distances))
        distances[own, first + own] = np.inf
        some = np.argpartition(distances, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(distances, some, axis=1), axis=1, kind="stable")
        indices = np.take_along_axis(some, order, axis=1)
        parts.append((indices, np.take_along_axis(distances, indices, axis=1)))
    indices, distances = zip(*parts, strict=True)
    return np.concatenate(indices), np.concatenate(distances)
