"""Sets of clips to evaluate."""

import dataclasses
import typing

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.folders import unique_names
from tf_wavegan_inv.audio.labels import UNKNOWN

SYNTHESISED, REAL = "synthesised", "real"
TRUTH = 2**20  # added to the seed of true z, which must differ from the random starts of the inversion


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Clips of one kind.

    Attributes:
        name: str. `SYNTHESISED` or `REAL`.
        clips: list of str. Unique name of each clip.
        batch: function of (first, stop) -> float32 [stop - first, samples, channels].
        identity: function of (first, stop) -> bytes. Identity of the content of these clips.
        labels: int [clips]. True labels, `UNKNOWN` if there is none, as for all synthesised clips.
        speakers: list of str. Speaker of each clip, "" if unknown.
        z: float32 [clips, latent_dim] or None. True z; None for real clips. Default None.
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


def synthesised(generator, count: int, *, seed: int = 0) -> ClipSet:
    """Clips of random z, uniform in [-1, 1). A clip's z depends only on the seed and the clip's index."""
    size = generator.input_shape[1]
    z = [np.random.default_rng([seed, i, TRUTH]).uniform(-1, 1, size) for i in range(count)]
    z = np.stack(z).astype(np.float32)
    spec = tf.TensorSpec(generator.input_shape)
    generate = tf.function(lambda z: generator(z, training=False), input_signature=[spec])
    width = max(4, len(str(count - 1)))
    return ClipSet(
        name=SYNTHESISED,
        clips=[f"{i:0{width}}" for i in range(count)],
        batch=lambda first, stop: generate(z[first:stop]).numpy(),
        identity=lambda first, stop: z[first:stop].tobytes(),
        labels=np.full(count, UNKNOWN),
        speakers=[""] * count,
        z=z,
    )


def real(clips) -> ClipSet:
    """`ClipArrays` as a `ClipSet`."""
    recordings = [r.clip for r in clips.recordings]
    return ClipSet(
        name=REAL,
        clips=unique_names(recordings),
        batch=clips.float_audio,
        identity=lambda first, stop: clips.audio[first:stop].tobytes(),
        labels=clips.labels,
        speakers=[c.speaker for c in recordings],
    )


def spread(labels: np.ndarray, count: int, *, seed: int = 0) -> list[int]:
    """Indices of `count` random clips, evenly over the labels; all clips if there are fewer."""
    order = np.random.default_rng(seed).permutation(len(labels))
    queues = {label: [i for i in order if labels[i] == label] for label in sorted(set(labels.tolist()))}
    chosen = []
    while len(chosen) < min(count, len(labels)):
        chosen += [queue.pop() for queue in queues.values() if queue]
    return sorted(int(i) for i in chosen[:count])
