import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import Discriminator, UserError, WaveGANConfig, load_discriminator, save_wavegan_checkpoint
from tf_wavegan_inv.wavegan.layers import DownsampleConv1D, phase_shuffle

pytestmark = pytest.mark.smoke


def test_equals_the_official_code(golden):
    discriminator, expected = load_discriminator(golden("trained")), np.load(golden("trained") / "golden.npz")
    np.testing.assert_allclose(discriminator(expected["x"]), expected["D_x"], rtol=1e-5)
    assert discriminator.phase_shuffle == 2


def test_phase_shuffle_equals_the_official_code(golden):
    expected = np.load(golden("phaseshuffle.npz"))
    for name in expected.files:
        if name != "x":
            radius, shift = int(name[3]), int(name.partition("shift")[2])
            np.testing.assert_array_equal(phase_shuffle(tf.constant(expected["x"]), tf.constant(shift), radius), expected[name])


@pytest.mark.parametrize("kernel_len, stride, channels", [(25, 4, 3), (24, 4, 3), (25, 2, 3), (3, 4, 3), (1, 4, 2), (25, 4, 256)])
def test_strided_convolution_equals_keras_in_value_and_gradient(kernel_len, stride, channels):
    import keras

    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=(2, 16 * stride, channels)).astype(np.float32))
    results = []
    for layer in (DownsampleConv1D(5, kernel_len, stride), keras.layers.Conv1D(5, kernel_len, stride, padding="same")):
        layer.build(x.shape)
        layer.set_weights([np.random.default_rng(1).normal(size=w.shape) for w in layer.weights])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            value = tf.reduce_mean(y**2)
        results.append([y, *tape.gradient(value, [x, layer.kernel.value])])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(b).max())


def test_batch_norm_uses_the_batch_itself():
    discriminator = Discriminator(WaveGANConfig(dim=2, batch_norm=True))
    x = np.random.default_rng(0).normal(size=(6, 16384, 1)).astype(np.float32)
    alone, together = discriminator(x[:3]), discriminator(x)[:3]
    assert np.abs(np.asarray(alone) - np.asarray(together)).max() > 1e-4
    assert not np.any(np.asarray(discriminator.norms[0].moving_mean))


@pytest.mark.parametrize("slice_len, layers", [(16384, 5), (32768, 6), (65536, 6)])
def test_every_length(slice_len, layers):
    discriminator = Discriminator(slice_len=slice_len, dim=1, channels=2)
    assert len(discriminator.downconvs) == layers
    assert discriminator(np.zeros((3, slice_len, 2), np.float32), np.array([2, -2, 1, 0])).shape == (3,)
    assert discriminator.dense.kernel.shape[0] == 16 * (16 if layers == 5 else 32)


def test_a_checkpoint_without_one(tiny_generator, tmp_path):
    save_wavegan_checkpoint(tiny_generator, tmp_path / "model.ckpt")
    with pytest.raises(UserError, match="no discriminator"):
        load_discriminator(tmp_path)
