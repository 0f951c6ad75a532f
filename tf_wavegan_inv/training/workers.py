"""The processes that train together: what they agree on."""

import contextlib
import json
import os
import zlib

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context  # the barrier of the coordination service has no public name

from tf_wavegan_inv.errors import StoppedError, UserError

TEMPORARY, MISTAKE = 75, 78  # exit codes: a later try may succeed (EX_TEMPFAIL); it will not (EX_CONFIG)
PATIENCE = 24 * 3600 * 1000  # ms that a worker waits at the end for others, which may be inverting clips
LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)


class Workers:
    """The processes of a strategy; but for `MultiWorkerMirroredStrategy` there is one.

    Every method is called by all of them, in the same order: it waits for the others.

    Attributes:
        count: how many.
        index: which of them this is.
        chief: whether this is the one that writes the run folder.
    """

    def __init__(self, strategy):
        self.strategy, self.count, self.index = strategy, 1, 0
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            resolver = strategy.cluster_resolver
            tasks = _tasks(resolver.cluster_spec().as_dict())
            self.count, self.index = len(tasks), tasks.index((resolver.task_type, resolver.task_id))
        self.chief = self.index == 0
        self.replicas = strategy.num_replicas_in_sync // self.count

    @contextlib.contextmanager
    def watched(self):
        """Within this block, which holds all that workers do, the loss of another one is a `StoppedError`, and so is a user's mistake, with
        an exit code of its own. None leaves it before all do: it would take with it what others are still being sent."""
        if self.count == 1:
            yield
            return
        try:
            yield
            self._part()
        except StoppedError:  # of all
            with contextlib.suppress(*LOST):
                self._part()
            raise
        except UserError as error:
            raise StoppedError(f"error: {error}", MISTAKE) from None
        except LOST as error:
            raise StoppedError(
                f"Another worker is gone ({_reason(error)}). Start all of them again by the same command: training resumes from the saved "
                "state.",
                TEMPORARY,
            ) from None

    def _part(self):
        context.context().wait_at_barrier("end", PATIENCE)

    def sum(self, value):
        """The sum over workers of an array or a number each."""
        if self.count == 1:
            return np.asarray(value)
        return self._sum(tf.convert_to_tensor(value)).numpy()

    def any(self, flag):
        """Whether a flag is set on some worker."""
        return bool(self.sum(np.int64(flag)))

    def of_chief(self, value):
        """The chief's integer, on all workers."""
        return int(self.sum(np.int64(value if self.chief else 0)))

    def check_same(self, config):
        """Raise UserError unless the chief was given the same config, a dict: its recipe, data and the rest, but for versions."""
        text = json.dumps({name: value for name, value in config.items() if name != "versions"}, sort_keys=True)
        number = zlib.crc32(text.encode())
        if self.of_chief(number) != number:
            raise UserError(f"Worker {self.index} was given other options or data than worker 0: start all of them by the same command.")

    def share(self, variables):
        """Give variables the chief's values."""
        if self.count == 1:
            return
        for dtype in sorted({v.dtype for v in variables}, key=str):
            group = [v for v in variables if v.dtype == dtype]
            flat = np.concatenate([np.ravel(v) for v in group])
            flat = self.sum(flat if self.chief else np.zeros_like(flat))
            parts = np.split(flat, np.cumsum([np.size(v) for v in group])[:-1])
            for variable, part in zip(group, parts, strict=True):
                variable.assign(part.reshape(variable.shape))

    def rows(self, batches):
        """Of batches that all workers make alike, those for the replicas of this one.

        Args:
            batches: tf.data.Dataset of nests of [batch, ...].

        Returns:
            tf.distribute.DistributedDataset.
        """
        replicas = self.count * self.replicas

        def mine(*element):
            def of(x):
                size = x.shape[0] // replicas
                x = x[self.index * self.replicas * size : (self.index + 1) * self.replicas * size]
                return tf.reshape(x, [self.replicas, size, *x.shape[1:]])

            mapped = tf.nest.map_structure(of, element)
            return mapped[0] if len(mapped) == 1 else mapped

        return self.strategy.distribute_datasets_from_function(lambda _: batches.map(mine).unbatch().prefetch(2 * self.replicas))

    @tf.function
    def _sum(self, value):
        def of_replica(value):  # the first replica of a worker speaks for it
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            return value * tf.cast(tf.equal(replica % self.replicas, 0), value.dtype)

        return self.strategy.reduce("SUM", self.strategy.run(of_replica, args=(value,)), axis=None)


def cluster():
    """The cluster in the environment variable TF_CONFIG: dict; None where it is not set or names one process.

    Raises:
        UserError: if TF_CONFIG is not understood.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return None
    try:
        config = json.loads(text)
        tasks, task = _tasks(config["cluster"]), (config["task"]["type"], int(config["task"]["index"]))
        if task not in tasks:
            raise ValueError(f"the task {task} is none of the cluster's {tasks}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f'TF_CONFIG is not understood ({error}); expected {{"cluster": {{"worker": ["host:port", ...]}}, "task": {{"type": "worker", '
            f'"index": 0}}}}, received {text}'
        ) from None
    return config if len(tasks) > 1 else None


def _reason(error):
    """What an error of lost workers says, without where in the graph it was."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "heartbeat" in line or "aborted" in line or "UNAVAILABLE" in line]
    return (told or lines or [type(error).__name__])[0][:200]


def _tasks(cluster):
    """Type and index of each task of a cluster, a dict of type to addresses; the first is the chief."""
    return [(kind, i) for kind in ("chief", "worker") for i in range(len(cluster.get(kind, [])))]
