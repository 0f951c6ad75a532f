"""The Jacobian of a generator: how its audio depends on z."""

import tensorflow as tf

from tf_wavegan_inv.models.generator import GeneratorModel
from tf_wavegan_inv.models.jacobian import forward_jacobian


def audio_and_jacobian(generator: GeneratorModel, z: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The audio of z and its derivative by each entry of z.

    Args:
        generator: `GeneratorModel`, or any differentiable function, z [batch, latent_dim] -> audio
            [batch, samples, channels].
        z: float32 [batch, latent_dim], latent_dim known.

    Returns:
        audio [batch, n] and Jacobian [batch, latent_dim, n], n = samples * channels.
    """
    if hasattr(generator, "jacobian"):
        return generator.jacobian(z)
    return forward_jacobian(generator, z)


def singular_values(generator: GeneratorModel, z: tf.Tensor) -> tf.Tensor:
    """Singular values of the Jacobian at z, largest first: [batch, latent_dim].

    Directions of z with small singular values have little audible effect.
    """
    _, jacobian = audio_and_jacobian(generator, z)
    return tf.linalg.svd(jacobian, compute_uv=False)
