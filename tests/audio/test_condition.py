import numpy as np
import pytest

from tf_wavegan_inv import UserError
from tf_wavegan_inv.audio.condition import condition, match_channels
from tf_wavegan_inv.config import AudioConfig


def test_short_is_padded_at_the_end_and_long_is_cut():
    audio = np.linspace(-0.5, 0.5, 100, dtype=np.float32)[:, np.newaxis]
    config = AudioConfig(peak_normalise=False)
    np.testing.assert_array_equal(condition(audio, 16000, config, 120)[:, 0], np.pad(audio[:, 0], (0, 20)))
    np.testing.assert_array_equal(condition(audio, 16000, config, 60), audio[:60])


def test_peak_is_that_of_the_whole_file():
    audio = np.zeros((100, 1), np.float32)
    audio[10], audio[90] = 0.1, -0.4
    assert float(condition(audio, 16000, AudioConfig(), 50)[10, 0]) == pytest.approx(0.25)  # as the official loader: normalise, then slice


def test_silence_stays_silent():
    assert not np.any(condition(np.zeros((50, 1), np.float32), 16000, AudioConfig(), 50))


def test_gain():
    assert float(
        condition(np.full((4, 1), 0.5, np.float32), 16000, AudioConfig(peak_normalise=False, gain=1.414), 4)[0, 0]
    ) == pytest.approx(0.707)


def test_channels():
    stereo = np.array([[1.0, 0.0], [0.5, 0.5]], np.float32)
    np.testing.assert_array_equal(match_channels(stereo, 1), [[0.5], [0.5]])
    np.testing.assert_array_equal(match_channels(stereo, 2), stereo)
    np.testing.assert_array_equal(match_channels(stereo[:, :1], 2), [[1, 1], [0.5, 0.5]])


def test_refuses_an_impossible_rate():
    with pytest.raises(UserError, match="sample_rate.*received 16"):
        AudioConfig(sample_rate=16)
