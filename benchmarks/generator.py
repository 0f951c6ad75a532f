"""Time of the generator, forward and with the gradient to z, for each form of its transposed convolutions and a matrix product.

python benchmarks/generator.py
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
from tf_wavegan_inv.wavegan.checkpoint import copy_generator
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.generator import Generator


def plain(config):
    """The generator out of Keras' own layers."""
    layers = [keras.layers.Dense(config.projected_len * config.projected_channels), keras.layers.Reshape((config.projected_len, -1))]
    for i, (filters, stride) in enumerate(zip(config.filters, config.strides, strict=True)):
        layers += [
            keras.layers.ReLU(),
            keras.layers.Conv1DTranspose(filters, config.kernel_len, stride, padding="same", name=f"upconv_{i}"),
        ]
    return keras.Sequential([keras.Input((config.latent_dim,)), *layers, keras.layers.Activation("tanh")])


def forms(config):
    """Name -> function of z, all with the same weights."""
    keras.utils.set_random_seed(0)
    trained = Generator(config)
    frozen = copy_generator(trained, frozen=True)
    usual = plain(config)
    usual.set_weights(trained.get_weights())
    return {"Conv1DTranspose": usual, "polyphase (trainable)": trained, "frozen (load_wavegan)": frozen}


def flop(config):
    """Multiplications and additions for one clip, forward, without the inserted zeros."""
    total, steps, channels = (
        2 * config.latent_dim * config.projected_len * config.projected_channels,
        config.projected_len,
        config.projected_channels,
    )
    for filters, stride in zip(config.filters, config.strides, strict=True):
        total += 2 * steps * config.kernel_len * channels * filters
        steps, channels = steps * stride, filters
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--precision", nargs="+", default=["float32", "mixed_bfloat16"])
    options = parser.parse_args()
    config = WaveGANConfig(dim=options.dim)
    for precision in options.precision:
        keras.config.set_dtype_policy(precision)
        top = ceiling(keras.config.dtype_policy().compute_dtype)
        print(f"\n{precision}; matrix product of 4096: {top / 1e9:.0f} GFLOP/s; dim {config.dim}, {flop(config) / 1e9:.3f} GFLOP a clip\n")
        rows = []
        for batch in options.batch:
            z = tf.constant(np.random.default_rng(0).uniform(-1, 1, (batch, config.latent_dim)).astype(np.float32))
            reference = None
            for name, model in forms(config).items():
                forward = tf.function(lambda z, model=model: model(z, training=False))

                def both(z, forward=forward):
                    with tf.GradientTape() as tape:
                        tape.watch(z)
                        value = tf.reduce_sum(forward(z) ** 2)
                    return tape.gradient(value, z)

                both = tf.function(both)
                audio = np.asarray(forward(z))
                reference = audio if reference is None else reference
                repeats = 20 if batch < 4 else 6
                times = [seconds(lambda f=f, z=z: f(z), repeats)[0] for f in (forward, both)]
                share = 2 * batch * flop(config) / times[1] / top
                rows.append([batch, name, 1e3 * times[0], 1e3 * times[1], f"{100 * share:.0f} %", float(np.abs(audio - reference).max())])
        print(table(["batch", "form", "forward ms", "+ gradient to z ms", "of the ceiling", "largest difference"], rows))


if __name__ == "__main__":
    main()
