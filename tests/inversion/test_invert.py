import dataclasses

import numpy as np
import pytest

from tests.conftest import NearlyRight
from tf_wavegan_inv import UserError, defaults, invert, load_inverter, load_recipe
from tf_wavegan_inv.config import ExactConfig
from tf_wavegan_inv.inversion.invert import Inversion
from tf_wavegan_inv.inversion.starts import random_starts
from tf_wavegan_inv.latent import LatentSpace

SPACE = LatentSpace(100)


def test_hybrid_recovers_z_of_synthesised_clips(generator, latents):
    z = latents(4)
    audio = np.asarray(generator(z))
    start = invert(audio, generator, method="inverter", inverter=NearlyRight(z, 0.2))
    result = invert(audio, generator, method="hybrid", inverter=NearlyRight(z, 0.2), max_iterations=150)
    assert start.status == ["predicted"] * 4 and (start.iterations == 0).all()
    assert np.abs(result.z - z).max() < 0.1 and np.abs(start.z - z).max() > 0.4
    assert (result.objective < 0.02 * start.objective).all()
    np.testing.assert_allclose(result.audio, generator(result.z), atol=1e-6)


def test_gradient_comes_near_from_random_starts(generator, latents):
    audio = np.asarray(generator(latents(2)))
    config = dataclasses.replace(load_recipe("best").inversion, gradient_starts=2, perceptual=0.0, exact=ExactConfig(rounds=3))
    inversion = Inversion(generator, method="gradient", config=config)
    shown = []
    result, again = (inversion(audio, max_iterations=60, progress=lambda *call: shown.append(call)) for _ in range(2))
    power = np.mean(audio**2, axis=(1, 2))
    assert (np.mean((result.audio - audio) ** 2, axis=(1, 2)) < 0.8 * power).all()
    np.testing.assert_array_equal(again.z, result.z)
    first = shown[: len(shown) // 2]  # exact recovery, of three starts, and the recipe's objective
    assert first[0] == (0, 240) and first[-1] == (240, 240) and first == sorted(first)
    assert len([done for done, _ in first if 0 < done < 180]) > 3


def test_starts_depend_on_seed_and_clip_number_alone():
    np.testing.assert_array_equal(random_starts(1, 7, count=2, latent=SPACE), random_starts(1, 7, count=2, latent=SPACE))
    assert not np.array_equal(random_starts(1, 7, count=2, latent=SPACE), random_starts(1, 8, count=2, latent=SPACE))
    assert np.abs(random_starts(0, 0, count=50, latent=SPACE)).max() <= 1
    for seed in (0, 5):  # `generate` and anybody's script draw z so: the first clip must not begin at its answer
        assert np.abs(random_starts(seed, 0, count=1, latent=SPACE) - np.random.default_rng(seed).uniform(-1, 1, (1, 100))).max() > 0.5


@pytest.mark.parametrize(
    "audio, message",
    [
        (np.zeros((2, 16000, 1)), r"must be \[batch, 16384, 1\].*received \[2, 16000, 1\]"),
        (np.zeros((0, 16384, 1)), r"received \[0, 16384, 1\]"),
        (np.zeros((16384,)), r"received \[16384\]"),
        (np.full((2, 16384, 1), np.nan), r"NaN or infinite samples in clips \[0, 1\]"),
        (np.full((1, 16384, 1), 3000.0), "peak of 3000: divide 16-bit integers"),
        (np.zeros((1, 16384, 1)), r"silent in clips \[0\]"),
    ],
)
def test_bad_audio_is_refused(tiny_generator, audio, message):
    with pytest.raises(UserError, match=message):
        invert(audio, tiny_generator, method="gradient")


def test_bad_method_and_missing_inverter(tiny_generator):
    with pytest.raises(UserError, match="method must be one of.*received 'newton'"):
        invert(np.ones((1, 16384, 1)), tiny_generator, method="newton")
    with pytest.raises(UserError, match="'hybrid' needs an inverter"):
        invert(np.ones((1, 16384, 1)), tiny_generator, method="hybrid")


def test_models_in_each_others_place(tiny_generator, generator):
    inverter = load_inverter(defaults.INVERTER)
    with pytest.raises(UserError, match=r"generator must be z .*received a model \[batch, 16384, 1\] -> \[batch, 100\]"):
        invert(np.ones((1, 16384, 1)), inverter, method="hybrid", inverter=generator)
    with pytest.raises(UserError, match=r"must be \[batch, 16384, 1\] -> \[batch, 100\], received a model \[batch, 100\] -> "):
        invert(np.ones((1, 16384, 1)), tiny_generator, method="inverter", inverter=generator)


def test_a_clip_that_was_not_normalised_is_reported(generator, real_clips, caplog):
    inverter, audio = load_inverter(defaults.INVERTER), real_clips.float_audio(0, 2)
    invert(audio, generator, method="inverter", inverter=inverter)
    assert "have a peak below" not in caplog.text  # TensorFlow may warn of retracing
    invert(audio * np.float32([[[1]], [[0.05]]]), generator, method="inverter", inverter=inverter)
    assert "1 of 2 clips have a peak below 0.1" in caplog.text


@pytest.mark.parametrize("method", ["hybrid", "gradient"])
def test_a_clip_that_was_changed_on_its_way_keeps_nearly_its_z(generator, latents, method):
    """Noise at 30 dB, a peak of 1: no z is exact, but the waveform tells which it was."""
    z = latents(2)
    clean = np.asarray(generator(z))
    noise = np.random.default_rng(0).normal(size=clean.shape) * np.sqrt(np.mean(clean**2, axis=(1, 2), keepdims=True)) * 10 ** (-30 / 20)
    audio = (clean + noise).astype(np.float32)
    peaks = np.abs(audio).max(axis=(1, 2))
    config = dataclasses.replace(load_recipe("digits").inversion, perceptual=0.0, exact=ExactConfig(rounds=2))
    near = NearlyRight(z, off=0.4)
    result = invert(audio / peaks[:, None, None], generator, method=method, inverter=near, config=config, max_iterations=200)
    assert "exact" not in result.status and (result.distance < 2e-3).all()
    assert np.sqrt(np.mean((result.z - z) ** 2)) < 0.1
    np.testing.assert_allclose(result.gain * peaks, 1, rtol=0.05)
