"""On which devices to train."""

import logging

import tensorflow as tf

from tf_wavegan_inv.errors import StoppedError, UserError
from tf_wavegan_inv.training.workers import TEMPORARY, cluster

log = logging.getLogger(__name__)

STRATEGIES = ("auto", "one", "mirrored", "workers")


def make_strategy(name="auto", replicas=None):
    """A `tf.distribute` strategy. That of several workers must be made before TensorFlow does anything, and waits for all of them.

    Args:
        name: "one" device; "mirrored", the same step on every GPU; "workers", on every GPU of several processes, told by TF_CONFIG; "auto",
            workers where there is a TF_CONFIG, mirrored where there are several GPUs.
        replicas: for "mirrored", how many devices; all GPUs where it is None. On a machine without GPUs that many logical CPUs are made.

    Raises:
        UserError: for an unknown name, more replicas than GPUs, or a TF_CONFIG that is missing or not understood.
    """
    if name not in STRATEGIES:
        raise UserError(f"strategy must be one of {STRATEGIES}, received {name!r}.")
    if name in ("auto", "workers") and cluster():
        log.info("Waiting for the other workers of TF_CONFIG.")
        try:
            return tf.distribute.MultiWorkerMirroredStrategy()
        except (tf.errors.OpError, RuntimeError) as error:
            raise StoppedError(f"The workers of TF_CONFIG cannot meet: {str(error).splitlines()[0]}", TEMPORARY) from None
    if name == "workers":
        raise UserError(
            "strategy 'workers' finds no several workers in the environment variable TF_CONFIG: see docs/how-to/train-on-a-cluster.md."
        )
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
