"""The training loop around Keras' `fit`: epochs, validation, saving, resuming."""

import keras
import numpy as np

from tf_wavegan_inv.evaluation.tensorboard import ScalarWriter, write_options
from tf_wavegan_inv.progress import Lines, shows_bars
from tf_wavegan_inv.training.keeper import Keeper
from tf_wavegan_inv.training.preemption import Preemption


def learning_rate(config, updates):
    """A Keras learning rate for a `ClassifierConfig` or `InverterConfig`, over all the updates of a run."""
    if config.schedule == "cosine":
        return keras.optimizers.schedules.CosineDecay(config.learning_rate, updates)
    return config.learning_rate


def adam(rate):
    """Adam for a training in the global policy's precision: in float16 the loss is scaled, lest small gradients vanish."""
    optimizer = keras.optimizers.Adam(rate)
    return keras.optimizers.LossScaleOptimizer(optimizer) if keras.config.dtype_policy().compute_dtype == "float16" else optimizer


def fit(trainer, run, batches_from, validation, steps_per_epoch, config, monitor, previews=None, verbose=None, callbacks=()):
    """Train until the config's epochs are done, from wherever the run folder's state is.

    Args:
        trainer: a `Trainer`.
        run: a `Run`.
        batches_from: function of a step number -> tf.data.Dataset of the batches from that step on.
        validation: tf.data.Dataset.
        steps_per_epoch: int.
        config: `ClassifierConfig` or `InverterConfig`, for `epochs`, in all, and `patience`.
        monitor: name of the loss on `validation` whose lowest value makes a model the best.
        previews: called with the epoch after each epoch, or None.
        verbose: as in `keras.Model.fit`; by default what `display` gives.
        callbacks: more Keras callbacks.

    Raises:
        UserError: if a loss is no number any more.
        StoppedError: after a signal to stop.
    """
    workers = trainer.workers
    verbose, lines = display() if verbose is None else (verbose, [])
    done = run.track(trainer.network, trainer.network_optimizer, workers)
    if done:
        print(f"Resuming {run.folder} after step {done} of {config.epochs * steps_per_epoch}.")
    if workers.chief:
        write_options(run.folder / "logs", run.options())
    with Preemption(workers) as preemption:
        keeper = EpochKeeper(trainer, run, done, steps_per_epoch, config, preemption, monitor, previews)
        for first, steps, stop_epoch in segments(done, steps_per_epoch, config.epochs):
            if workers.of_chief(int(keeper.out_of_patience())):
                break
            trainer.fit(
                keeper.begin(first, batches_from),
                validation_data=validation,
                initial_epoch=first // steps_per_epoch,
                epochs=stop_epoch,
                steps_per_epoch=steps,
                callbacks=[keeper, *callbacks, *lines],
                verbose=verbose,
                shuffle=False,
            )


def display():
    """How training reports progress: `verbose` of `keras.Model.fit`, and further callbacks."""
    return (1, []) if shows_bars() else (2, [StepLines()])


class StepLines(keras.callbacks.Callback):
    """Prints the progress of an epoch every 30 seconds, where Keras prints a line at its end alone."""

    def on_epoch_begin(self, epoch, logs=None):
        self.lines = Lines(f"epoch {epoch + 1}", "step", at_once=False)

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 < self.params["steps"]:
            self.lines(batch + 1, self.params["steps"])


def segments(done, steps_per_epoch, epochs):
    """The calls of `fit` that remain: the rest of a begun epoch, then the whole ones; each (first step, steps an epoch, stop epoch)."""
    epoch, within = divmod(done, steps_per_epoch)
    if within and epoch < epochs:
        yield done, steps_per_epoch - within, epoch + 1
        epoch += 1
    if epoch < epochs:
        yield epoch * steps_per_epoch, steps_per_epoch, epochs


def rate_of(optimizer):
    """The learning rate that an optimiser is at, float; under a strategy a constant one is a mirrored variable, which float() refuses."""
    return float(np.array(optimizer.learning_rate))


def rounded(values):
    """Values by name with 6 digits, for a table."""
    return {name: float(np.format_float_positional(value, 6, fractional=False)) for name, value in values.items()}


class EpochKeeper(Keeper):
    """The `Keeper` of `fit`: after each epoch models, history, scalars and previews."""

    def __init__(self, trainer, run, step, steps_per_epoch, config, preemption, monitor, previews=None):
        super().__init__(run, step, steps_per_epoch, config.batch_size, preemption)
        self.trainer, self.monitor, self.patience, self.previews = trainer, monitor, config.patience, previews
        self.scalars = ScalarWriter(run.folder / "logs")

    def save(self):
        self.run.save_state(self.step)

    def report(self, epoch, logs):
        training = {name: value for name, value in logs.items() if not name.startswith("val_")}
        validation = {name.removeprefix("val_"): value for name, value in logs.items() if name.startswith("val_")}
        training["train/learning_rate"] = rate_of(self.trainer.network_optimizer)
        training |= self.pace()
        self.scalars.write(epoch + 1, train=training, validation=validation)
        if validation[self.monitor] < float(self.run.best):
            self.run.save_model("best", self.trainer.network)  # first: where that fails, the best is what the file has
            self.run.best.assign(validation[self.monitor])
        self.run.save_model("last", self.trainer.network)
        prefixed = {f"val_{name}": value for name, value in validation.items()}
        self.run.add_history({"epoch": epoch + 1} | rounded(training | prefixed))
        if self.previews:
            self.previews(epoch + 1)
        if self.out_of_patience():
            print(f"\nNo better {self.monitor} on validation clips for {self.patience} epochs: enough.")
            self.model.stop_training = True

    def out_of_patience(self):
        """Whether the last `patience` epochs, by history.csv, brought nothing better."""
        losses = [float(row[f"val_{self.monitor}"]) for row in self.run.history()]
        return bool(self.patience and losses) and len(losses) - 1 - int(np.argmin(losses)) >= self.patience
