"""Any WaveGAN is the same after saving and loading."""

import tempfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tf_wavegan_inv import Discriminator, Generator, WaveGANConfig, load_discriminator, load_wavegan, save_wavegan_checkpoint

configs = st.builds(
    WaveGANConfig,
    latent_dim=st.integers(1, 130),
    dim=st.integers(1, 5),
    kernel_len=st.integers(1, 31),
    slice_len=st.sampled_from((16384, 32768, 65536)),
    channels=st.integers(1, 3),
    batch_norm=st.booleans(),
    upsample=st.sampled_from(("zeros", "nn")),
    pp_len=st.sampled_from((0, 0, 1, 64, 513)),
)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(config=configs, seed=st.integers(0, 9))
def test_save_load_equal(config, seed):
    generator, rng = Generator(config), np.random.default_rng(seed)
    generator.set_weights(
        [rng.uniform(0.05, 0.2, w.shape).astype(np.float32) * rng.choice([-1, 1]) ** (w.ndim > 1) for w in generator.get_weights()]
    )
    discriminator = Discriminator(config)
    with tempfile.TemporaryDirectory() as folder:
        save_wavegan_checkpoint(generator, f"{folder}/model.ckpt", discriminator)
        again = load_wavegan(folder, slice_len=config.slice_len, frozen=False)
        frozen = load_wavegan(folder, slice_len=config.slice_len)
        other = load_discriminator(folder, slice_len=config.slice_len)
        assert again.config == frozen.config == config
        for ours, theirs in zip(
            again.get_weights() + other.get_weights(), generator.get_weights() + discriminator.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
        save_wavegan_checkpoint(frozen, f"{folder}/again/model.ckpt")  # the frozen layout keeps every bit, too
        twice = load_wavegan(f"{folder}/again", slice_len=config.slice_len, frozen=False)
        for ours, theirs in zip(twice.get_weights(), generator.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    z = rng.uniform(-1, 1, (2, config.latent_dim)).astype(np.float32)
    audio = np.asarray(generator(z))
    assert audio.shape == (2, config.slice_len, config.audio_channels)
    np.testing.assert_allclose(frozen(z), audio, atol=1e-5)
