"""What the custom training steps share: gradients under any strategy, and means that count every clip once."""

import keras
import tensorflow as tf


class Trainer(keras.Model):
    """A network, its optimiser and its losses; a subclass has the `train_step` and `test_step`.

    The losses it logs are means over clips. The gradients that it applies are those of the mean over the global batch: strategies sum
    gradients over replicas, so each replica's mean is divided by their number.

    Args:
        network: the keras.Model that is trained.
        optimizer: a keras.optimizers.Optimizer.
        names: names out of `names.NAMES` of all that the steps log.
    """

    def __init__(self, network, optimizer, names):
        super().__init__(name=f"{network.name}_trainer")
        self.network = network
        self.means = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True
        self.compile(optimizer=None, jit_compile=False)
        optimizer.build(network.trainable_variables)
        self.network_optimizer = optimizer

    @property
    def metrics(self):
        return list(self.means.values())

    def call(self, inputs, training=False):
        return self.network(inputs, training=training)

    def update(self, losses_of, network=None, optimizer=None):
        """One step of an optimiser.

        Args:
            losses_of: function without arguments; returns the loss to minimise [batch], and whatever else.
            network, optimizer: what is updated, and by what; the trainer's own by default.

        Returns:
            what `losses_of` returned.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            result = losses_of()
            loss = tf.reduce_mean(result[0]) / replicas
        variables = (network or self.network).trainable_variables
        (optimizer or self.network_optimizer).apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return result

    def log(self, values, weight=None):
        """Add values [batch] by name to the running means, each with its clip's weight, and return the means' results by name."""
        for name, value in values.items():
            self.means[name].update_state(value, sample_weight=weight)
        return {name: self.means[name].result() for name in values}
