"""Training step of WaveGAN (paper, section 3; official code `train_wavegan.py`)."""

import keras
import tensorflow as tf

from tf_wavegan_inv.training.trainer import Trainer
from tf_wavegan_inv.wavegan.adversarial import LOSSES, PENALTY_WEIGHT, between, gradient_penalty

DISCRIMINATOR_NORM = "train/gradient_norm_discriminator"
NAMES = (DISCRIMINATOR_NORM, "loss/discriminator", "loss/generator", "loss/gradient_penalty", "wavegan/logit_real", "wavegan/logit_fake")


class WaveGANTrainer(Trainer):
    """Trains generator and discriminator: some updates of the discriminator, then one of the generator, in every step.

    Args:
        generator: `Generator`, not frozen.
        discriminator: `Discriminator`.
        loss: name out of `adversarial.LOSSES`; it brings the optimisers.
        updates: of the discriminator a step; 5 in the official code.
        average: a second `Generator` that is given the exponential moving average of the first one's weights, or None.
        decay: of that average, a step.
        learning_rate: of both optimisers; None for the official one.
    """

    def __init__(self, generator, discriminator, loss="wgan-gp", updates=5, average=None, decay=0.999, learning_rate=None):
        self.loss_kind, self.updates, self.decay = LOSSES[loss], updates, decay
        optimizer, self.discriminator_optimizer = self.loss_kind.optimizer(), self.loss_kind.optimizer()
        super().__init__(generator, optimizer, NAMES if self.loss_kind.penalty else [n for n in NAMES if n != "loss/gradient_penalty"])
        self.discriminator, self.average = discriminator, average
        self.discriminator_optimizer.build(discriminator.trainable_variables)
        if learning_rate:
            for each in (optimizer, self.discriminator_optimizer):
                each.learning_rate = learning_rate

    def state(self):
        """All variables that training changes."""
        optimizers = [*self.network_optimizer.variables, *self.discriminator_optimizer.variables]
        average = [] if self.average is None else self.average.weights
        return [*self.network.weights, *self.discriminator.weights, *average, *optimizers]

    def train_step(self, data):
        """data: see `training_inputs`; all random numbers come with it."""
        for i in range(self.updates):
            logs = self.discriminator_step(data["audio"][:, i], data["z"][:, i], data["alpha"][:, i, None, None], data["shifts"][0, i])
        return logs | self.generator_step(data["z"][:, self.updates], data["shifts"][0, self.updates, 1]) | self.gradient_norm()

    def discriminator_step(self, real, z, alpha, shifts):
        """One update of the discriminator.

        Args:
            real: [batch, samples, channels].
            z: [batch, latent_dim].
            alpha: [batch, 1, 1] in [0, 1], where the gradient penalty is taken.
            shifts: int [3, 4], phase shuffle of real, generated and in-between clips by layer.
        """
        fake = tf.stop_gradient(self.network(z, training=True))
        (_, values) = self.update(
            lambda: self.discriminator_losses(real, fake, alpha, shifts),
            self.discriminator,
            self.discriminator_optimizer,
            DISCRIMINATOR_NORM,
        )
        if self.loss_kind.clip:
            for variable in self.discriminator.trainable_variables:
                variable.assign(keras.ops.clip(variable, -self.loss_kind.clip, self.loss_kind.clip))
        return self.log(values) | self.gradient_norm(DISCRIMINATOR_NORM)

    def discriminator_losses(self, real, fake, alpha, shifts):
        """The discriminator's loss [batch], and what is logged, by name."""
        logit_real, logit_fake = self.discriminator(real, shifts[0]), self.discriminator(fake, shifts[1])
        loss = self.loss_kind.discriminator(logit_real, logit_fake)
        values = {"wavegan/logit_real": logit_real, "wavegan/logit_fake": logit_fake}
        if self.loss_kind.penalty:
            middle = between(real, fake, alpha)
            with tf.GradientTape() as tape:
                tape.watch(middle)
                logit = self.discriminator(middle, shifts[2])
            penalty = gradient_penalty(tape.gradient(logit, middle))
            loss = loss + PENALTY_WEIGHT * penalty
            values["loss/gradient_penalty"] = penalty
        return loss, values | {"loss/discriminator": loss}

    def generator_step(self, z, shifts):
        """One update of the generator; shifts int [4]."""
        loss, _ = self.update(lambda: self.generator_losses(z, shifts))
        if self.average is not None:
            for mean, variable in zip(self.average.weights, self.network.weights, strict=True):
                mean.assign(variable + self.decay * (mean - variable))
        return self.log({"loss/generator": loss})

    def generator_losses(self, z, shifts):
        loss = self.loss_kind.generator(self.discriminator(self.network(z, training=True), shifts))
        return loss, None
