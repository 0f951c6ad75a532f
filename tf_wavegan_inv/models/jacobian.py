"""The Jacobian of any differentiable generator, by forward mode."""

import typing

import tensorflow as tf


def forward_jacobian(function: typing.Callable[[tf.Tensor], tf.Tensor], z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The audio of z and its derivative by each entry of z.

    Reverse mode would need a backward pass for every sample. Forward mode costs three forward passes
    of latent_dim clips for each clip.

    Args:
        function: z [batch, latent_dim] -> audio [batch, samples, channels].
        z: float32 [batch, latent_dim], latent_dim known.

    Returns:
        audio [batch, n] and Jacobian [batch, latent_dim, n], n = samples * channels.
    """
    latent_dim = z.shape[1]
    points = tf.repeat(z, latent_dim, axis=0)
    directions = tf.tile(tf.eye(latent_dim), [tf.shape(z)[0], 1])
    with tf.autodiff.ForwardAccumulator(points, directions) as accumulator:
        audio = function(points)
        samples = audio.shape[1] * audio.shape[2]
        audio = tf.reshape(audio, [-1, samples])
    zero = tf.UnconnectedGradients.ZERO
    jacobian = accumulator.jvp(audio, unconnected_gradients=zero)
    audio = tf.reshape(audio, [-1, latent_dim, samples])[:, 0]
    return audio, tf.reshape(jacobian, [-1, latent_dim, samples])
