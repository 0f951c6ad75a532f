"""Sample-rate conversion by a windowed sinc, in stock TensorFlow ops."""

import math

import tensorflow as tf

ZERO_CROSSINGS = 48  # of the sinc, on each side
ROLLOFF = 0.95  # pass band, as a part of the lower Nyquist frequency
KAISER_BETA = 10.0  # about -100 dB in the stop band


def resample(audio, rate, target_rate):
    """Resample audio in time, without delay.

    Output n is the input's band-limited interpolation at n * rate / target_rate (Smith, "Digital Audio Resampling", 2002): a polyphase
    filter with one row of taps for each of the target_rate / gcd positions that can occur between two input samples.

    Args:
        audio: float32 [samples, channels].
        rate: its rate in Hz, an int or scalar int tensor.
        target_rate: the requested rate in Hz, likewise.

    Returns:
        float32 [ceil(samples * target_rate / rate), channels].
    """
    rate, target_rate = tf.cast(rate, tf.int64), tf.cast(target_rate, tf.int64)
    return tf.cond(tf.equal(rate, target_rate), lambda: audio, lambda: _resample(audio, rate, target_rate))


def _resample(audio, rate, target_rate):
    divisor = _gcd(rate, target_rate)
    up, down = target_rate // divisor, rate // divisor
    cutoff = ROLLOFF * tf.minimum(1.0, tf.cast(up / down, tf.float32))
    half = tf.cast(tf.math.ceil(ZERO_CROSSINGS / cutoff), tf.int64)

    fraction = tf.cast(tf.range(up) / up, tf.float32)
    distance = fraction[:, tf.newaxis] + tf.cast(half - 1 - tf.range(2 * half), tf.float32)
    window = _kaiser(distance / tf.cast(half, tf.float32))
    taps = cutoff * _sinc(cutoff * distance) * window
    taps /= tf.reduce_sum(taps, axis=1, keepdims=True)  # a constant stays that constant

    samples = tf.shape(audio, tf.int64)[0]
    position = tf.range((samples * up + down - 1) // down) * down
    padded = tf.pad(audio, [[half - 1, half + 1], [0, 0]])
    windows = tf.gather(padded, position[:, tf.newaxis] // up + tf.range(2 * half))
    return tf.einsum("nk,nkc->nc", tf.gather(taps, position % up), windows)


def _gcd(a, b):
    return tf.while_loop(lambda a, b: b > 0, lambda a, b: (b, a % b), (a, b))[0]


def _sinc(x):
    angle = math.pi * x
    return tf.where(x == 0, 1.0, tf.math.divide_no_nan(tf.sin(angle), angle))


def _kaiser(x):
    """Kaiser window over [-1, 1]."""
    inside = tf.sqrt(tf.maximum(0.0, 1 - x**2))
    return tf.where(tf.abs(x) <= 1, tf.math.bessel_i0(KAISER_BETA * inside) / tf.math.bessel_i0(KAISER_BETA), 0.0)
