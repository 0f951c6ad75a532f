"""What a served model says to input that it cannot use: stock ops, so that the answer is INVALID_ARGUMENT with a message."""

import tensorflow as tf

MAX_BATCH = 128  # clips a request
MAX_PEAK = 4.0  # of audio in [-1, 1]; more is 16-bit integers
RATES = (4000, 192000)  # Hz
WAV_HEADER = 44  # bytes


def checked_audio(audio):
    """audio [batch, samples, channels], unless it is empty, too much, NaN, out of range or silent."""
    peaks = tf.reduce_max(tf.abs(audio), axis=(1, 2))
    checks = [
        *_batch_checks(audio),
        _check(tf.reduce_all(tf.math.is_finite(audio)), "audio holds NaN or infinite samples"),
        _check(
            tf.reduce_all((peaks <= MAX_PEAK) | tf.math.is_nan(peaks)),
            "audio must lie in [-1, 1]: divide 16-bit integers by 32768; the peaks received are",
            peaks,
        ),
        _check(tf.reduce_all((peaks > 0) | tf.math.is_nan(peaks)), "audio is silent in some clip; the peaks received are", peaks),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(audio)


def checked_latents(z):
    """z [batch, latent_dim], unless it is empty, too much or NaN."""
    with tf.control_dependencies([*_batch_checks(z), _check(tf.reduce_all(tf.math.is_finite(z)), "z holds NaN or infinite values")]):
        return tf.identity(z)


def checked_wav(data):
    """A WAV file, a scalar string, unless its header is another's. (The decoder's own message would hold the bytes it found, which may be
    no text.)"""
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
    message = "a WAV file of 16-bit integers (format 1) is wanted; received format and bits"
    with tf.control_dependencies([_check(tf.reduce_all((kind == 1) & (bits == 16)), message, kind, bits)]):
        return tf.identity(data)


def checked_rate(rate):
    """A sample rate in Hz, a scalar, unless it is out of `RATES`."""
    within = (rate >= RATES[0]) & (rate <= RATES[1])
    with tf.control_dependencies([_check(within, f"the sample rate must be {RATES[0]} to {RATES[1]} Hz; received", rate)]):
        return tf.identity(rate)


def checked_steps(steps, audio, most):
    """steps [batch], one number for each clip of `audio`, unless there are others or one is not in 0..`most`."""
    steps = tf.ensure_shape(steps, [None])
    checks = [
        _check(tf.equal(tf.shape(audio)[0], tf.size(steps)), "one number of steps a clip; received", tf.size(steps)),
        _check(tf.reduce_all((steps >= 0) & (steps <= most)), f"steps must be in 0..{most}; received", steps),
    ]
    with tf.control_dependencies(checks):
        return tf.identity(steps)


def checked_batch(batch):
    """A tensor [batch, ...], unless it is empty or too much."""
    batch = tf.ensure_shape(batch, [None, *batch.shape[1:]])
    with tf.control_dependencies(_batch_checks(batch)):
        return tf.identity(batch)


def _batch_checks(batch):
    count = tf.shape(batch)[0]
    return [_check((count >= 1) & (count <= MAX_BATCH), f"1 to {MAX_BATCH} clips a request are served; received", count)]


def _check(condition, *message):
    return tf.debugging.Assert(condition, list(message), summarize=8)
