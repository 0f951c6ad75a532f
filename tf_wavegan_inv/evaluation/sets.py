"""The clips that an evaluation inverts."""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.folders import unique_names
from tf_wavegan_inv.audio.labels import UNKNOWN

SYNTHESISED, REAL = "synthesised", "real"
CHUNK = 32


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Clips of one kind.

    Attributes:
        name: `SYNTHESISED` or `REAL`.
        clips: list of str, a name for each.
        audio: float32 [clips, samples, channels], or int16 where `scale` says what 1 stands for.
        scale: what `audio` is to be multiplied with.
        labels: int [clips], the digit that is spoken; -1 where unknown, as for all synthesised clips.
        speakers: list of str; "" where unknown.
        z: float32 [clips, latent_dim], the truth; None for real clips.
    """

    name: str
    clips: list
    audio: np.ndarray
    scale: float
    labels: np.ndarray
    speakers: list
    z: np.ndarray | None = None

    def __len__(self):
        return len(self.clips)

    def batch(self, first, stop):
        """float32 [stop - first, samples, channels]."""
        return self.audio[first:stop].astype(np.float32) * np.float32(self.scale)


def synthesised(generator, count, seed=0):
    """Clips that the generator makes of random z, uniform in [-1, 1)."""
    z = np.random.default_rng([seed, count]).uniform(-1, 1, (count, generator.input_shape[1])).astype(np.float32)
    generate = tf.function(lambda z: generator(z, training=False), input_signature=[tf.TensorSpec(generator.input_shape)])
    audio = np.concatenate([generate(z[i : i + CHUNK]).numpy() for i in range(0, count, CHUNK)])
    width = max(4, len(str(count - 1)))
    return ClipSet(SYNTHESISED, [f"{i:0{width}}" for i in range(count)], audio, 1.0, np.full(count, UNKNOWN), [""] * count, z)


def real(clips):
    """`ClipArrays` as a `ClipSet`."""
    recordings = [r.clip for r in clips.recordings]
    return ClipSet(REAL, unique_names(recordings), clips.audio, clips.full_scale / 32767, clips.labels, [c.speaker for c in recordings])
