"""Training step of WaveGAN (paper, section 3; official code `train_wavegan.py`)."""

import keras
import tensorflow as tf

from tf_wavegan_inv.training import joint as joint_inverter
from tf_wavegan_inv.training.trainer import Trainer
from tf_wavegan_inv.wavegan.adversarial import LOSSES, PENALTY_WEIGHT, between, gradient_penalty
from tf_wavegan_inv.wavegan.projected import hinge_discriminator
from tf_wavegan_inv.wavegan.variables import variables_of

DISCRIMINATOR_NORM = "train/gradient_norm_discriminator"
NAMES = (DISCRIMINATOR_NORM, "loss/discriminator", "loss/generator", "loss/gradient_penalty", "wavegan/logit_real", "wavegan/logit_fake")
PROJECTED_NAMES = ("loss/projected_discriminator", "loss/projected_generator")
PROJECTED_NORM = "train/gradient_norm_projected"


class WaveGANTrainer(Trainer):
    """Trains generator and discriminator: some updates of the discriminator, then one of the generator, in every step.

    Args:
        generator: `Generator`, not frozen.
        discriminator: `Discriminator`, or None where `updates` is 0.
        loss: name out of `adversarial.LOSSES`; it brings the optimisers.
        updates: of the discriminator a step; 5 in the official code.
        average: a second `Generator` that is given the exponential moving average of the first one's weights, or None.
        decay: of that average, a step.
        learning_rate: of both optimisers; None for the official one.
        projected: a `ProjectedDiscriminator`, or None; it has one update a step.
        projected_weight: of the generator's loss by it.
        joint: a `JointInverter`, or None; it has one update a step, together with the generator.
        joint_weight: of its loss.
    """

    def __init__(
        self,
        generator,
        discriminator,
        loss="wgan-gp",
        updates=5,
        average=None,
        decay=0.999,
        learning_rate=None,
        projected=None,
        projected_weight=0.0,
        *,
        joint=None,
        joint_weight=0.0,
    ):
        self.loss_kind, self.updates, self.decay = LOSSES[loss], updates, decay
        optimizer, self.discriminator_optimizer = self.loss_kind.optimizer(), self.loss_kind.optimizer()
        names = [name for name in NAMES if self.loss_kind.penalty or name != "loss/gradient_penalty"] if discriminator else []
        names += [*PROJECTED_NAMES, PROJECTED_NORM] if projected else []
        names += joint_inverter.NAMES if joint else []
        super().__init__(generator, optimizer, names)
        self.discriminator, self.average = discriminator, average
        self.joint, self.joint_weight = joint, joint_weight
        if discriminator:
            self.discriminator_optimizer.build(discriminator.trainable_variables)
        self.projected, self.projected_weight, self.projected_optimizer = projected, projected_weight, None
        if projected:
            self.projected_optimizer = keras.optimizers.Adam(2e-4, 0.0, 0.99)  # the projected GANs' own
            self.projected_optimizer.build(projected.trainable_variables)
        if learning_rate:
            for each in (optimizer, self.discriminator_optimizer):
                each.learning_rate = learning_rate

    def state(self):
        """All variables that training changes."""
        optimizers = [*self.network_optimizer.variables, *self.discriminator_optimizer.variables]
        average = [] if self.average is None else self.average.weights
        projected = [*variables_of(self.projected).values(), *self.projected_optimizer.variables] if self.projected else []
        joint = self.joint.state() if self.joint else []
        discriminator = self.discriminator.weights if self.discriminator else []
        return [*self.network.weights, *discriminator, *average, *optimizers, *projected, *joint]

    def train_step(self, data):
        """data: see `training_inputs`; all random numbers come with it."""
        logs = {}
        for i in range(self.updates):
            logs |= self.discriminator_step(data["audio"][:, i], data["z"][:, i], data["alpha"][:, i, None, None], data["shifts"][0, i])
        last, rolls = self.updates, data["rolls"][0] if self.projected else (0, 0)
        directions = data["directions"][0] if self.joint else None
        logs |= self.generator_step(
            data["z"][:, last], data["shifts"][0, last, 1], data["audio"][:, max(last - 1, 0)], rolls, directions=directions
        )
        return logs | self.gradient_norm()

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

    def generator_step(self, z, shifts, real=None, rolls=(0, 0), *, directions=None):
        """One update of the generator, and of the inverter beside it, if there is one; then one of the projected discriminator, if there is
        one.

        Args:
            z: [batch, latent_dim].
            shifts: int [4], phase shuffle.
            real: [batch, samples, channels], for the projected discriminator and the inverter.
            rolls: int [2], by how many samples generated and real clips are shifted for the projected discriminator.
            directions: [latent_dim, directions], for the inverter's distance from the prior.
        """
        also = [(self.joint.network, self.joint.optimizer, joint_inverter.NORM)] if self.joint else []
        _, values, heard = self.update(lambda: self.generator_losses(z, shifts, rolls[0], real=real, directions=directions), also=also)
        self._follow(self.network, self.average)
        logs = self.log(values)
        if self.joint:
            self._follow(self.joint.network, self.joint.average)
            logs |= self.gradient_norm(joint_inverter.NORM)
        if self.projected:
            logs |= self.projected_step(self.projected.hear(real, rolls[1]), heard)
        return logs

    def _follow(self, network, average):
        """Move the moving average of a network's weights, where there is one."""
        for mean, variable in zip(average.weights if average else [], network.weights if average else [], strict=True):
            mean.assign(variable + self.decay * (mean - variable))

    def generator_losses(self, z, shifts, roll=0, *, real=None, directions=None):
        """The generator's loss [batch], with that of the inverter beside it; what is logged, by name; and the features of its clips."""
        fake = self.network(z, training=True)
        loss, values, heard = tf.zeros_like(z[:, 0]), {}, None
        if self.discriminator:
            loss = values["loss/generator"] = self.loss_kind.generator(self.discriminator(fake, shifts))
        if self.projected:
            heard = self.projected.hear(fake, roll)
            logits = self.projected.judge(heard)
            projected = -sum(tf.reduce_mean(logit, axis=(1, 2, 3)) for logit in logits) / len(logits)
            values["loss/projected_generator"] = projected
            loss = loss + self.projected_weight * projected
        if self.joint:
            joint, parts = self.joint.losses(self.network, real, z, fake, directions)
            loss = loss + self.joint_weight * joint
            values |= parts
        return loss, values, heard

    def projected_step(self, real, fake):
        """One update of the projected discriminator; features of real and generated clips."""

        def losses():
            maps = zip(self.projected.judge(real), self.projected.judge(fake), strict=True)
            return (sum(hinge_discriminator(*pair) for pair in maps) / len(real),)

        (loss,) = self.update(losses, self.projected, self.projected_optimizer, PROJECTED_NORM)
        return self.log({"loss/projected_discriminator": loss}) | self.gradient_norm(PROJECTED_NORM)
