import numpy as np
import pytest
import soxr
import tensorflow as tf

from tf_wavegan_inv.audio.resample import resample


def band_limited(rate, seconds=1.0):
    """Twenty sines below 0.88 of the lower Nyquist frequency."""
    random, time = np.random.default_rng(0), np.arange(int(rate * seconds)) / rate
    highest = 0.88 * min(rate, 16000) / 2
    return (
        sum(np.sin(2 * np.pi * f * time + p) for f, p in random.uniform([50, 0], [highest, 6], (20, 2)))[:, np.newaxis].astype(np.float32)
        / 20
    )


@pytest.mark.parametrize("rate", [8000, 11025, 12345, 22050, 44100, 48000, 96000])
def test_agrees_with_soxr(rate):
    audio = band_limited(rate)
    ours, theirs = resample(audio, rate, 16000).numpy(), soxr.resample(audio, rate, 16000, quality="VHQ")
    assert ours.shape == (-(-len(audio) * 16000 // rate), 1)
    inner = slice(500, min(len(ours), len(theirs)) - 500)
    assert np.abs(ours[inner] - theirs[inner]).max() < 2e-4


def test_same_rate_is_untouched():
    audio = band_limited(16000)
    np.testing.assert_array_equal(resample(audio, 16000, 16000), audio)


def test_what_the_new_rate_cannot_hold_is_gone():
    time = np.arange(48000) / 48000
    assert np.abs(resample(np.sin(2 * np.pi * 9000 * time)[:, np.newaxis].astype(np.float32), 48000, 16000)[500:-500]).max() < 1e-4


def test_runs_in_a_graph_with_an_unknown_rate():
    graph = tf.function(resample, input_signature=[tf.TensorSpec([None, None]), tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.int32)])
    for rate in (8000, 44100):
        audio = band_limited(rate)
        np.testing.assert_allclose(graph(audio, rate, 16000), resample(audio, rate, 16000), atol=1e-6)


def test_gradient_reaches_the_input():
    audio = tf.constant(band_limited(8000, 0.01))
    with tf.GradientTape() as tape:
        tape.watch(audio)
        energy = tf.reduce_sum(resample(audio, 8000, 16000) ** 2)
    assert np.isfinite(tape.gradient(energy, audio)).all()
