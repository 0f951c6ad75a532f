"""Where half precision does not reach: spectrograms, outputs and losses. And what it costs where the device has no instructions for it."""

import time

import keras
import tensorflow as tf

HALVES = ("float16", "bfloat16")
WHOLE = ("audio", "spectrogram", "logits", "probabilities", "z")  # layers of classifier and inverter that are never halved


def full_precision():
    """float32 under a mixed-precision policy, else the policy's own type: the dtype for layers that must not be halved."""
    compute_dtype = keras.config.dtype_policy().compute_dtype
    return "float32" if compute_dtype in HALVES else compute_dtype


def set_precision(model):
    """Let a trained classifier or inverter compute in the global policy's precision instead of that which it was saved with."""
    policy = keras.config.dtype_policy()
    for layer in model.layers:
        halved = policy.compute_dtype in HALVES and layer.name not in WHOLE
        layer.dtype_policy = policy if halved else "float32"


def in_full_precision(tensor):
    """The tensor as float32 where it is float16 or bfloat16."""
    return keras.ops.cast(tensor, "float32") if keras.backend.standardize_dtype(tensor.dtype) in HALVES else tensor


def cost(dtype, tries=3):
    """How many times as long a convolution's gradients take in `dtype` as in float32, on TensorFlow's first device.

    Where a processor has no instructions for a half type, TensorFlow computes forward passes as in float32 and gradients number by number.
    """
    return _seconds(dtype, tries) / _seconds("float32", tries)


def _seconds(dtype, tries):
    audio, kernel = tf.ones([4, 32, 32, 32], dtype), tf.ones([3, 3, 32, 32], dtype)

    @tf.function
    def gradients(audio, kernel):
        with tf.GradientTape() as tape:
            tape.watch([audio, kernel])
            output = tf.nn.conv2d(audio, kernel, 1, "SAME")
        return [tf.reduce_sum(g) for g in tape.gradient(output, [audio, kernel])]

    taken = []
    for _ in range(tries + 1):
        begin = time.perf_counter()
        for total in gradients(audio, kernel):
            total.numpy()  # waits for the device
        taken.append(time.perf_counter() - begin)
    return min(taken[1:])  # the first also traced
