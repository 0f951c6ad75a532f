"""tf.data pipelines over recordings."""

import dataclasses
import logging
import math
import os
import tempfile

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.condition import condition
from tf_wavegan_inv.audio.decode import decode, decoder_index
from tf_wavegan_inv.errors import UserError

log = logging.getLogger(__name__)

IN_MEMORY = 2**28  # bytes of clips


def conditioned(recordings, config, length, channels=1):
    """Decode recordings in parallel, in order.

    Args:
        recordings: list of `Recording`.
        config: `AudioConfig`.
        length: samples a clip, or None for all there are.
        channels: channels a clip.

    Returns:
        tf.data.Dataset of float32 [length, channels].
    """
    columns = (
        tf.constant([r.source or str(r.clip.path) for r in recordings], tf.string),
        tf.constant([decoder_index(r.decoder) for r in recordings], tf.int32),
        tf.constant([r.rate for r in recordings], tf.int32),
    )

    def load(path, decoder, rate):
        audio = condition(decode(path, decoder), rate, config, length, channels=channels)
        return tf.ensure_shape(audio, [length, channels])

    return tf.data.Dataset.from_tensor_slices(columns).map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)


@dataclasses.dataclass(frozen=True)
class ClipArrays:
    """Clips held in memory.

    Attributes:
        audio: int16 [clips, length, channels]; 32767 stands for `full_scale`. On disk where there is much (`IN_MEMORY`).
        labels: int32 [clips], -1 where unknown.
        recordings: list of `Recording`, in the same order.
        full_scale: 1, or the recipe's gain where that is more.
    """

    audio: np.ndarray
    labels: np.ndarray
    recordings: list
    full_scale: float = 1.0

    def __len__(self):
        return len(self.labels)

    def float_audio(self, start=0, stop=None):
        """float32 [clips, length, channels] in [-full_scale, full_scale]."""
        return self.audio[start:stop].astype(np.float32) * (self.full_scale / 32767)

    def take(self, indices):
        """The clips at `indices`, a list of int."""
        return ClipArrays(self.audio[indices], self.labels[indices], [self.recordings[i] for i in indices], self.full_scale)


def load_arrays(recordings, config, length, channels=1, *, progress=None):
    """Decode recordings once (32 kB a clip of 16384 samples), as `ClipArrays`.

    Clips whose first `length` samples are silent are left out, with a log line. Raises UserError if that is all of them.
    """
    audio = _empty((len(recordings), length, channels))
    full_scale, kept = max(1.0, config.gain), []
    clips = conditioned(recordings, config, length, channels).prefetch(8).as_numpy_iterator()
    for done, (recording, clip) in enumerate(zip(recordings, clips, strict=True), 1):
        audio[len(kept)] = np.clip(np.rint(clip * (32767 / full_scale)), -32768, 32767)
        if audio[len(kept)].any():
            kept.append(recording)
        else:
            log.warning("skipped: %s: silent in its first %d samples, the part to use: cut off the silence.", recording.clip.path, length)
        if progress:
            progress(done, len(recordings))
    if recordings and not kept:
        raise UserError(
            f"None of the {len(recordings)} clips of the split {recordings[0].clip.split!r} can be used: all are silent in their first "
            f"{length} samples, as {recordings[0].clip.path} is. Cut the silence off."
        )
    return ClipArrays(audio[: len(kept)], np.array([r.clip.label for r in kept], np.int32), kept, full_scale)


def _empty(shape):
    """An int16 array: in memory, or, beyond `IN_MEMORY` bytes, in a file without a name, of which the system keeps in memory what fits."""
    size = 2 * math.prod(shape)
    if size <= IN_MEMORY:
        return np.empty(shape, np.int16)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the array keeps it open
    try:
        os.posix_fallocate(file.fileno(), 0, size)  # else a disk that is too small ends the process later, without a word
    except OSError as error:
        raise UserError(
            f"The clips need {size / 1e9:.1f} GB on disk while training runs, and {tempfile.gettempdir()} has no room ({error.strerror}): "
            "set TMPDIR to a folder that has."
        ) from None
    return np.memmap(file, np.int16, shape=shape)


