"""Audio files -> samples: tensorflow-io inside tf.data, soundfile wherever tensorflow-io cannot."""

import functools
import logging
import warnings

import numpy as np
import soundfile
import tensorflow as tf

from tf_wavegan_inv.audio.examples import FULL_SCALE

log = logging.getLogger(__name__)

SOUNDFILE = "soundfile"
SHARD = "shard"  # of TFRecords: the path is <file>#<offset>,<bytes>,<scale> of 16-bit samples, one channel
MAX_SECONDS = 30.0  # of a longer file only this much is read


@functools.cache
def tensorflow_io():
    """The tensorflow_io module, or None (logged once) where it is absent or its library does not load (TensorFlow 2.18 and newer)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the module warns at import of each library that does not load
            import tensorflow_io as tfio

            tfio.audio.decode_mp3  # noqa: B018 - resolves the lazy package
            tfio.audio.decode_wav(tf.constant(_ONE_SAMPLE_WAV), dtype=tf.int16)
    except Exception as error:  # ImportError, NotImplementedError, or what the loader raises
        why = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not load with TensorFlow {tf.__version__}"
        log.info("tensorflow-io %s: audio is decoded by soundfile.", why)
        return None
    return tfio


_ONE_SAMPLE_WAV = (
    b"RIFF\x26\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00"
    b"data\x02\x00\x00\x00\x00\x00"
)


def _decoders():
    """Name of decoder -> function of a path (scalar string tensor) -> float32 [samples, channels] in [-1, 1].

    Each tensorflow-io decoder is bound to one sample type, which its caller must know. It is not used for 32-bit integer WAV, which it
    takes for float, nor for Opus.
    """
    tfio = tensorflow_io()
    decoders = {SOUNDFILE: _decode_by_soundfile, SHARD: _decode_from_shard}
    if tfio is None:
        return decoders

    def integers(decode, dtype):
        return lambda path: _unit_range(decode(tf.io.read_file(path), dtype=dtype))

    def floats(decode):
        return lambda path: decode(tf.io.read_file(path))

    wav, flac = tfio.audio.decode_wav, tfio.audio.decode_flac
    return decoders | {
        "WAV/PCM_U8": integers(wav, tf.uint8),
        "WAV/PCM_16": integers(wav, tf.int16),
        "WAV/PCM_24": integers(wav, tf.int32),
        "WAV/FLOAT": lambda path: wav(tf.io.read_file(path), dtype=tf.float32),
        "FLAC/PCM_S8": integers(flac, tf.uint8),
        "FLAC/PCM_16": integers(flac, tf.int16),
        "FLAC/PCM_24": integers(flac, tf.int32),
        "OGG/VORBIS": floats(tfio.audio.decode_vorbis),
        "MP3/MPEG_LAYER_III": floats(tfio.audio.decode_mp3),
    }


def _unit_range(samples):
    """Integer samples, as tensorflow-io left-aligns them in their type, to float32 in [-1, 1)."""
    if samples.dtype == tf.uint8:
        return (tf.cast(samples, tf.float32) - 128) / 128
    return tf.cast(tf.cast(samples, tf.float64) / -float(samples.dtype.min), tf.float32)


def _decode_by_soundfile(path):
    def read(path):
        path = path if isinstance(path, bytes) else path.item()  # eager calls pass a NumPy scalar
        with soundfile.SoundFile(path.decode()) as file:
            return file.read(int(MAX_SECONDS * file.samplerate), dtype="float32", always_2d=True)

    samples = tf.numpy_function(read, [path], tf.float32, stateful=False)
    return tf.ensure_shape(samples, [None, None])


def _decode_from_shard(path):
    def read(path):
        path = path if isinstance(path, bytes) else path.item()
        name, _, place = path.decode().rpartition("#")
        offset, size, scale = place.split(",")
        with open(name, "rb") as file:
            file.seek(int(offset))
            return np.frombuffer(file.read(int(size)), "<i2").astype(np.float32)[:, None] * np.float32(float(scale) / FULL_SCALE)

    samples = tf.numpy_function(read, [path], tf.float32, stateful=False)
    return tf.ensure_shape(samples, [None, 1])


def is_plain_wav(path):
    """Whether a WAV is one that tensorflow-io reads rightly: little-endian, with chunks of even size that end where the file ends.

    It misreads chunks of odd size (a LIST or id3 of 25 bytes makes it find no samples) and refuses streamed files of unknown length.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if file.read(4) != b"RIFF":
            return False
        place = 12
        while place < size:
            file.seek(place + 4)
            length = int.from_bytes(file.read(4), "little")
            if length % 2:
                return False
            place += 8 + length
    return place == size


def decoder_of(info):
    """The decoder for a file, by its header.

    Args:
        info: a `soundfile.SoundFile`.

    Returns:
        str: a name for `decode`.
    """
    name = f"{info.format.replace('WAVEX', 'WAV')}/{info.subtype}"
    too_long = info.frames > MAX_SECONDS * info.samplerate
    if too_long or name not in _decoders() or (name.startswith("WAV/") and not is_plain_wav(info.name)):
        return SOUNDFILE
    return name


def decode(path, decoder):
    """Read one audio file; runs in tf.data.

    Args:
        path: scalar string tensor.
        decoder: scalar int tensor, `decoder_index` of the name that `decoder_of` gave.

    Returns:
        float32 [samples, channels] in [-1, 1] at the file's own rate; at most `MAX_SECONDS`.
    """
    branches = [lambda d=d: tf.ensure_shape(d(path), [None, None]) for d in _decoders().values()]
    return tf.switch_case(decoder, branches)


def decoder_index(name):
    return list(_decoders()).index(name)
