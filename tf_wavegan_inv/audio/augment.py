"""Random changes that keep the spoken digit."""

import math

import tensorflow as tf

SPEED = (0.75, 1.35)  # tempo and pitch together: other speakers, in effect
SHIFT = 0.08  # of the clip, either way
BANDS, BAND_DB = 9, 9.0  # an equaliser: control points from 0 to the Nyquist frequency, and how far each goes, either way
GAP = 0.1  # longest silence cut in, of the clip
NOISE = (1e-4, 3e-2)  # of full scale
REVERBERATION = (0.05, 0.6)  # seconds in which a room's echoes fall by 60 dB
ECHO_DB = (-30.0, -3.0)  # level of all echoes together, of the clip's
BACKGROUND_DB = (-50.0, -8.0)  # level of the background noise, of the clip's
SLOPE = 1.0  # largest power of the frequency by which the background's amplitude falls: 0 white, 0.5 pink, 1 brown


def augment(audio, seed, strength=1.0):
    """Change speed, position, timbre and noise floor of each clip, cut a short gap, then restore its peak.

    Args:
        audio: float32 [batch, samples, channels].
        seed: int64 [2]. The same seed gives the same changes.
        strength: float, 0 to 1. Size of the changes, as a share of the ranges above. Default 1.

    Returns:
        float32 [batch, samples, channels].
    """
    batch, samples = tf.shape(audio)[0], audio.shape[1]
    seeds = tf.unstack(tf.random.split(seed, 7, alg="auto_select"))

    def uniform(seed, low, high, columns=1):
        return tf.random.stateless_uniform([batch, columns], seed, low, high)

    time = tf.range(samples, dtype=tf.float32)
    speed = tf.exp(strength * uniform(seeds[0], math.log(SPEED[0]), math.log(SPEED[1])))
    shift = strength * uniform(seeds[1], -SHIFT, SHIFT) * samples
    changed = _interpolate(audio, time * speed - shift)
    changed = _equalise(changed, strength * uniform(seeds[2], -BAND_DB, BAND_DB, BANDS))
    gap_begin = uniform(seeds[3], 0, 1) * samples
    gap = (time >= gap_begin) & (time < gap_begin + strength * uniform(seeds[4], 0, GAP) * samples)
    changed = _with_peak(tf.where(gap[:, :, tf.newaxis], 0.0, changed), _peak(audio))
    level = strength * tf.exp(uniform(seeds[5], math.log(NOISE[0]), math.log(NOISE[1])))[:, :, tf.newaxis]
    return _with_peak(changed + level * tf.random.stateless_normal(tf.shape(changed), seeds[6]), _peak(audio))


def in_room(audio, seed, sample_rate, strength=1.0):
    """Place each clip in a random room with random background noise, then restore its peak.

    A room is a series of echoes of random sign with an exponential decay (Moorer, "About this reverberation business", 1979). The
    background is noise whose spectrum falls by a random slope.

    Args:
        audio: float32 [batch, samples, channels].
        seed: int64 [2]. The same seed gives the same rooms.
        sample_rate: int. Sample rate in Hz.
        strength: float, 0 to 1. Factor of the amplitude of echoes and background. Default 1.

    Returns:
        float32 [batch, samples, channels].
    """
    batch, samples, channels = tf.shape(audio)[0], audio.shape[1], audio.shape[2]
    own = tf.random.experimental.stateless_fold_in(seed, 1)  # else the rooms would follow what `augment` draws from this seed
    seeds = tf.unstack(tf.random.split(own, 6, alg="auto_select"))

    def uniform(seed, low, high):
        return tf.random.stateless_uniform([batch, 1, 1], seed, low, high)

    def amplitude(seed, decibels):
        return strength * 10.0 ** (uniform(seed, *decibels) / 20)

    seconds = tf.range(samples, dtype=tf.float32) / sample_rate
    decay = tf.exp(uniform(seeds[0], math.log(REVERBERATION[0]), math.log(REVERBERATION[1])))
    echoes = tf.random.stateless_normal([batch, 1, samples], seeds[1]) * 10.0 ** (-3 * seconds / decay)
    echoes = amplitude(seeds[2], ECHO_DB) * echoes / tf.norm(echoes, axis=2, keepdims=True)
    direct = tf.one_hot(0, samples)
    clip = tf.transpose(audio, [0, 2, 1])
    clip = tf.signal.irfft(_padded_spectrum(clip) * _padded_spectrum(direct + echoes), [2 * samples])[:, :, :samples]
    noise = tf.random.stateless_normal([batch, channels, samples], seeds[3])
    falling = tf.range(1, samples // 2 + 2, dtype=tf.float32) ** -uniform(seeds[4], 0.0, SLOPE)
    noise = tf.signal.irfft(tf.signal.rfft(noise) * tf.cast(falling, tf.complex64), [samples])
    noise = amplitude(seeds[5], BACKGROUND_DB) * noise * tf.math.divide_no_nan(_rms(clip), _rms(noise))
    return _with_peak(tf.transpose(clip + noise, [0, 2, 1]), _peak(audio))


def _padded_spectrum(audio):
    """Spectrum of audio [..., samples], zero-padded to twice its length so that a product is a convolution that does not wrap around."""
    return tf.signal.rfft(audio, [2 * audio.shape[-1]])


def _rms(audio):
    return tf.sqrt(tf.reduce_mean(audio**2, axis=2, keepdims=True))


def _peak(audio):
    return tf.reduce_max(tf.abs(audio), axis=[1, 2], keepdims=True)


def _with_peak(audio, peak):
    return audio * tf.math.divide_no_nan(peak, _peak(audio))


def _equalise(audio, decibels):
    """Filter audio [batch, samples, channels] by gains [batch, bands], evenly spaced in frequency, linear in dB between."""
    samples = audio.shape[1]
    place = tf.linspace(0.0, decibels.shape[1] - 1.001, samples // 2 + 1)
    low = tf.cast(place, tf.int32)
    part = place - tf.floor(place)
    gain = (1 - part) * tf.gather(decibels, low, axis=1) + part * tf.gather(decibels, low + 1, axis=1)
    spectrum = tf.signal.rfft(tf.transpose(audio, [0, 2, 1]))
    filtered = spectrum * tf.cast(10.0 ** (gain / 20), tf.complex64)[:, tf.newaxis]
    return tf.transpose(tf.signal.irfft(filtered, [samples]), [0, 2, 1])


def _interpolate(audio, position):
    """Linear interpolation of audio [batch, samples, channels] at position [batch, samples]; zero outside."""
    padded = tf.pad(audio, [[0, 0], [1, 2], [0, 0]])
    position = tf.clip_by_value(position + 1, 0.0, tf.cast(tf.shape(audio)[1] + 1, tf.float32))
    before = tf.cast(position, tf.int32)
    part = (position - tf.floor(position))[:, :, tf.newaxis]
    return (1 - part) * tf.gather(padded, before, batch_dims=1) + part * tf.gather(padded, before + 1, batch_dims=1)
