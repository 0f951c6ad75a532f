"""The adversarial losses of WaveGAN, as its official code has them (`train_wavegan.py`); one value a clip, their mean is minimised."""

import dataclasses

import keras
from keras import ops

PENALTY_WEIGHT = 10.0  # of the gradient penalty (Gulrajani et al., "Improved Training of Wasserstein GANs", 2017)


@dataclasses.dataclass(frozen=True)
class Adversarial:
    """One of the official choices of loss and optimiser.

    Attributes:
        discriminator: function of (logits of real clips, of generated ones), both [batch] -> [batch].
        generator: function of the logits of generated clips [batch] -> [batch].
        optimizer: function without arguments, makes the Keras optimiser of either network.
        penalty: whether `gradient_penalty` is added to the discriminator's loss.
        clip: the discriminator's weights are clipped to +-clip after each of its updates; None for not.
    """

    discriminator: callable
    generator: callable
    optimizer: callable
    penalty: bool = False
    clip: float | None = None


def _wasserstein(real, fake):
    return fake - real


def _minus(fake):
    return -fake


def _entropy(logits, target):
    return ops.binary_crossentropy(ops.full_like(logits, target), logits, from_logits=True)


class TF1RMSprop(keras.optimizers.RMSprop):
    """RMSProp as TensorFlow 1 has it: its mean square starts at 1, and epsilon is inside the root (as in Keras)."""

    def __init__(self, learning_rate, **kwargs):
        super().__init__(learning_rate, **({"rho": 0.9, "epsilon": 1e-10} | kwargs))

    def build(self, variables):
        if not self.built:
            super().build(variables)
            for mean_square in self._velocities:
                mean_square.assign(ops.ones_like(mean_square))


# Keras' Adam has its epsilon outside the root, as TensorFlow 1's.
LOSSES = {
    "wgan-gp": Adversarial(_wasserstein, _minus, lambda: keras.optimizers.Adam(1e-4, 0.5, 0.9, epsilon=1e-8), penalty=True),
    "wgan": Adversarial(_wasserstein, _minus, lambda: TF1RMSprop(5e-5), clip=0.01),
    "dcgan": Adversarial(
        lambda real, fake: (_entropy(fake, 0.0) + _entropy(real, 1.0)) / 2,
        lambda fake: _entropy(fake, 1.0),
        lambda: keras.optimizers.Adam(2e-4, 0.5, 0.999, epsilon=1e-8),
    ),
    "lsgan": Adversarial(
        lambda real, fake: ((real - 1) ** 2 + fake**2) / 2,
        lambda fake: (fake - 1) ** 2,
        lambda: TF1RMSprop(1e-4),
    ),
}


def gradient_penalty(gradient):
    """(slope - 1)^2 of each clip, the slope being the norm of the gradient of its logit: [batch, samples, channels] -> [batch]."""
    slope = ops.sqrt(ops.sum(gradient**2, axis=(1, 2)))
    return (slope - 1) ** 2


def between(real, fake, alpha):
    """Points where the penalty is taken: from the real clip (alpha 0) to the generated one (1); alpha [batch, 1, 1]."""
    return real + alpha * (fake - real)
