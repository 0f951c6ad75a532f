"""What can be done with the z of clips: walks between and through them, and which clips are alike."""

import collections
import dataclasses

import numpy as np

from tf_wavegan_inv.audio.labels import DIGITS, UNKNOWN
from tf_wavegan_inv.exploration.directions import class_directions, class_means, interpolate, principal_directions, walk

REACH = 2.0  # standard deviations, or distances of class means


@dataclasses.dataclass(frozen=True)
class Row:
    """Some latents in a row.

    Attributes:
        group: "interpolation", "classes", "class_directions", "principal_directions" or "neighbours".
        title: str.
        captions: list of str, one a latent.
        z: float32 [columns, latent_dim].
    """

    group: str
    title: str
    captions: list
    z: np.ndarray


def explore(latents, pairs, near, steps=7, components=4, queries=8):
    """Rows of latents worth listening to.

    Args:
        latents: `Latents`.
        pairs: list of (index, index), to go between.
        near: what `nearest` returned.
        steps: latents on each way.
        components: principal directions.
        queries: clips whose neighbours are shown, evenly chosen.

    Returns:
        list of Row.
    """
    z, known = latents.z, latents.labels != UNKNOWN
    rows = [
        Row("interpolation", f"{latents.names[a]} to {latents.names[b]}", _shares(steps), interpolate(z[a], z[b], steps)) for a, b in pairs
    ]
    means = class_means(z[known], latents.labels[known])
    if means:
        rows.append(Row("classes", "mean z of each digit", [DIGITS[label] for label in means], np.stack(list(means.values()))))
    centre = z.mean(axis=0)
    offsets = [f"{offset:+.2g}" for offset in np.linspace(-REACH, REACH, steps)]
    if len(means) > 1:
        for label, direction in class_directions(z[known], latents.labels[known]).items():
            rows.append(Row("class_directions", f"towards {DIGITS[label]}", offsets, walk(centre, direction, REACH, steps)))
    directions, shares = principal_directions(z, components)
    for i, (direction, share) in enumerate(zip(directions, shares, strict=True)):
        title = f"principal direction {i + 1} ({100 * share:.1f} % of the variance)"
        rows.append(Row("principal_directions", title, offsets, walk(centre, direction, REACH, steps)))
    indices, distances = near
    for query in np.unique(np.linspace(0, len(z) - 1, min(queries, len(z))).round().astype(int)):
        captions = [latents.names[query], *(f"{latents.names[i]} ({d:.2f})" for i, d in zip(indices[query], distances[query], strict=True))]
        rows.append(Row("neighbours", f"nearest to {latents.names[query]}", captions, z[[query, *indices[query]]]))
    return rows


def retrieval(latents, near):
    """How often the nearest clip by z has the same digit, and the same speaker, beside how often any other clip has.

    Args:
        latents: `Latents`.
        near: what `nearest` returned.

    Returns:
        dict of "digit" and "speaker" to {"nearest", "chance", "n"}; one that no two clips have is left out.
    """
    found, first = {}, near[0][:, 0]
    for kind, values, unknown in (("digit", latents.labels, UNKNOWN), ("speaker", np.array(latents.speakers), "")):
        known = values != unknown
        usable = np.flatnonzero(known & known[first])
        if len(usable) and len(set(values[known].tolist())) > 1:
            counts = collections.Counter(values[known].tolist())
            chance = [(counts[value] - 1) / (known.sum() - 1) for value in values[usable].tolist()]
            same = values[usable] == values[first[usable]]
            found[kind] = {"nearest": float(same.mean()), "chance": float(np.mean(chance)), "n": len(usable)}
    return found


def in_words(alike):
    """What `retrieval` found: list of sentences."""
    return [
        f"The nearest clip by z has the same {kind} for {100 * found['nearest']:.1f} % of {found['n']} clips; any other has it for "
        f"{100 * found['chance']:.1f} %."
        for kind, found in alike.items()
    ]


def _shares(steps):
    return [f"{100 * share:.0f} %" for share in np.linspace(0, 1, steps)]
