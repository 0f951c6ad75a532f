"""Arithmetic with latents: z [clips, latent_dim]."""

import numpy as np

CHUNK = 1024  # clips whose distances are computed at a time


def interpolate(start, end, steps):
    """Evenly spaced points from one z to another, both included: [steps, latent_dim].

    On a straight line: the prior of WaveGAN is uniform on a cube, which a straight line between two points in it does not leave.
    """
    share = np.linspace(0, 1, steps)[:, None]
    return ((1 - share) * np.asarray(start) + share * np.asarray(end)).astype(np.float32)


def class_means(z, labels):
    """Mean z of each class: dict of label, sorted, to float32 [latent_dim]."""
    labels = np.asarray(labels)
    return {label: np.asarray(z)[labels == label].mean(axis=0).astype(np.float32) for label in sorted(set(labels.tolist()))}


def class_directions(z, labels):
    """From the mean of all other clips to that of a class: dict of label to float32 [latent_dim]. Needs two classes at least."""
    z, labels = np.asarray(z), np.asarray(labels)
    return {label: mean - z[labels != label].mean(axis=0).astype(np.float32) for label, mean in class_means(z, labels).items()}


def principal_directions(z, count):
    """Where the clips' z vary most (the idea of Harkonen et al., "GANSpace", 2020, on z itself).

    Args:
        z: [clips, latent_dim].
        count: directions, at most; there are fewer than clips.

    Returns:
        directions [count, latent_dim], orthogonal, each as long as the standard deviation along it; and their shares of the variance.
    """
    centred = np.asarray(z, np.float64) - np.mean(z, axis=0)
    _, scales, rows = np.linalg.svd(centred, full_matrices=False)
    count = min(count, len(z) - 1, len(rows))
    deviations = scales[:count, None] / np.sqrt(len(z) - 1)
    return (rows[:count] * deviations).astype(np.float32), scales[:count] ** 2 / max(np.sum(scales**2), 1e-30)


def walk(centre, direction, reach, steps):
    """Points along a direction, from centre - reach * direction to centre + reach * direction: float32 [steps, latent_dim]."""
    return interpolate(centre - reach * direction, centre + reach * direction, steps)


def nearest(z, count):
    """The nearest other clips of each clip by the Euclidean distance of z.

    Returns:
        indices int [clips, count], nearest first, and distances [clips, count]; `count` at most clips - 1.
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