def training_batches(clips, batch_size, *, seed, start_step=0, balanced=False):
    """Endless shuffled batches; batch k depends on `seed` and k alone, so that a run can resume at any step.

    Every epoch visits each clip once, in a new order; the last batch of an epoch is filled from the next. With `balanced` every label is
    drawn equally often instead (`shuffled_by_label`).

    Args:
        clips: `ClipArrays`.
        batch_size: clips a batch, of all replicas together.
        seed: int.
        start_step: number of the first batch.
        balanced: bool. Whether every label is drawn equally often. Default False.

    Returns:
        tf.data.Dataset of (audio float32 [batch_size, length, channels], label int32 [batch_size], step int64).
    """
    count = len(clips)
    labels = tf.constant(clips.labels)

    def batch(step):
        position = step * batch_size + tf.range(batch_size, dtype=tf.int64)
        index = shuffled_by_label(position, clips.labels, seed) if balanced else shuffled(position, count, seed)
        return _gathered(clips, index, batch_size), tf.gather(labels, index), step

    steps = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max // (batch_size + 1))
    return steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).prefetch(2)


def _gathered(clips, index, batch_size):
    """Audio at `index` [batch_size], as float32; runs in tf.data, and leaves the clips where they are."""
    audio = tf.numpy_function(lambda index: clips.audio[index], [index], tf.int16, stateful=False)
    return tf.cast(tf.ensure_shape(audio, [batch_size, *clips.audio.shape[1:]]), tf.float32) * (clips.full_scale / 32767)


def shuffled(position, count, seed):
    """Which of `count` items stands at `position` [n] (int64) of an endless series of passes, each in an order of its own: int64 [n].

    `count` is an int, or int64 [n] for a separate series at each position.
    """
    count = tf.broadcast_to(tf.cast(count, tf.int64), tf.shape(position))
    return tf.map_fn(
        lambda x: tf.random.experimental.index_shuffle(x[0], tf.stack([tf.constant(seed, tf.int64), x[1]]), x[2] - 1),
        (position % count, position // count, count),
        fn_output_signature=tf.int64,
    )


def shuffled_by_label(position, labels, seed):
    """As `shuffled`, with every label equally often, however many items it has.

    With L labels, each L consecutive positions hold one item of every label, in random order. The items of a label are visited in passes
    of their own.

    Args:
        position: int64 [n]. Positions in the endless series.
        labels: int [items]. Label of each item.
        seed: int. Seed of the order.

    Returns:
        int64 [n]. Indices of items.
    """
    counts = np.unique(labels, return_counts=True)[1]
    members = tf.constant(np.argsort(labels, kind="stable"), tf.int64)
    label = shuffled(position, len(counts), seed)
    first, count = (tf.gather(tf.constant(column, tf.int64), label) for column in (np.cumsum(counts) - counts, counts))
    return tf.gather(members, first + shuffled(position // len(counts), count, seed))


def validation_batches(clips, batch_size, *more):
    """Each clip once, in order, in batches of equal size: the last is filled up with clips of weight 0, so that no replica is left empty.

    Args:
        clips: `ClipArrays`.
        batch_size: clips a batch.
        more: further arrays [clips, ...], to go along.

    Returns:
        tf.data.Dataset of (audio float32 [batch_size, length, channels], label int32 [batch_size], *more, weight float32 [batch_size]).
    """
    index = np.arange(-(-len(clips) // batch_size) * batch_size)
    weight = (index < len(clips)).astype(np.float32)
    index %= len(clips)
    columns = [np.asarray(column)[index] for column in (clips.labels, *more)]
    dataset = tf.data.Dataset.from_tensor_slices((index, *columns, weight)).batch(batch_size, drop_remainder=True)
    return dataset.map(lambda index, *others: (_gathered(clips, index, batch_size), *others)).prefetch(2)
