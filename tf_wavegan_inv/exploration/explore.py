"""Explorations of the z of clips: interpolations, walks along directions, nearest neighbours."""

import collections
import dataclasses

import numpy as np

from tf_wavegan_inv.audio.labels import DIGITS, UNKNOWN
from tf_wavegan_inv.exploration.directions import (
    class_directions,
    class_means,
    interpolate,
    principal_directions,
    walk,
)
from tf_wavegan_inv.exploration.latents import Latents

REACH = 2.0  # of a walk, in lengths of its direction


@dataclasses.dataclass(frozen=True)
class Row:
    """A sequence of z.

    Attributes:
        group: str. "interpolation", "classes", "class_directions", "principal_directions" or "neighbours".
        title: str.
        captions: list of str. One caption a z.
        z: float32 [columns, latent_dim].
    """

    group: str
    title: str
    captions: list
    z: np.ndarray


def explore(
    latents: Latents,
    pairs: list[tuple[int, int]],
    near: tuple[np.ndarray, np.ndarray],
    *,
    steps: int = 7,
    components: int = 4,
    queries: int = 8,
) -> list[Row]:
    """Rows of z to look at and play.

    Args:
        latents: Latents.
        pairs: list of (index, index). Ends of the interpolations.
        near: (indices, distances). Result of `directions.nearest`.
        steps: int. Number of z in each interpolation or walk. Default 7.
        components: int. Number of principal directions. Default 4.
        queries: int. Number of clips whose neighbours are shown, evenly spaced. Default 8.

    Returns:
        list of Row.
    """
    return [
        *_interpolations(latents, pairs, steps),
        *_classes(latents, steps),
        *_principal_directions(latents, components, steps),
        *_neighbours(latents, near, queries),
    ]


def _interpolations(latents, pairs, steps):
    captions = [f"{100 * share:.0f} %" for share in np.linspace(0, 1, steps)]
    for a, b in pairs:
        title = f"{latents.names[a]} to {latents.names[b]}"
        yield Row("interpolation", title, captions, interpolate(latents.z[a], latents.z[b], steps))


def _classes(latents, steps):
    """The mean z of each label, and walks towards each label."""
    known = latents.labels != UNKNOWN
    z, labels = latents.z[known], latents.labels[known]
    means = class_means(z, labels)
    if means:
        names = [DIGITS[label] for label in means]
        yield Row("classes", "mean z of each label", names, np.stack(list(means.values())))
    if len(means) > 1:
        centre = latents.z.mean(axis=0)
        for label, direction in class_directions(z, labels).items():
            path = walk(centre, direction, reach=REACH, steps=steps)
            yield Row("class_directions", f"towards {DIGITS[label]}", _offsets(steps), path)


def _principal_directions(latents, components, steps):
    centre = latents.z.mean(axis=0)
    directions, shares = principal_directions(latents.z, components)
    for i, (direction, share) in enumerate(zip(directions, shares, strict=True)):
        title = f"principal direction {i + 1} ({100 * share:.1f} % of the variance)"
        path = walk(centre, direction, reach=REACH, steps=steps)
        yield Row("principal_directions", title, _offsets(steps), path)


def _neighbours(latents, near, queries):
    indices, distances = near
    count = len(latents.names)
    for query in np.unique(np.linspace(0, count - 1, min(queries, count)).round().astype(int)):
        pairs = zip(indices[query], distances[query], strict=True)
        captions = [latents.names[query], *(f"{latents.names[i]} ({d:.2f})" for i, d in pairs)]
        yield Row("neighbours", f"nearest to {latents.names[query]}", captions, latents.z[[query, *indices[query]]])


def _offsets(steps):
    return [f"{offset:+.2g}" for offset in np.linspace(-REACH, REACH, steps)]


def retrieval(latents: Latents, near: tuple[np.ndarray, np.ndarray]) -> dict[str, dict]:
    """Share of clips whose nearest clip by z has the same label or speaker, and the share by chance.

    Args:
        latents: Latents.
        near: (indices, distances). Result of `directions.nearest`.

    Returns:
        dict of "label" and "speaker" to {"nearest", "chance", "n"}; without a kind that all clips share or that is
        unknown.
    """
    found, first = {}, near[0][:, 0]
    kinds = {"label": (latents.labels, UNKNOWN), "speaker": (np.array(latents.speakers), "")}
    for kind, (values, unknown) in kinds.items():
        known = values != unknown
        usable = np.flatnonzero(known & known[first])
        counts = collections.Counter(values[known].tolist())
        if len(usable) and len(counts) > 1:
            chance = [(counts[value] - 1) / (known.sum() - 1) for value in values[usable].tolist()]
            same = values[usable] == values[first[usable]]
            found[kind] = {"nearest": float(same.mean()), "chance": float(np.mean(chance)), "n": len(usable)}
    return found


def sentences(alike: dict[str, dict]) -> list[str]:
    """The result of `retrieval` as sentences."""
    return [
        f"The nearest clip by z has the same {kind} for {100 * found['nearest']:.1f} % of {found['n']} clips, "
        f"a random clip for {100 * found['chance']:.1f} %."
        for kind, found in alike.items()
    ]
