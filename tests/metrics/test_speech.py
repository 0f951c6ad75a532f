import numpy as np
import pytest

from tf_wavegan_inv.metrics import speech

RANDOM = np.random.default_rng(0)


def noisy(audio, share):
    return audio + share * np.abs(audio).max() * RANDOM.normal(size=audio.shape)


def test_stoi_falls_with_noise_and_is_undefined_without_speech(real_clips):
    audio = real_clips.float_audio(0, 2)
    values = [speech.stoi(audio, noisy(audio, share)).mean() for share in (0, 0.03, 0.3)]
    assert values[0] == pytest.approx(1, abs=1e-6) and values[0] > values[1] > values[2]
    assert np.isnan(speech.stoi(audio[:, :3000], audio[:, :3000])).all()
    assert "speech/stoi" in speech.available()


def test_pesq_falls_with_noise(real_clips):
    pytest.importorskip("pesq", reason="pesq is optional: it needs a C compiler")
    audio = real_clips.float_audio(0, 2)
    for rate in (16000, 16384):
        values = [speech.pesq(audio, noisy(audio, share), sample_rate=rate).mean() for share in (0, 0.03)]
        assert values[0] > 4.5 > values[1] > 1
    assert np.isnan(speech.pesq(audio[:, :100], audio[:, :100])).all()
