"""Some updates of each trainer in float64, by one process or by each worker that TF_CONFIG tells of: what came of
them into <folder>/<index>.npz."""

import json
import pathlib
import sys

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv import load_wavegan
from tf_wavegan_inv.audio.slices import Slices
from tf_wavegan_inv.config import InverterConfig, SpectrogramConfig, WaveGANTrainingConfig
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.training.classifier import ClassifierTrainer
from tf_wavegan_inv.training.inverter import InverterTrainer
from tf_wavegan_inv.training.strategy import make_strategy
from tf_wavegan_inv.training.wavegan_stage import make_trainer, training_inputs
from tf_wavegan_inv.training.workers import Workers, cluster
from tf_wavegan_inv.wavegan.config import WaveGANConfig

GENERATOR = pathlib.Path(__file__).parent.parent / "golden" / "a_default"
BATCH, STEPS = 4, 2
TRAINING = WaveGANTrainingConfig(batch_size=BATCH, updates=1, average=0.9)


class Logs(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        self.logs = {name: float(value) for name, value in logs.items()}


def trainers(strategy):
    """By name: trainer, batches, validation batches."""
    spectrogram, synchronized = SpectrogramConfig(), strategy.num_replicas_in_sync > 1
    rng = np.random.default_rng(0)
    audio, z = rng.uniform(-0.5, 0.5, (STEPS * BATCH, 16384, 1)), rng.uniform(-1, 1, (STEPS * BATCH, 100))
    labels, weight = rng.integers(0, 10, STEPS * BATCH).astype(np.int32), np.array([1.0] * 7 + [0.0])
    keras.utils.set_random_seed(1)
    classifier = build_classifier(16384, 1, spectrogram=spectrogram, width=4, synchronized=synchronized)
    yield "classifier", ClassifierTrainer(classifier, keras.optimizers.SGD(0.01)), (audio, labels), (audio, labels, weight)
    inverter = build_inverter(16384, 1, latent_dim=100, spectrogram=spectrogram, width=4, synchronized=synchronized)
    judge = build_classifier(16384, 1, spectrogram=spectrogram, width=4)
    trainer = InverterTrainer(inverter, load_wavegan(GENERATOR), judge, keras.optimizers.Adam(1e-3), InverterConfig(range_weight=0.1))
    yield "inverter", trainer, (audio, z), (audio, labels, z, weight)
    starts = 16384 * np.arange(STEPS * BATCH)
    slices = Slices((32767 * audio).astype(np.int16).reshape(-1, 1), starts, starts + 16384, 16384, 0, False)
    yield "wavegan", make_trainer(WaveGANConfig(dim=4), TRAINING), training_inputs(slices, TRAINING, 100, 0, 0), None


def as_float64(*batch):
    batch = tf.nest.map_structure(lambda x: tf.cast(x, tf.float64) if x.dtype.is_floating else x, batch)
    return batch[0] if len(batch) == 1 else batch


def main(out):
    strategy = make_strategy("workers") if cluster() else tf.distribute.get_strategy()
    keras.config.set_dtype_policy("float64")
    workers, most = Workers(strategy), 2**40
    found = {"of_chief": workers.of_chief(most if workers.chief else 5)}  # beyond what TensorFlow takes for int32
    with strategy.scope():
        made = list(trainers(strategy))
    for name, trainer, data, validation in made:
        batches, validation = (
            each if each is None or isinstance(each, tf.data.Dataset) else tf.data.Dataset.from_tensor_slices(each).batch(BATCH, True)
            for each in (data, validation)
        )
        logs, before = Logs(), [np.array(w) for w in trainer.network.weights]
        trainer.fit(
            batches.map(as_float64),
            validation_data=validation and validation.map(as_float64),
            epochs=1,
            steps_per_epoch=STEPS,
            callbacks=[logs],
            verbose=0,
            shuffle=False,
        )
        found[f"{name}/logs"] = json.dumps(logs.logs)
        for i, (start, weight) in enumerate(zip(before, trainer.network.weights, strict=True)):
            found[f"{name}/before/{i}"], found[f"{name}/after/{i}"] = start, np.array(weight)
    np.savez(pathlib.Path(out) / f"{workers.index}.npz", **found)


if __name__ == "__main__":
    main(sys.argv[1])
