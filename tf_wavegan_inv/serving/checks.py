"""Checks of a served model's inputs, by stock ops: the answer to bad input is INVALID_ARGUMENT with a message."""

import tensorflow as tf

from tf_wavegan_inv.inversion.checks import LOUDEST

MAX_BATCH = 128  # clips in a request
RATES = (4000, 192000)  # Hz
WAV_HEADER = 44  # bytes


def checked_audio(audio: tf.Tensor) -> tf.Tensor:
    """Audio [batch, samples, channels]; fails if the batch is empty or too large, or audio is NaN, too loud or silent."""
    peaks = tf.reduce_max(tf.abs(audio), axis=(1, 2))
    checks = [
        *_batch_checks(audio),
        _check(tf.reduce_all(tf.math.is_finite(audio)), "audio holds NaN or infinite samples"),
        _check(
            tf.reduce_all((peaks <= LOUDEST) | tf.math.is_nan(peaks)),
            "audio must lie in [-1, 1]: divide 16-bit integers by 32768; the peaks received are",
            peaks,
        ),
        _check(tf.reduce_all((peaks > 0) | tf.math.is_nan(peaks)), "audio is silent in some clip; the peaks received are", peaks),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(audio)


def checked_latents(z: tf.Tensor) -> tf.Tensor:
    """z [batch, latent_dim]; fails if the batch is empty or too large, or z is NaN."""
    finite = _check(tf.reduce_all(tf.math.is_finite(z)), "z holds NaN or infinite values")
    with tf.control_dependencies([*_batch_checks(z), finite]):
        return tf.identity(z)


def checked_wav(data: tf.Tensor) -> tf.Tensor:
    """A WAV file, scalar string; fails if its header is no header of a 16-bit WAV file.

    The decoder's own message would quote the received bytes, which may be no text.
    """
    long_enough = _check(
        tf.strings.length(data) > WAV_HEADER, f"a WAV file has more than {WAV_HEADER} bytes; received", tf.strings.length(data)
    )
    with tf.control_dependencies([long_enough]):
        data = tf.identity(data)
    right = [tf.equal(tf.strings.substr(data, place, 4), name) for place, name in ((0, "RIFF"), (8, "WAVE"), (12, "fmt "))]
    with tf.control_dependencies([_check(tf.reduce_all(right), "not a WAV file: it must begin with RIFF, WAVE and fmt")]):
        data = tf.identity(data)
    kind = tf.io.decode_raw(tf.strings.substr(data, 20, 2), tf.int16, little_endian=True)
    bits = tf.io.decode_raw(tf.strings.substr(data, 34, 2), tf.int16, little_endian=True)
    message = "a WAV file of 16-bit integers (format 1) is required; received format and bits"
    with tf.control_dependencies([_check(tf.reduce_all((kind == 1) & (bits == 16)), message, kind, bits)]):
        return tf.identity(data)


def checked_rate(rate: tf.Tensor) -> tf.Tensor:
    """A sample rate in Hz, scalar; fails if it is outside `RATES`."""
    within = (rate >= RATES[0]) & (rate <= RATES[1])
    with tf.control_dependencies([_check(within, f"the sample rate must be {RATES[0]} to {RATES[1]} Hz; received", rate)]):
        return tf.identity(rate)


def checked_steps(steps: tf.Tensor, audio: tf.Tensor, *, most: int) -> tf.Tensor:
    """steps [batch]; fails unless there is one number for each clip of `audio`, in 0..`most`."""
    steps = tf.ensure_shape(steps, [None])
    checks = [
        _check(tf.equal(tf.shape(audio)[0], tf.size(steps)), "steps must hold one number a clip; received", tf.size(steps)),
        _check(tf.reduce_all((steps >= 0) & (steps <= most)), f"steps must be in 0..{most}; received", steps),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(steps)


def checked_batch(batch: tf.Tensor) -> tf.Tensor:
    """A tensor [batch, ...]; fails if the batch is empty or too large."""
    batch = tf.ensure_shape(batch, [None, *batch.shape[1:]])
    with tf.control_dependencies(_batch_checks(batch)):
        return tf.identity(batch)


def _batch_checks(batch):
    count = tf.shape(batch)[0]
    return [_check((count >= 1) & (count <= MAX_BATCH), f"1 to {MAX_BATCH} clips a request are allowed; received", count)]


def _check(condition, *message):
    return tf.debugging.Assert(condition, list(message), summarize=8)
