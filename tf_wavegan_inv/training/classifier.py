"""Training step of the digit classifier."""

import tensorflow as tf

from tf_wavegan_inv.losses import cross_entropy
from tf_wavegan_inv.models.classifier import logits_of
from tf_wavegan_inv.training.trainer import Trainer

NAMES = ("loss/total", "class/accuracy")
MONITOR = "loss/total"


class ClassifierTrainer(Trainer):
    """Trains a classifier on batches (audio [batch, length, channels], label [batch]) by cross-entropy."""

    def __init__(self, classifier, optimizer):
        super().__init__(classifier, optimizer, NAMES)
        self.logits = logits_of(classifier)

    def losses(self, audio, labels, training):
        logits = self.logits(audio, training=training)
        return cross_entropy(labels, logits), logits

    def train_step(self, data):
        audio, labels = data
        loss, logits = self.update(lambda: self.losses(audio, labels, training=True))
        return self.log(_values(loss, logits, labels)) | self.gradient_norm()

    def test_step(self, data):
        """data: (audio, label, weight [batch], 0 for clips that only fill the batch)."""
        audio, labels, weight = data
        loss, logits = self.losses(audio, labels, training=False)
        return self.log(_values(loss, logits, labels), weight)


def _values(loss, logits, labels):
    correct = tf.equal(tf.argmax(logits, axis=-1, output_type=labels.dtype), labels)
    return {"loss/total": loss, "class/accuracy": tf.cast(correct, tf.float32)}
