"""What the custom training steps share: gradients under any strategy, and means that count every clip once."""

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.training.loop import loop
from tf_wavegan_inv.training.workers import Workers

GRADIENT_NORM = "train/gradient_norm"


class Trainer(keras.Model):
    """A network, its optimiser and its losses; a subclass has the `train_step` and `test_step`.

    The losses it logs are means over clips. The gradients that it applies are those of the mean over the global batch: strategies sum
    gradients over replicas, so each replica's mean is divided by their number.

    It also logs the norm of the gradients ("train/gradient_norm"): the mean, over updates of the network and replicas, of the norm of the
    gradient of a replica's own mean.

    Args:
        network: the keras.Model that is trained.
        optimizer: a keras.optimizers.Optimizer.
        names: names out of `names.NAMES` of all that the steps log.
    """

    def __init__(self, network, optimizer, names):
        super().__init__(name=f"{network.name}_trainer")
        self.network = network
        self.means = {name: keras.metrics.Mean(name=name) for name in (*names, GRADIENT_NORM)}
        self.built = True
        self.compile(optimizer=None, jit_compile=False)
        optimizer.build(network.trainable_variables)
        self.network_optimizer = optimizer
        self.workers = Workers(self.distribute_strategy)

    @property
    def metrics(self):
        return list(self.means.values())

    def get_metrics_result(self):
        """The means by name, of all replicas together: of what this phase has logged. (Keras takes them for a phase's results where they
        have the names that its steps return, and else the mean of the replicas' own.)"""
        traced = not tf.executing_eagerly()
        return {name: mean.result() for name, mean in self.means.items() if traced or tf.convert_to_tensor(mean.count.value) > 0}

    def fit(self, batches, **options):
        """As `keras.Model.fit`; over several workers `loop` instead. `batches` are those of all replicas together."""
        if self.workers.count > 1:
            return loop(self, batches, **options)
        return super().fit(batches, **options)

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)

    def update(self, losses_of, network=None, optimizer=None, norm=GRADIENT_NORM, *, also=()):
        """One step of an optimiser.

        Args:
            losses_of: function without arguments; returns the loss to minimise [batch], and whatever else.
            network, optimizer: what is updated, and by what; the trainer's own by default.
            norm: name under which the gradient's norm is logged.
            also: more tuples (network, optimizer, norm) that are updated by the same loss; not for optimisers that scale it.

        Returns:
            what `losses_of` returned.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        optimizer = optimizer or self.network_optimizer
        parts = [(network or self.network, optimizer, norm), *also]
        with tf.GradientTape() as tape:
            result = losses_of()
            loss = optimizer.scale_loss(tf.reduce_mean(result[0]) / replicas)
        all_gradients = tape.gradient(loss, [part[0].trainable_variables for part in parts])
        for (network, optimizer, norm), gradients in zip(parts, all_gradients, strict=True):
            size = tf.linalg.global_norm(gradients)
            self._log_norm(norm, size * replicas, optimizer)
            if replicas > 1 and isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
                gradients = _finite_everywhere(gradients, size)
            optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return result

    def _log_norm(self, name, norm, optimizer):
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            self.means[name].update_state(norm)
            return
        finite = tf.math.is_finite(norm)  # else the scale was too much: the optimiser halves it, and leaves out this update
        self.means[name].update_state(tf.where(finite, norm / optimizer.dynamic_scale, 0.0), sample_weight=tf.cast(finite, norm.dtype))

    def log(self, values, weight=None):
        """Add values [batch] by name to the running means, each with its clip's weight, and return the means' results by name."""
        for name, value in values.items():
            self.means[name].update_state(value, sample_weight=weight)
        return {name: self.means[name].result() for name in values}

    def gradient_norm(self, norm=GRADIENT_NORM):
        """The mean norm of the gradients so far, by its name."""
        return {norm: self.means[norm].result()}


def _finite_everywhere(gradients, norm):
    """A replica's gradients, or NaN if another's overflow: Keras' loss scaling looks at one replica, and all must leave out the update."""
    total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, norm)
    return [tf.where(tf.math.is_finite(total), gradient, np.nan) for gradient in gradients]
