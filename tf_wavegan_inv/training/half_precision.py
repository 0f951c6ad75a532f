"""What half precision costs or gains on this device."""

import time

import tensorflow as tf


def cost(dtype, tries=3):
    """How many times as long a convolution's gradients take in `dtype` as in float32, on TensorFlow's first device.

    Where a processor has no instructions for a half type, TensorFlow computes forward passes as in float32 and gradients number by number.
    """
    return _seconds(dtype, tries) / _seconds("float32", tries)


@tf.function
def gradients(audio, kernel):
    """Sums of the gradients of a convolution: [batch, height, width, channels], [height, width, channels, channels] -> two scalars."""
    with tf.GradientTape() as tape:
        tape.watch([audio, kernel])
        output = tf.nn.conv2d(audio, kernel, 1, "SAME")
    return [tf.reduce_sum(g) for g in tape.gradient(output, [audio, kernel])]


def _seconds(dtype, tries):
    audio, kernel = tf.ones([4, 32, 32, 32], dtype), tf.ones([3, 3, 32, 32], dtype)
    taken = []
    for _ in range(tries + 1):
        begin = time.perf_counter()
        for total in gradients(audio, kernel):
            total.numpy()  # waits for the device
        taken.append(time.perf_counter() - begin)
    return min(taken[1:])  # the first also traced
