"""The layers of generator and discriminator that Keras does not have."""

import keras
import numpy as np
from keras import ops

from tf_wavegan_inv.wavegan.convolution import depth_kernel, downsample, polyphase_kernel, upsample


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class UpsampleConv1D(keras.layers.Layer):
    """Transposed convolution in time, "same" padding: [batch, time, in] -> [batch, stride * time, filters].

    Equal to `keras.layers.Conv1DTranspose(filters, kernel_len, stride, padding="same")` and to the official `conv1d_transpose`
    (`wavegan.py`), computed in polyphase form. The kernel is [kernel_len, filters, in].
    """

    def __init__(self, filters, kernel_len, stride, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_len, self.stride = filters, kernel_len, stride

    def build(self, input_shape):
        self.build_kernel((self.kernel_len, self.filters, input_shape[-1]))
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def build_kernel(self, shape):
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")

    def call(self, inputs):
        return self.convolve(inputs) + ops.cast(self.bias, self.compute_dtype)

    def convolve(self, inputs):
        phases = polyphase_kernel(ops.convert_to_tensor(self.kernel, dtype=self.compute_dtype), self.stride)
        return upsample(inputs, phases, self.kernel_len, self.stride)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.stride * input_shape[1], self.filters)

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "kernel_len": self.kernel_len, "stride": self.stride}


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class FrozenUpsampleConv1D(UpsampleConv1D):
    """`UpsampleConv1D` that cannot be trained, and need not rearrange its kernel at every call: most of the time of a small batch.

    It holds the kernel in two layouts, for the forward pass and for the gradient to the inputs; `kernel` reads and assigns the official
    one.
    """

    def build_kernel(self, shape):
        kernel = np.zeros(shape, np.float32)
        self.phases, self.adjoint = [
            self.add_weight(name=name, shape=layout(kernel, self.stride).shape, initializer="zeros", trainable=False)
            for name, layout in (("phases", polyphase_kernel), ("adjoint", depth_kernel))
        ]
        self.kernel = FrozenKernel(self.phases, self.adjoint, shape, self.stride)

    def convolve(self, inputs):
        phases = ops.convert_to_tensor(self.phases, dtype=self.compute_dtype)
        if keras.backend.backend() != "tensorflow":  # JAX transposes as well by itself, and forward mode needs it to
            return upsample(inputs, phases, self.kernel_len, self.stride)

        @ops.custom_gradient
        def convolve(inputs):
            def gradient(upstream):
                return downsample(upstream, ops.convert_to_tensor(self.adjoint, dtype=self.compute_dtype), self.kernel_len, self.stride)

            return upsample(inputs, phases, self.kernel_len, self.stride), gradient

        return convolve(inputs)


class FrozenKernel:
    """The kernel of a `FrozenUpsampleConv1D`, as if it were one variable [kernel_len, filters, in]."""

    def __init__(self, phases, adjoint, shape, stride):
        self.phases, self.adjoint, self.shape, self.stride = phases, adjoint, shape, stride

    def assign(self, value):
        self.phases.assign(polyphase_kernel(ops.convert_to_tensor(value), self.stride))
        self.adjoint.assign(depth_kernel(ops.convert_to_tensor(value), self.stride))

    def __array__(self, dtype=None):
        adjoint = ops.convert_to_numpy(self.adjoint)
        taps, filters, in_channels = adjoint.shape[0] * self.stride, self.shape[1], self.shape[2]
        lead = -(max(self.shape[0] - self.stride, 0) // 2) % self.stride
        return adjoint.reshape(taps, filters, in_channels)[lead : lead + self.shape[0]].astype(dtype or adjoint.dtype)


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class DownsampleConv1D(keras.layers.Layer):
    """Strided convolution in time, "same" padding: [batch, stride * time, in] -> [batch, time, filters].

    Equal to `keras.layers.Conv1D(filters, kernel_len, stride, padding="same")`, computed by space to depth. The kernel is
    [kernel_len, in, filters].
    """

    def __init__(self, filters, kernel_len, stride, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_len, self.stride = filters, kernel_len, stride

    def build(self, input_shape):
        shape = (self.kernel_len, input_shape[-1], self.filters)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs):
        kernel = depth_kernel(ops.convert_to_tensor(self.kernel, dtype=self.compute_dtype), self.stride)
        return downsample(inputs, kernel, self.kernel_len, self.stride) + ops.cast(self.bias, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] // self.stride, self.filters)

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "kernel_len": self.kernel_len, "stride": self.stride}


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class BatchStatisticsNormalization(keras.layers.Layer):
    """Batch norm of the discriminator: by the batch's own mean and variance, in training and inference alike.

    The official code never runs the updates of its moving statistics; they are here because its checkpoints hold them.
    """

    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", trainable=False)

    def call(self, inputs):
        mean, variance = ops.moments(inputs, axes=(0, 1))
        return ops.batch_normalization(inputs, mean, variance, -1, self.beta, self.gamma, 1e-3)


def phase_shuffle(inputs, shift, radius):
    """Delay a batch by `shift` steps, reflecting at the edges: out[:, t] = inputs[:, t - shift] (paper, section 3.3; `wavegan.py`).

    Args:
        inputs: [batch, time, channels].
        shift: int scalar in -radius..radius, one for the whole batch.
        radius: int; 0 returns the inputs.
    """
    if not radius:
        return inputs
    padded = ops.pad(inputs, [[0, 0], [radius, radius], [0, 0]], mode="reflect")
    start = radius - ops.cast(shift, "int32")
    return ops.slice(padded, (0, start, 0), (ops.shape(inputs)[0], *inputs.shape[1:]))


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class PostProcessingFilter(keras.layers.Layer):
    """WaveGAN's optional learned filter (`genr_pp`): [batch, time, channels] -> [batch, time, 1], no bias, stride 1, "same" padding."""

    def __init__(self, kernel_len, **kwargs):
        super().__init__(**kwargs)
        self.kernel_len = kernel_len

    def build(self, input_shape):
        shape = (self.kernel_len, input_shape[-1], 1)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")

    def call(self, inputs):
        left = (self.kernel_len - 1) // 2
        padded = ops.pad(inputs, [[0, 0], [left, self.kernel_len - 1 - left], [0, 0]])
        return ops.conv(padded, ops.convert_to_tensor(self.kernel, dtype=self.compute_dtype), padding="valid")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1], 1)

    def get_config(self):
        return super().get_config() | {"kernel_len": self.kernel_len}
