"""The upsampling convolutions of the generator."""

import keras
from keras import ops


def polyphase_kernel(kernel, stride):
    """Rearrange a transposed convolution's kernel for an ordinary convolution.

    A transposed convolution with stride s spends most of its taps on the zeros it inserts. Each of its s output phases is an ordinary
    short convolution of the input; computed together they are one convolution to s times the channels, whose output is then interleaved
    (polyphase decomposition; Vaidyanathan, "Multirate Systems and Filter Banks", 1993, section 4.3).

    Args:
        kernel: [kernel_len, out, in], as the official checkpoints store it.
        stride: upsampling factor s.

    Returns:
        kernel [taps, in, s * out] for a cross-correlation, and the zeros (left, right) that its input needs.
    """
    kernel_len, out_channels, in_channels = kernel.shape
    crop = max(kernel_len - stride, 0) // 2
    last = (kernel_len - 1 - crop) // stride
    first = -((stride - 1 + crop) // stride)
    # The deconvolution puts kernel[s*d + r + crop] of input q - d on output s*q + r, for d in first..last.
    lead = -(stride * first + crop)
    taps = last - first + 1
    padded = ops.pad(kernel, [[lead, stride * taps - lead - kernel_len], [0, 0], [0, 0]])
    phases = ops.flip(ops.reshape(padded, (taps, stride, out_channels, in_channels)), axis=0)
    return ops.reshape(ops.transpose(phases, (0, 3, 1, 2)), (taps, in_channels, stride * out_channels)), (last, -first)


@keras.saving.register_keras_serializable(package="tf_wavegan_inv")
class UpsampleConv1D(keras.layers.Layer):
    """Transposed convolution in time, "same" padding: [batch, time, in] -> [batch, stride * time, filters].

    Equal to `keras.layers.Conv1DTranspose(filters, kernel_len, strides, padding="same")` and to the official `conv1d_transpose`
    (`wavegan.py`), computed in polyphase form. The kernel is [kernel_len, filters, in].
    """

    def __init__(self, filters, kernel_len, stride, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_len, self.stride = filters, kernel_len, stride

    def build(self, input_shape):
        shape = (self.kernel_len, self.filters, input_shape[-1])
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs):
        kernel, padding = polyphase_kernel(ops.convert_to_tensor(self.kernel, dtype=self.compute_dtype), self.stride)
        phases = ops.conv(ops.pad(inputs, [[0, 0], padding, [0, 0]]), kernel, padding="valid")
        outputs = ops.reshape(phases, (-1, self.stride * inputs.shape[1], self.filters))
        return outputs + ops.cast(self.bias, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.stride * input_shape[1], self.filters)

    def get_config(self):
        return super().get_config() | {"filters": self.filters, "kernel_len": self.kernel_len, "stride": self.stride}


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
