"""A WaveGAN that is made to be inverted: an inverter trained in the generator's own step, whose losses reach the generator too.

A real clip x goes through the inverter E and the generator G, and both learn to make G(E(x)) like x, as in a VAE-GAN (Larsen et al.,
"Autoencoding beyond pixels using a learned similarity metric", 2016). E also learns the z of clips that G makes, and G learns to make clips
whose z E can predict (Chen et al., "InfoGAN", 2016). A loss keeps the z of real clips near the prior, so that random z
resemble them.
"""

import tensorflow as tf
from keras import ops

from tf_wavegan_inv.losses import latent_loss, log_stft_distance, perceptual_loss, prior_distance, range_penalty, stft_magnitudes
from tf_wavegan_inv.models.classifier import BLOCK_LAYERS, feature_extractor

LOSSES = ("loss/log_stft", "loss/perceptual_real", "loss/latent", "loss/range", "loss/prior")
NORM = "train/gradient_norm_inverter"
NAMES = (*LOSSES, NORM)


class JointInverter:
    """The inverter of a `WaveGANTrainer`, its losses and its optimiser.

    Args:
        inverter: keras.Model. audio -> z.
        average: keras.Model or None. A second inverter, whose weights are the exponential moving average of the first one's.
        classifier: keras.Model. Made by `build_classifier`; it is frozen.
        optimizer: keras.Optimizer. Optimiser of the inverter.
        config: `InverterConfig`. Layers and weights of the losses.
        prior_weight: float. Weight of `losses.prior_distance` of real clips' z.
    """

    def __init__(self, inverter, average, classifier, optimizer, config, *, prior_weight):
        self.network, self.average, self.optimizer = inverter, average, optimizer
        optimizer.build(inverter.trainable_variables)
        self.features = feature_extractor(classifier, config.perceptual_layers or BLOCK_LAYERS)
        self.relative = config.perceptual_relative
        self.weights = {
            "loss/log_stft": config.log_stft_weight,
            "loss/perceptual_real": config.perceptual_weight,
            "loss/latent": config.latent_weight,
            "loss/range": config.range_weight,
            "loss/prior": prior_weight,
        }

    def state(self):
        """All variables that training changes."""
        average = [] if self.average is None else self.average.weights
        return [*self.network.weights, *average, *self.optimizer.variables]

    def losses(self, generator, real, z, synthesised, directions):
        """Loss [batch], and its parts by name.

        Args:
            generator: `Generator`. It is not frozen.
            real: float [batch, samples, channels]. Real clips.
            z: float [batch, latent_dim]. Random z.
            synthesised: float [batch, samples, channels]. The generator's clips of z.
            directions: float [latent_dim, directions]. See `losses.prior_distance`.
        """
        count = ops.shape(z)[0]
        # One batch of both kinds: in inference, batch normalisation uses the statistics of both.
        found = self.network(ops.concatenate([real, synthesised]), training=True)
        code, recovered = found[:count], found[count:]
        again = generator(code, training=True)
        target = tf.nest.map_structure(tf.stop_gradient, self.features(real, training=False)[0])
        parts = {
            "loss/log_stft": log_stft_distance(stft_magnitudes(real), stft_magnitudes(again)),
            "loss/perceptual_real": perceptual_loss(target, self.features(again, training=False)[0], relative=self.relative),
            "loss/latent": latent_loss(z, recovered),
            "loss/range": range_penalty(code),
            "loss/prior": ops.repeat(prior_distance(code, directions)[None], count),
        }
        return sum(self.weights[name] * value for name, value in parts.items()), parts
