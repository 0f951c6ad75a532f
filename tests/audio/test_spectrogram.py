import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.spectrogram import Spectrogram
from tf_wavegan_inv.config import SpectrogramConfig

PAPER, LOG, PHASE = (Spectrogram(kind, 256, 128, 1) for kind in ("real", "log_magnitude", "phase"))


def test_real_is_the_authors_stft(real_clips):
    audio = real_clips.float_audio(0, 4)
    expected = tf.math.real(tf.signal.stft(audio[:, :, 0], 256, 128, pad_end=True))
    assert PAPER(audio).shape == (4, 128, 129, 1)
    np.testing.assert_allclose(PAPER(audio)[..., 0], expected, atol=2e-5)


def test_log_magnitude_has_a_fixed_scale():
    time = np.arange(16384) / 16000
    tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)[None, :, None]
    assert LOG(tone).numpy().max() == pytest.approx(1.0, abs=0.02)  # a full-scale sine
    assert LOG(np.zeros_like(tone)).numpy().min() == pytest.approx(-1.0, abs=0.02)


def test_phase_has_the_log_magnitude_and_the_angle(real_clips):
    audio = real_clips.float_audio(0, 4)
    picture, expected = PHASE(audio).numpy(), tf.signal.stft(audio[:, :, 0], 256, 128, pad_end=True).numpy()
    assert picture.shape == (4, 128, 129, 3)
    np.testing.assert_array_equal(picture[..., 0], LOG(audio)[..., 0])
    loud = np.abs(expected) > 1
    compressed = (picture[..., 1] + 1j * picture[..., 2])[loud]
    np.testing.assert_allclose(np.abs(compressed), np.abs(expected[loud]) ** 0.3, rtol=1e-3)
    np.testing.assert_allclose(np.angle(compressed * expected[loud].conj()), 0, atol=1e-3)


@pytest.mark.parametrize("layer", [PAPER, LOG, PHASE], ids=["real", "log_magnitude", "phase"])
def test_gradient_agrees_with_finite_differences(layer):
    random = np.random.default_rng(0)
    audio, direction = random.uniform(-1, 1, (2, 1, 2048, 1)).astype(np.float32)
    weights = random.normal(size=(1, 16, 129, 3 if layer is PHASE else 1)).astype(np.float32)

    def value(x):
        return tf.reduce_sum(layer(x) * weights)

    x = tf.constant(audio)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = value(x)
    slope = float(tf.reduce_sum(tape.gradient(y, x) * direction))
    step = 2e-3
    assert slope == pytest.approx(float(value(audio + step * direction) - value(audio - step * direction)) / (2 * step), rel=3e-2)


def test_gradient_on_silence_is_finite():
    audio = tf.zeros((1, 2048, 1))
    with tf.GradientTape() as tape:
        tape.watch(audio)
        value = tf.reduce_sum(LOG(audio)) + tf.reduce_sum(PHASE(audio) ** 2)
    assert np.isfinite(tape.gradient(value, audio)).all()


def test_channels_and_copies(real_clips):
    stereo = np.repeat(real_clips.float_audio(0, 2), 2, axis=2) * [1, -1]
    assert Spectrogram("real", 256, 128, 3)(stereo.astype(np.float32)).shape == (2, 128, 129, 6)
    assert Spectrogram("real", 256, 128, 3).compute_output_shape((None, 16384, 2)) == (None, 128, 129, 6)
    assert PHASE(stereo.astype(np.float32)).shape == (2, 128, 129, 6) == (2, *PHASE.compute_output_shape((None, 16384, 2))[1:])


def test_refuses_what_it_does_not_know():
    with pytest.raises(UserError, match=r"kind.*received 'mel'"):
        SpectrogramConfig(kind="mel")
    with pytest.raises(UserError, match=r"frame_step.*received 512"):
        SpectrogramConfig(frame_step=512)
