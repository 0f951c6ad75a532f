"""Training step of the inverter (paper, section 4.1)."""

import tensorflow as tf

from tf_wavegan_inv.losses import latent_loss, log_stft_distance, perceptual_loss, range_penalty, stft_magnitudes, waveform_loss
from tf_wavegan_inv.models.classifier import BLOCK_LAYERS, feature_extractor
from tf_wavegan_inv.precision import in_full_precision
from tf_wavegan_inv.training.trainer import Trainer

LOSSES = ("loss/perceptual_real", "loss/log_stft", "loss/range", "loss/latent", "loss/waveform", "loss/perceptual_synth")
SCORES = ("latent/rmse", "class/agreement", "class/accuracy")
MONITOR = "loss/total"


class InverterTrainer(Trainer):
    """Trains an inverter for a frozen generator, by a frozen classifier's features.

    A training step has two updates: one on a batch of real clips (perceptual loss; the distance of z from its range), then one on a freshly
    synthesised batch (mean squared error of z and of the waveform, perceptual loss); or, where the config is `joint`, one on the sum of
    both losses.

    Args:
        inverter: keras.Model, audio -> z.
        generator: frozen keras.Model, z -> audio.
        classifier: made by `build_classifier`; it is frozen.
        optimizer: a keras optimiser.
        config: `InverterConfig`.
        labelled: whether validation clips have known digits, for the accuracy of their reconstructions.
    """

    def __init__(self, inverter, generator, classifier, optimizer, config, labelled=True):
        loss_names = [name for name in LOSSES if name != "loss/log_stft" or config.log_stft_weight]  # which takes long
        super().__init__(inverter, optimizer, ["loss/total", *loss_names, *SCORES])
        self.loss_names = loss_names
        self.generator = generator
        self.features = feature_extractor(classifier, config.perceptual_layers or BLOCK_LAYERS)
        self.labelled = labelled
        self.relative, self.joint, self.batch_statistics = config.perceptual_relative, config.joint, config.batch_statistics
        self.loss_weights_by_name = {
            "loss/perceptual_real": config.perceptual_weight,
            "loss/log_stft": config.log_stft_weight,
            "loss/range": config.range_weight,
            "loss/latent": config.latent_weight,
            "loss/waveform": config.waveform_weight,
            "loss/perceptual_synth": config.perceptual_weight,
        }

    def train_step(self, data):
        """data: (real audio [batch, length, channels], z [batch, latent_dim])."""
        audio, z = data
        synthesised = self.generator(z, training=False)
        target_real, target_synth = self.target(audio), self.target(synthesised)

        def real():
            return self.real_losses(audio, target_real, training=self.batch_statistics)[:2]

        def synth():
            return self.synthesised_losses(z, synthesised, target_synth, training=self.batch_statistics)

        def both():
            (real_loss, real_parts), (synth_loss, synth_parts) = real(), synth()
            return real_loss + synth_loss, real_parts | synth_parts

        parts = {}
        for losses in [both] if self.joint else [real, synth]:
            parts |= self.update(losses)[1]
        return self.log(self.with_total(parts)) | self.gradient_norm()

    def test_step(self, data):
        """data: (real audio, label [batch] or -1 where unknown, z, weight [batch], 0 for clips that only fill the batch)."""
        audio, labels, z, weight = data
        _, real, predicted = self.real_losses(audio, self.target(audio), training=False)
        synthesised = self.generator(z, training=False)
        _, synth = self.synthesised_losses(z, synthesised, self.target(synthesised), training=False)
        logs = self.log(self.with_total(real | synth), weight)
        if self.labelled:
            correct = tf.cast(tf.equal(tf.argmax(predicted, -1, labels.dtype), labels), tf.float32)
            logs |= self.log({"class/accuracy": correct}, weight * tf.cast(labels >= 0, weight.dtype))
        return logs

    def target(self, audio):
        """What a reconstruction is compared with: features and probabilities of the original, computed once."""
        return tf.nest.map_structure(tf.stop_gradient, self.features(audio, training=False))

    def real_losses(self, audio, target, training):
        """Loss [batch] of real clips, its parts by name, and the classifier's probabilities of the reconstructions [batch, labels]."""
        z = self.network(audio, training=training)
        again = self.generator(z, training=False)
        features, predicted = self.features(again, training=False)
        parts = {
            "loss/perceptual_real": perceptual_loss(target[0], features, relative=self.relative),
            "loss/range": range_penalty(z),
        }
        if "loss/log_stft" in self.loss_names:
            parts["loss/log_stft"] = log_stft_distance(stft_magnitudes(audio), stft_magnitudes(again))
        return self.weighted(parts), parts, predicted

    def synthesised_losses(self, z, audio, target, training):
        """Loss [batch] of synthesised clips with known z [batch, latent_dim], and its parts by name."""
        recovered = self.network(audio, training=training)
        again = self.generator(recovered, training=False)
        features, predicted = self.features(again, training=False)
        error = latent_loss(z, recovered)
        parts = {
            "loss/latent": error,
            "loss/waveform": waveform_loss(in_full_precision(audio), in_full_precision(again)),
            "loss/perceptual_synth": perceptual_loss(target[0], features, relative=self.relative),
        }
        agreement = tf.equal(tf.argmax(predicted, -1), tf.argmax(target[1], -1))
        return self.weighted(parts), parts | {"latent/rmse": tf.sqrt(error), "class/agreement": tf.cast(agreement, tf.float32)}

    def weighted(self, parts):
        return sum(self.loss_weights_by_name[name] * value for name, value in parts.items())

    def with_total(self, values):
        return {"loss/total": self.weighted({name: values[name] for name in self.loss_names})} | values
