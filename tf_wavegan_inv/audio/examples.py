"""Clips in TFRecord files, as tf.train.Example."""

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.errors import UserError

FULL_SCALE = 32767


def pcm_of(name, audio):
    """Audio, float [samples, channels], as 16-bit integers that use their full range, whatever the level.

    Returns:
        bytes, little-endian int16, channels interleaved; and what 32767 stands for, a power of two.

    Raises:
        UserError: if the audio holds NaN, or is of another shape; `name` is for the message.
    """
    audio = np.asarray(audio, np.float64)
    if audio.ndim != 2 or not np.isfinite(audio).all():
        raise UserError(f"{name}: audio must be finite, [samples, channels]; received {list(audio.shape)}.")
    peak = float(np.abs(audio).max(initial=0))
    scale = 2.0 ** np.ceil(np.log2(peak)) if peak else 1.0
    return np.rint(audio * (FULL_SCALE / scale)).astype("<i2").tobytes(), float(scale)


def to_example(name, audio, *, rate, label=UNKNOWN, speaker="", split=""):
    """One clip as a serialised tf.train.Example.

    Args:
        name: of the clip, str.
        audio: float [samples, channels], kept as 16-bit integers.
        rate: Hz.
        label: digit, -1 where unknown; speaker, split: str.

    Returns:
        bytes: the Example, with features name, audio and scale (`pcm_of`), channels, rate, label, speaker, split.

    Raises:
        UserError: see `pcm_of`.
    """

    def of_bytes(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def of_int(value):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    pcm, scale = pcm_of(name, audio)
    features = {
        "name": of_bytes(name.encode()),
        "audio": of_bytes(pcm),
        "scale": tf.train.Feature(float_list=tf.train.FloatList(value=[scale])),
        "channels": of_int(np.shape(audio)[1]),
        "rate": of_int(rate),
        "label": of_int(label),
        "speaker": of_bytes(speaker.encode()),
        "split": of_bytes(split.encode()),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def from_example(data):
    """The name, audio float32 [samples, channels] and rate in Hz of a clip that `to_example` wrote; without `scale` that is 1.

    Raises:
        UserError: if it is damaged, or another kind of Example.
    """
    try:
        features = tf.train.Example.FromString(data).features.feature
        name = features["name"].bytes_list.value[0].decode()
        samples = np.frombuffer(features["audio"].bytes_list.value[0], "<i2")
        rate, channels = (features[key].int64_list.value[0] for key in ("rate", "channels"))
        scale = features["scale"].float_list.value[0] if "scale" in features else 1.0
        return name, samples.reshape(-1, channels).astype(np.float32) * np.float32(scale / FULL_SCALE), rate
    except Exception as error:  # protobuf's own, IndexError, ValueError
        raise UserError(f"not a record of a clip (features name, audio, channels, rate): {type(error).__name__} {error}") from None
