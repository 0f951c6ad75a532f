"""Decoded audio -> audio of the generator's rate, channels, level and length."""

import tensorflow as tf

from tf_wavegan_inv.audio.resample import resample

MARGIN_SECONDS = 0.05  # more than the resampling filter reaches


def condition(audio, rate, config, length, *, channels=1):
    """Bring one clip to the generator's form.

    Args:
        audio: float32 [samples, any channels], in [-1, 1].
        rate: int or scalar tensor. Sample rate of the audio in Hz.
        config: `AudioConfig`. Requested rate and level.
        length: int or None. Samples of the result: the start of the clip is kept and zeros are added at the end, as WaveGAN read SC09. None
            keeps the whole clip.
        channels: int. Channels of the result. The mean of the clip's channels is repeated unless it has just as many. Default 1.

    Returns:
        float32 [length, channels].
    """
    audio = match_channels(audio, channels)
    if config.peak_normalise:
        audio = tf.math.divide_no_nan(audio, tf.reduce_max(tf.abs(audio)))
    if length is None:
        return config.gain * resample(audio, rate, config.sample_rate)
    seconds = length / config.sample_rate + MARGIN_SECONDS  # no more is resampled than is kept
    audio = audio[: tf.cast(tf.math.ceil(seconds * tf.cast(rate, tf.float32)), tf.int32)]
    return fit_length(config.gain * resample(audio, rate, config.sample_rate), length)


def match_channels(audio, channels):
    """[samples, any] -> [samples, channels]."""
    mean = tf.repeat(tf.reduce_mean(audio, axis=1, keepdims=True), channels, axis=1)
    same = tf.equal(tf.shape(audio)[1], channels)
    return tf.ensure_shape(tf.cond(same, lambda: audio, lambda: mean), [None, channels])


def fit_length(audio, length):
    """Cut or zero-pad at the end: [samples, channels] -> [length, channels]."""
    audio = audio[:length]
    audio = tf.pad(audio, [[0, length - tf.shape(audio)[0]], [0, 0]])
    return tf.ensure_shape(audio, [length, None])
