import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv.wavegan.layers import UpsampleConv1D


@pytest.mark.parametrize("kernel_len, stride", [(25, 4), (25, 2), (24, 4), (4, 4), (3, 4), (7, 4), (1, 2), (5, 1)])
def test_equals_the_transposed_convolution_in_value_and_gradient(kernel_len, stride):
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 9, 3)).astype(np.float32))
    ours, keras_layer = UpsampleConv1D(5, kernel_len, stride), keras.layers.Conv1DTranspose(5, kernel_len, stride, padding="same")
    values, gradients = [], []
    for layer in (ours, keras_layer):
        layer.build(x.shape)
        layer.set_weights(
            ours.get_weights() if layer is keras_layer else [np.random.default_rng(1).normal(size=w.shape) for w in layer.weights]
        )
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            value = tf.reduce_sum(y**3)
        values.append(y)
        gradients.append(tape.gradient(value, [x, layer.kernel.value]))
    np.testing.assert_allclose(values[0], values[1], atol=1e-5)
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-2)
