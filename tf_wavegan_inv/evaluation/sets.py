"""The clips that an evaluation inverts."""

import dataclasses
import typing

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.folders import unique_names
from tf_wavegan_inv.audio.labels import UNKNOWN

SYNTHESISED, REAL = "synthesised", "real"
TRUTH = 2**20  # of the seed: inversion draws its random starts by seed and number too, and must not begin at the truth


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Clips of one kind.

    Attributes:
        name: `SYNTHESISED` or `REAL`.
        clips: list of str, a name for each.
        batch: function of (first, stop) -> float32 [stop - first, samples, channels].
        identity: function of (first, stop) -> bytes that tell these clips from others.
        labels: int [clips], the digit that is spoken; -1 where unknown, as for all synthesised clips.
        speakers: list of str; "" where unknown.
        z: float32 [clips, latent_dim], the truth; None for real clips.
    """

    name: str
    clips: list
    batch: typing.Callable
    identity: typing.Callable
    labels: np.ndarray
    speakers: list
    z: np.ndarray | None = None

    def __len__(self):
        return len(self.clips)


def synthesised(generator, count, seed=0):
    """Clips that the generator makes of random z, uniform in [-1, 1); those of a clip depend on the seed and its number alone."""
    size = generator.input_shape[1]
    z = np.stack([np.random.default_rng([seed, i, TRUTH]).uniform(-1, 1, size) for i in range(count)]).astype(np.float32)
    generate = tf.function(lambda z: generator(z, training=False), input_signature=[tf.TensorSpec(generator.input_shape)])
    width = max(4, len(str(count - 1)))
    return ClipSet(
        SYNTHESISED,
        [f"{i:0{width}}" for i in range(count)],
        lambda first, stop: generate(z[first:stop]).numpy(),
        lambda first, stop: z[first:stop].tobytes(),
        np.full(count, UNKNOWN),
        [""] * count,
        z,
    )


def real(clips):
    """`ClipArrays` as a `ClipSet`."""
    recordings = [r.clip for r in clips.recordings]
    return ClipSet(
        REAL,
        unique_names(recordings),
        clips.float_audio,
        lambda first, stop: clips.audio[first:stop].tobytes(),
        clips.labels,
        [c.speaker for c in recordings],
    )


def spread(labels, count, seed=0):
    """Indices of `count` clips, digits in turn, chosen by seed: all clips where there are no more."""
    order = np.random.default_rng(seed).permutation(len(labels))
    queues = {label: [i for i in order if labels[i] == label] for label in sorted(set(labels.tolist()))}
    chosen = []
    while len(chosen) < min(count, len(labels)):
        chosen += [queue.pop() for queue in queues.values() if queue]
    return sorted(int(i) for i in chosen[:count])
