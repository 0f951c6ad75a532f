"""What is done beside the training steps, of whatever is trained: counting, saving, stopping, watching."""

import logging
import resource
import time

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import replacing

SAVE_SECONDS = 300  # a kill loses no more than this

log = logging.getLogger(__name__)


class Keeper(keras.callbacks.Callback):
    """Saves the state now and then, and when asked to stop; ends training where a loss is no number. A subclass has `save` and `report`,
    which of several workers only the chief calls.

    Args:
        run: `Run`.
        step: steps done.
        report_steps: steps between reports, which are Keras' epochs.
        clips: real clips that a step takes.
        preemption: `Preemption`.
    """

    def __init__(self, run, step, report_steps, clips, preemption):
        super().__init__()
        self.run, self.step, self.report_steps, self.clips, self.preemption = run, step, report_steps, clips, preemption
        self.chief = preemption.workers.chief
        self.batches_from, self.saved = None, step
        self.saved_at = time.monotonic()

    def begin(self, step, batches_from):
        """Before a call of `fit` whose first step is `step`; gives its batches, `batches_from(step)`."""
        self.step, self.batches_from = step, batches_from
        return batches_from(step)

    def save(self):
        """Save the state after `self.step` steps."""
        raise NotImplementedError

    def report(self, epoch, logs):
        """Write what is told of an epoch (0 the first), after which the state is saved."""
        raise NotImplementedError

    def on_epoch_begin(self, epoch, logs=None):
        self.began, self.first = time.monotonic(), self.step

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self.preemption.agree()
        self.trained_until = time.monotonic()
        wrong = not_finite(logs or {})
        if wrong:
            raise UserError(
                f"Training diverged in step {self.step}: {', '.join(wrong)} is NaN or infinite. Its batch is in {self._keep_batch()}, the "
                f"state saved before in {self.run.folder}; try a lower --learning-rate with another --run."
            )
        if self.step % self.report_steps and (self.preemption.signal or self.trained_until - self.saved_at > SAVE_SECONDS):
            self._save()

    def on_epoch_end(self, epoch, logs=None):
        if self.step == self.first:
            return
        wrong = not_finite(logs)
        if wrong:
            raise UserError(
                f"Training diverged before step {self.step}: {', '.join(wrong)} is NaN or infinite. The state saved before is kept in "
                f"{self.run.folder}; try a lower --learning-rate with another --run."
            )
        self._write(lambda: self.report(epoch, {name: float(value) for name, value in logs.items()}), "the report")
        self.preemption.agree()
        self._save()

    def pace(self):
        """How fast training was since the epoch's beginning, on what, and how much memory it has taken: values by name."""
        steps_per_second = (self.step - self.first) / (self.trained_until - self.began)
        values = {
            "train/steps_per_second": steps_per_second,
            "train/clips_per_second": steps_per_second * self.clips,
            "train/replicas": self.model.distribute_strategy.num_replicas_in_sync,
            "train/memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        }
        if tf.config.list_logical_devices("GPU"):
            values["train/device_memory"] = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e9
        return values

    def _save(self):
        self.saved_at = time.monotonic()
        if self._write(self.save, "the state"):
            self.saved = self.step
        if self.preemption.signal:
            self.preemption.stop(self.run.folder, self.saved)

    def _write(self, function, what):
        """Call a function that writes files. Warn if it fails, as on a full disk: earlier files remain, and training continues."""
        try:
            if self.chief:
                function()
            return True
        except (tf.errors.OpError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            log.warning("warning: %s after step %d cannot be written (%s). Is the disk full?", what, self.step, reason)
            return False

    def _keep_batch(self):
        path = self.run.folder / f"diverged-step-{self.step}.npz"
        if not self.chief:
            return path
        (batch,) = self.batches_from(self.step - 1).take(1)
        arrays = dict(batch) if isinstance(batch, dict) else {f"array_{i}": array for i, array in enumerate(tf.nest.flatten(batch))}
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez(file, **{name: np.asarray(array) for name, array in arrays.items()})
        return path


def not_finite(values):
    """Names of the values that are NaN or infinite."""
    return [name for name, value in values.items() if not np.isfinite(value)]
