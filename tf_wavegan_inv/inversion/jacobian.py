"""The generator's Jacobian, by forward mode: all directions of z at once."""

import tensorflow as tf

from tf_wavegan_inv.wavegan.tangents import audio_and_tangents, is_wavegan


def audio_and_jacobian(generator, z):
    """The audio of z and its derivative by each number of z.

    Reverse mode would need a backward pass for every sample; this takes one forward pass of latent_dim clips a clip for a WaveGAN,
    three for another model.

    Args:
        generator: keras.Model or any differentiable function, z [batch, latent_dim] -> audio [batch, samples, channels].
        z: float32 [batch, latent_dim], latent_dim known.

    Returns:
        audio [batch, n] and Jacobian [batch, latent_dim, n], n = samples * channels.
    """
    latent_dim = z.shape[1]
    if is_wavegan(generator):
        audio, jacobian = audio_and_tangents(generator, z, tf.eye(latent_dim))
        samples = audio.shape[1] * audio.shape[2]
        return tf.reshape(audio, [-1, samples]), tf.reshape(jacobian, [-1, latent_dim, samples])
    points, directions = tf.repeat(z, latent_dim, axis=0), tf.tile(tf.eye(latent_dim), [tf.shape(z)[0], 1])
    with tf.autodiff.ForwardAccumulator(points, directions) as accumulator:
        audio = generator(points)
        samples = audio.shape[1] * audio.shape[2]
        audio = tf.reshape(audio, [-1, samples])
    jacobian = accumulator.jvp(audio, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return tf.reshape(audio, [-1, latent_dim, samples])[:, 0], tf.reshape(jacobian, [-1, latent_dim, samples])


def singular_values(generator, z):
    """Singular values of the Jacobian at z, largest first: [batch, latent_dim]. Directions of z with small ones are hardly heard."""
    _, jacobian = audio_and_jacobian(generator, z)
    return tf.linalg.svd(jacobian, compute_uv=False)
