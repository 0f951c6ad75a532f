"""Time of one WaveGAN training iteration (5 updates of D, 1 of G), compared with the same step of Keras' convolutions.

python benchmarks/wavegan_step.py
TF_ENABLE_ONEDNN_OPTS=0 python benchmarks/wavegan_step.py --only-plain      with the kernels that TensorFlow 1.15 had
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import keras
import numpy as np
import tensorflow as tf

from benchmarks.measure import ceiling, seconds, table
from tf_wavegan_inv.config import WaveGANTrainingConfig
from tf_wavegan_inv.training.wavegan_stage import make_trainer, wavegan_config
from tf_wavegan_inv.wavegan import discriminator as discriminator_module
from tf_wavegan_inv.wavegan import generator as generator_module


def plain_layers():
    """Replace the convolutions of the networks by Keras' own, for the rest of the process."""
    generator_module.UpsampleConv1D = lambda filters, kernel_len, stride, **kw: keras.layers.Conv1DTranspose(
        filters, kernel_len, stride, padding="same", **kw
    )

    class Strided(keras.layers.Conv1D):
        def __init__(self, filters, kernel_len, stride, **kw):
            super().__init__(filters, kernel_len, stride, padding="same", **kw)
            self.stride = stride

    discriminator_module.DownsampleConv1D = Strided


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--only-plain", action="store_true", help="only Keras' convolutions; with TF_ENABLE_ONEDNN_OPTS=0 as TF 1.15 had them"
    )
    options = parser.parse_args()
    rows = []
    for precision in () if options.only_plain else ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(precision)
        rows.append(
            [f"({precision}: matrix product of 4096, {ceiling(keras.config.dtype_policy().compute_dtype) / 1e9:.0f} GFLOP/s)", "", ""]
        )
        rows.append([f"ours, {precision}", *measure(options)])
    keras.config.set_dtype_policy("float32")
    plain_layers()
    rows.append(["Keras' convolutions, float32", *measure(options)])
    print(table([f"dim {options.dim}, batch {options.batch_size}", "wall s", "CPU s"], rows))


def measure(options):
    training = WaveGANTrainingConfig(dim=options.dim, batch_size=options.batch_size)
    trainer = make_trainer(wavegan_config(training), training)
    rng, batch = np.random.default_rng(0), options.batch_size
    data = {
        "audio": tf.constant(rng.uniform(-1, 1, (batch, 5, 16384, 1)).astype(np.float32)),
        "z": tf.constant(rng.uniform(-1, 1, (batch, 6, 100)).astype(np.float32)),
        "alpha": tf.constant(rng.uniform(0, 1, (batch, 5)).astype(np.float32)),
        "shifts": tf.constant(np.repeat(rng.integers(-2, 3, (1, 6, 3, 4)), batch, 0).astype(np.int32)),
    }
    step = tf.function(trainer.train_step)
    return seconds(lambda: step(data)["loss/generator"].numpy(), options.repeats)


if __name__ == "__main__":
    main()
