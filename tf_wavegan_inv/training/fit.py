"""The training loop around Keras' `fit`: epochs, validation, saving, resuming."""

import time

import keras
import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.tensorboard import ScalarWriter, write_options

SAVE_SECONDS = 300  # a kill loses no more than this


def learning_rate(config, updates):
    """A Keras learning rate for a `ClassifierConfig` or `InverterConfig`, over all the updates of a run."""
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(config.learning_rate, updates)
    return config.learning_rate


def fit(trainer, run, batches_from, validation, steps_per_epoch, epochs, monitor, previews=None, verbose=1, callbacks=()):
    """Train until `epochs` are done, from wherever the run folder's state is.

    Args:
        trainer: a `Trainer`.
        run: a `Run`.
        batches_from: function of a step number -> tf.data.Dataset of the batches from that step on.
        validation: tf.data.Dataset.
        steps_per_epoch: int.
        epochs: int, in all.
        monitor: name of the loss on `validation` whose lowest value makes a model the best.
        previews: called with the epoch after each epoch, or None.
        verbose: as in `keras.Model.fit`.
        callbacks: more Keras callbacks.
    """
    done = run.track(trainer.network, trainer.network_optimizer)
    if done:
        print(f"Resuming {run.folder} after step {done} of {epochs * steps_per_epoch}.")
    keeper = Keeper(trainer, run, steps_per_epoch, monitor, previews, done)
    write_options(run.folder / "logs", run.options())
    for first, steps, stop_epoch in segments(done, steps_per_epoch, epochs):
        keeper.step = first
        trainer.fit(
            batches_from(first),
            validation_data=validation,
            initial_epoch=first // steps_per_epoch,
            epochs=stop_epoch,
            steps_per_epoch=steps,
            callbacks=[keeper, *callbacks],
            verbose=verbose,
            shuffle=False,
        )


def segments(done, steps_per_epoch, epochs):
    """The calls of `fit` that remain: the rest of a begun epoch, then the whole ones; each (first step, steps an epoch, stop epoch)."""
    epoch, within = divmod(done, steps_per_epoch)
    if within and epoch < epochs:
        yield done, steps_per_epoch - within, epoch + 1
        epoch += 1
    if epoch < epochs:
        yield epoch * steps_per_epoch, steps_per_epoch, epochs


def check_finite(logs, when, folder):
    """Raise UserError if a loss or metric by name is NaN or infinite."""
    wrong = [name for name, value in logs.items() if not np.isfinite(value)]
    if wrong:
        raise UserError(
            f"Training diverged {when}: {', '.join(wrong)} is NaN or infinite. The state saved before is kept in {folder}; "
            "try a lower --learning-rate with another --run."
        )


def rounded(values):
    """Values by name with 6 digits, for a table."""
    return {name: float(np.format_float_positional(value, 6, fractional=False)) for name, value in values.items()}


class Keeper(keras.callbacks.Callback):
    """Saves state, models, history and scalars as training goes."""

    def __init__(self, trainer, run, steps_per_epoch, monitor, previews, step):
        super().__init__()
        self.trainer, self.run, self.steps_per_epoch, self.monitor, self.previews, self.step = (
            trainer,
            run,
            steps_per_epoch,
            monitor,
            previews,
            step,
        )
        self.scalars = ScalarWriter(run.folder / "logs")
        self.saved_at = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self.began, self.first = time.monotonic(), self.step

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self.trained_until = time.monotonic()
        if time.monotonic() - self.saved_at > SAVE_SECONDS and self.step % self.steps_per_epoch:
            check_finite({name: float(value) for name, value in logs.items()}, f"before step {self.step}", self.run.folder)
            self._save_state()

    def on_epoch_end(self, epoch, logs=None):
        logs = {name: float(value) for name, value in logs.items()}
        training = {name: value for name, value in logs.items() if not name.startswith("val_")}
        validation = {name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")}
        check_finite(logs, f"in epoch {epoch + 1}", self.run.folder)
        steps = self.step - self.first
        training["train/learning_rate"] = float(self.trainer.network_optimizer.learning_rate)
        training["train/steps_per_second"] = steps / (self.trained_until - self.began)
        self.scalars.write(epoch + 1, train=training, validation=validation)
        if validation[self.monitor] < float(self.run.best):
            self.run.best.assign(validation[self.monitor])
            self.run.save_model("best", self.trainer.network)
        self.run.save_model("last", self.trainer.network)
        prefixed = {f"val_{name}": value for name, value in validation.items()}
        self.run.add_history({"epoch": epoch + 1} | rounded(training | prefixed))
        if self.previews:
            self.previews(epoch + 1)
        self._save_state()

    def _save_state(self):
        self.run.save_state(self.step)
        self.saved_at = time.monotonic()
