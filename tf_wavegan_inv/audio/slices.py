"""Recordings cut into slices, as WaveGAN's official loader cuts its training audio (`loader.py`)."""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.dataset import conditioned, shuffled, shuffled_by_label
from tf_wavegan_inv.errors import UserError


@dataclasses.dataclass(frozen=True)
class SliceConfig:
    """Which parts of a recording are used.

    Attributes:
        first: bool. Whether to use only the first slice (official `data_first_slice`). False: all slices, each at a new random offset
            whenever it is drawn. Default True.
        pad_end: bool. Whether to fill a short last slice with zeros (`data_pad_end`). False: it is left out. Default True.
        overlap: float. Share of a slice that the next one repeats, 0 to below 1 (`data_overlap_ratio`). Default 0.
    """

    first: bool = True
    pad_end: bool = True
    overlap: float = 0.0

    def __post_init__(self):
        if not 0 <= self.overlap < 1:
            raise UserError(f"The overlap of slices must be at least 0 and below 1, received {self.overlap}.")


def slice_starts(samples, length, config):
    """Where the slices of a recording of `samples` begin: int64 [slices]."""
    hop = round(length * (1 - config.overlap))
    count = -(-samples // hop) if config.pad_end else max(0, 1 + (samples - length) // hop)
    return np.arange(min(count, 1) if config.first else count) * hop


def slices_of(audio, length, config):
    """The slices of one recording: [samples, channels] -> [slices, length, channels]."""
    padded = np.pad(audio, [(0, length), (0, 0)])
    starts = slice_starts(len(audio), length, config)
    return np.stack([padded[s : s + length] for s in starts]) if len(starts) else np.empty((0, length, audio.shape[1]), audio.dtype)


@dataclasses.dataclass(frozen=True)
class Slices:
    """Recordings held in memory, and where their slices are.

    Attributes:
        audio: int16 [samples, channels]. All recordings, concatenated.
        starts: int64 [slices]. Start of each slice in `audio`.
        ends: int64 [slices]. End of the recording of each slice in `audio`.
        length: int. Samples in a slice.
        jitter: int. Largest random delay of a slice's start in samples, drawn each time.
        keep_whole: bool. Whether a slice that would pass the recording's end starts earlier. False: zeros fill it.
        full_scale: float. Amplitude that 32767 stands for.
        labels: int32 [slices] or None. Digit of each slice, -1 if unknown. None: slices are drawn whatever their label.
    """

    audio: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    length: int
    jitter: int
    keep_whole: bool
    full_scale: float = 1.0
    labels: np.ndarray | None = None

    def __len__(self):
        return len(self.starts)

    def tensors(self):
        """The same with tensors, so that a tf.data graph refers to the audio and does not contain it (it may hold 2 GB at most)."""
        columns = {name: tf.constant(getattr(self, name)) for name in ("audio", "starts", "ends")}
        return dataclasses.replace(self, **columns)


def load_slices(recordings, audio_config, *, slice_config, length, channels, progress=None, balanced=False):
    """Decode recordings into memory, as `Slices`; with labels if `balanced`.

    Raises:
        UserError: if there is no slice in them.
    """
    full_scale, parts, starts, ends, labels, position = max(1.0, audio_config.gain), [], [], [], [], 0
    kept = length if slice_config.first else None
    for i, clip in enumerate(conditioned(recordings, audio_config, None, channels).prefetch(8).as_numpy_iterator()):
        if progress:
            progress(i + 1, len(recordings))
        first = slice_starts(len(clip), length, slice_config)
        clip = np.clip(np.rint(clip[:kept] * (32767 / full_scale)), -32768, 32767).astype(np.int16)
        parts.append(clip)
        starts.append(position + first)
        position += len(clip)
        labels.append(np.full(len(first), recordings[i].clip.label, np.int32))
        ends.append(np.full(len(first), position))
    starts = np.concatenate(starts).astype(np.int64)
    if not len(starts):
        raise UserError(f"None of the {len(recordings)} recordings is as long as a slice of {length} samples: use pad_end = true.")
    jitter = 0 if slice_config.first else round(length * (1 - slice_config.overlap))
    ends = np.concatenate(ends).astype(np.int64)
    labels = np.concatenate(labels) if balanced else None
    return Slices(np.concatenate(parts), starts, ends, length, jitter, not slice_config.pad_end, full_scale, labels)


def slice_batches(slices, batch_size, seed, step):
    """Audio of one batch, by seed and step alone: float32 [batch_size, length, channels].

    Every pass visits each slice once. If slices have labels, every label is drawn equally often instead (`shuffled_by_label`).
    """
    audio, begin, end = (tf.convert_to_tensor(column) for column in (slices.audio, slices.starts, slices.ends))
    position = step * batch_size + tf.range(batch_size, dtype=tf.int64)
    index = shuffled(position, len(slices), seed) if slices.labels is None else shuffled_by_label(position, slices.labels, seed)
    begin, end = tf.gather(begin, index), tf.gather(end, index)
    if slices.jitter:
        seeds = tf.stack([tf.constant(seed, tf.int64), step])
        share = tf.random.stateless_uniform([batch_size], seeds, dtype=tf.float64)
        begin = begin + tf.cast(share * tf.cast(tf.minimum(tf.constant(slices.jitter, tf.int64), end - begin), tf.float64), tf.int64)
        if slices.keep_whole:
            begin = tf.minimum(begin, end - slices.length)
    places = begin[:, None] + tf.range(slices.length, dtype=tf.int64)
    inside = places < end[:, None]
    samples = tf.gather(audio, tf.where(inside, places, 0))
    return tf.where(inside[..., None], tf.cast(samples, tf.float32), 0.0) * (slices.full_scale / 32767)
