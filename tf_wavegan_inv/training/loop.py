"""The training loop over several workers, for which Keras' `fit` is not made."""

import keras
import tensorflow as tf


def loop(trainer, batches, validation_data=None, initial_epoch=0, epochs=1, steps_per_epoch=None, callbacks=(), verbose=1, shuffle=False):
    """What `keras.Model.fit` does, by each worker on its rows of every batch.

    Args:
        trainer: a `Trainer`.
        batches, ...: as in `keras.Model.fit`; datasets that all workers make alike. `shuffle` means nothing, as there.
    """
    workers = trainer.workers
    callbacks = keras.callbacks.CallbackList(
        callbacks, add_progbar=bool(verbose) and workers.chief, model=trainer, epochs=epochs, steps=steps_per_epoch, verbose=verbose
    )
    rows, train, test = iter(workers.rows(batches)), on_replicas(trainer, trainer.train_step), on_replicas(trainer, trainer.test_step)
    trainer.stop_training = False
    callbacks.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        callbacks.on_epoch_begin(epoch)
        trainer.reset_metrics()
        for step in range(steps_per_epoch):
            callbacks.on_train_batch_begin(step)
            logs = train(next(rows))
            callbacks.on_train_batch_end(step, logs)
            if trainer.stop_training:
                break
        if validation_data is not None:
            logs = logs | evaluate(trainer, validation_data, test)
        callbacks.on_epoch_end(epoch, logs)
        if workers.any(trainer.stop_training):
            break
    callbacks.on_train_end(logs)


def evaluate(trainer, batches, step):
    """The means over validation batches, by name with the prefix "val_"; `step` is a test step `on_replicas`."""
    trainer.reset_metrics()
    rows = iter(trainer.workers.rows(batches))
    for _ in range(int(batches.cardinality())):
        logs = step(next(rows))
    return {f"val_{name}": value for name, value in logs.items()}


def on_replicas(trainer, step):
    """A training or test step as a function of one batch's rows -> the trainer's means so far over all replicas, by name: dict of float."""

    def of_replica(rows):
        step(rows)
        return tf.stack([(mean.total.value, mean.count.value) for mean in trainer.means.values()])

    @tf.function
    def of_all(rows):
        return trainer.distribute_strategy.reduce("SUM", trainer.distribute_strategy.run(of_replica, args=(rows,)), axis=None)

    def means(rows):
        sums = zip(trainer.means, of_all(rows).numpy().tolist(), strict=True)
        return {name: total / count for name, (total, count) in sums if count}

    return means
