"""On which devices to train."""

import tensorflow as tf

from tf_wavegan_inv.errors import UserError

STRATEGIES = ("auto", "one", "mirrored")


def make_strategy(name="auto", replicas=None):
    """A `tf.distribute` strategy.

    Args:
        name: "one" device; "mirrored", the same step on every GPU; "auto", mirrored where there are several GPUs.
        replicas: for "mirrored", how many devices; all GPUs where it is None. On a machine without GPUs that many logical CPUs are made.

    Raises:
        UserError: for an unknown name, or more replicas than GPUs.
    """
    if name not in STRATEGIES:
        raise UserError(f"strategy must be one of {STRATEGIES}, received {name!r}.")
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")] if name != "one" else []
    if name == "one" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    if not gpus:
        return tf.distribute.MirroredStrategy(_logical_cpus(replicas or 2))
    if replicas and replicas > len(gpus):
        raise UserError(f"replicas={replicas}, but there are {len(gpus)} GPUs.")
    return tf.distribute.MirroredStrategy(gpus[:replicas])


def divided(batch_size, strategy):
    """Clips of a batch on each replica. Raises UserError if it cannot be divided evenly."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise UserError(f"The batch of {batch_size} clips cannot be divided evenly over {replicas} replicas.")
    return batch_size // replicas


def make_logical_cpus(count):
    """Split the CPU into logical devices; only possible before TensorFlow has started them."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


def _logical_cpus(count):
    cpus = [device.name for device in tf.config.list_logical_devices("CPU")]
    if len(cpus) < count:
        raise UserError(
            f"strategy 'mirrored' with replicas={count} found no GPU and {len(cpus)} logical CPU(s); "
            "call make_logical_cpus before TensorFlow starts."
        )
    return cpus[:count]
