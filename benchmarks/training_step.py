"""Time and memory of one training iteration of the inverter (one real and one synthesised batch), compared with the authors' code.

    python benchmarks/training_step.py [--dim 64] [--width 64] [--batch-size 64]

The authors' way: a generator of Keras' transposed convolutions, the spectrogram's real part three times as channels, one forward pass for
the features of each compared layer of original and reconstruction; eager, and as one compiled graph. It compares six early layers; ours
compares the outputs of all eight residual blocks. Each configuration runs in its own process, to measure its memory.
"""

import argparse
import dataclasses
import os
import pathlib
import resource
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import keras
import numpy as np
import tensorflow as tf

from benchmarks.measure import ceiling, seconds, table
from tf_wavegan_inv.config import InverterConfig
from tf_wavegan_inv.models.classifier import build_classifier
from tf_wavegan_inv.models.inverter import build_inverter
from tf_wavegan_inv.recipe import load_recipe
from tf_wavegan_inv.training.inverter import InverterTrainer
from tf_wavegan_inv.wavegan import generator as generator_module
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.generator import Generator

AUTHORS = load_recipe("authors-code")
CONFIGURATIONS = {
    "the authors' way, eager": "float32",
    "the authors' way, graph": "float32",
    "the authors' layers, ours": "float32",
    "ours, float32": "float32",
    "ours, mixed_bfloat16": "mixed_bfloat16",
}


class PassPerLayer:
    """A feature extractor with one forward pass a layer."""

    def __init__(self, classifier, names):
        classifier.trainable = False
        self.parts = [keras.Model(classifier.input, classifier.get_layer(name).output) for name in names]
        self.classifier = classifier

    def __call__(self, audio, training=False):
        return [part(audio, training=False) for part in self.parts], self.classifier(audio, training=False)


def make_trainer(name, options):
    """The trainer of a configuration."""
    ours = not name.startswith("the authors' way")
    spectrogram = load_recipe("best").spectrogram if ours else AUTHORS.spectrogram
    if not ours:
        generator_module.UpsampleConv1D = lambda filters, kernel_len, stride, **kw: keras.layers.Conv1DTranspose(
            filters, kernel_len, stride, padding="same", **kw
        )
    generator = Generator(WaveGANConfig(dim=options.dim), frozen=ours)
    generator.trainable = False
    classifier = build_classifier(16384, 1, spectrogram=spectrogram, width=options.width)
    inverter = build_inverter(16384, 1, latent_dim=100, spectrogram=spectrogram, width=options.width)
    config = InverterConfig() if name.startswith("ours") else dataclasses.replace(AUTHORS.inverter)
    trainer = InverterTrainer(inverter, generator, classifier, optimizer=keras.optimizers.Adam(1e-3), config=config)
    if not ours:
        trainer.features = PassPerLayer(classifier, config.perceptual_layers)
    return trainer


def parts_of(trainer, audio, z):
    """Seconds of the parts of a step, by name."""
    network, generator, features = trainer.network, trainer.generator, trainer.features

    def gradient(of, variables, *inputs):
        def run():
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                value = tf.add_n([tf.reduce_sum(tf.cast(t, tf.float32)) for t in tf.nest.flatten(of(*inputs))])
            return tape.gradient(value, variables or inputs)

        return run

    calls = {
        "generator, forward": lambda: generator(z, training=False),
        "generator, with gradient to z": gradient(lambda z: generator(z, training=False), None, z),
        "classifier's features, forward": lambda: features(audio, training=False),
        "classifier's features, with gradient to audio": gradient(lambda a: features(a, training=False), None, audio),
        "inverter, forward": lambda: network(audio, training=True),
        "inverter, with gradient to weights": gradient(lambda a: network(a, training=True), network.trainable_variables, audio),
    }
    return {name: seconds(tf.function(call), 2)[0] for name, call in calls.items()}


def measure(name, options):
    """Print seconds of an iteration, CPU seconds, GB; with --parts also the seconds of its parts."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(CONFIGURATIONS[name])
    trainer = make_trainer(name, options)
    random = np.random.default_rng(0)
    audio = tf.constant(random.uniform(-1, 1, (options.batch_size, 16384, 1)).astype(np.float32))
    z = tf.constant(random.uniform(-1, 1, (options.batch_size, 100)).astype(np.float32))
    step = trainer.train_step if name.endswith("eager") else tf.function(trainer.train_step)
    wall, cpu = seconds(lambda: step((audio, z)), options.repeats)
    print("figures", wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
    if options.parts:
        for part, took in parts_of(trainer, audio, z).items():
            print("part", took, part)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, default=64, help="base width of the WaveGAN")
    parser.add_argument("--width", type=int, default=64, help="width of the ResNets")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=CONFIGURATIONS, nargs="+", help="configurations (default: all)")
    parser.add_argument("--parts", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        return measure(options.only[0], options)
    print(f"matrix product of 4096: {ceiling(tf.float32) / 1e9:.0f} GFLOP/s float32, {ceiling(tf.bfloat16) / 1e9:.0f} bfloat16", flush=True)
    rows, parts, reference = [], {}, None
    for name in options.only or CONFIGURATIONS:
        sizes = ["--dim", options.dim, "--width", options.width, "--batch-size", options.batch_size, "--repeats", options.repeats]
        more = ["--parts"] if name.startswith("ours") else []
        command = [sys.executable, __file__, "--here", "--only", name, *map(str, sizes), *more]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        wall, cpu, memory = (float(x) for x in next(line for line in lines if line.startswith("figures")).split()[1:])
        reference = reference or (wall, memory)
        rows.append([name, wall, cpu, memory, options.batch_size / wall, reference[0] / wall, memory / reference[1]])
        for line in lines:
            if line.startswith("part "):
                _, took, part = line.split(maxsplit=2)
                parts.setdefault(part, {})[name] = float(took)
    heads = [f"dim {options.dim}, width {options.width}, batch 2 x {options.batch_size}", "wall s", "CPU s", "GB", "real clips/s"]
    print(table([*heads, "times as fast", "of its memory"], rows))
    names = [row[0] for row in rows if row[0].startswith("ours")]
    if parts:
        print("\n" + table(["s", *names], [[part, *(took.get(name, "-") for name in names)] for part, took in parts.items()]))


if __name__ == "__main__":
    main()
