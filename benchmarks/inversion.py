"""Time of inversion beside SciPy's L-BFGS-B one clip at a time, tensorflow-probability's lbfgs_minimize as it is, and the authors' way.

python benchmarks/inversion.py                 all three tables; about 20 minutes on 2 cores
python benchmarks/inversion.py real --clips 8  one of them: real, exact, authors

Needs SciPy beside the package: pip install scipy.
"""

import argparse
import dataclasses
import os
import pathlib
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # else NumPy's threads fight with TensorFlow's between SciPy's steps
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import keras
import numpy as np
import tensorflow as tf

try:
    import scipy.optimize
except ModuleNotFoundError:
    sys.exit("error: the comparison needs SciPy: pip install scipy")

import tf_wavegan_inv as twi
from benchmarks.generator import plain
from benchmarks.measure import ceiling, table
from tf_wavegan_inv import defaults
from tf_wavegan_inv.audio.folders import audio_files
from tf_wavegan_inv.inversion.budget import Budget
from tf_wavegan_inv.inversion.invert import Inversion
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.inversion.line_search import PAIRS
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.inversion.starts import random_starts
from tf_wavegan_inv.models.classifier import build_classifier, feature_extractor
from tf_wavegan_inv.wavegan.checkpoint import copy_generator
from tf_wavegan_inv.wavegan.config import WaveGANConfig
from tf_wavegan_inv.wavegan.generator import Generator

RECOVERED = 1e-2  # largest error of a number of z


def scipy_minimise(value_and_gradient, start, iterations):
    """SciPy's L-BFGS-B on one clip: value, position, evaluations an iteration, seconds, iterations."""

    def function(position):
        value, gradient = value_and_gradient(tf.constant(position[None], tf.float32))
        return float(value[0]), gradient[0].numpy().astype(np.float64)

    began = time.perf_counter()
    options = {"maxiter": iterations, "maxcor": PAIRS, "ftol": 0, "gtol": 1e-8, "maxfun": 10**6}
    found = scipy.optimize.minimize(function, start.astype(np.float64), jac=True, method="L-BFGS-B", options=options)
    return found.fun, found.x, found.nfev / max(1, found.nit), time.perf_counter() - began, found.nit


def compiled(objective):
    """Value and gradient of an objective of (position, target), in one graph."""

    @tf.function(reduce_retracing=True)
    def function(position, target):
        with tf.GradientTape() as tape:
            tape.watch(position)
            value = objective(position, target)
        return value, tape.gradient(value, position)

    return function


def batched(minimiser, start, target, batch, iterations, goal, judged=None):
    """Minimise all clips in batches until the mean, of the first `judged` of them, is at `goal`.

    Returns seconds and iterations a clip, evaluations an iteration, the mean.
    """
    judged = judged or len(start)
    curves, evaluations, total_iterations = [], 0, 0
    for first in range(0, len(start), batch):
        part = tf.nest.map_structure(lambda t, first=first: t[first : first + batch], target)
        times, began = [], time.perf_counter()
        found = minimiser.minimise(
            start[first : first + batch],
            part,
            budget=Budget(iterations),
            progress=lambda *_, times=times, began=began: times.append(time.perf_counter() - began),
            trajectory=True,
        )
        values = np.array([w.value[: max(judged - first, 0)].sum() for w in found.trajectory])
        curves.append((np.array(times), values, np.array([w.iterations.sum() for w in found.trajectory])))
        evaluations, total_iterations = evaluations + found.evaluations.sum(), total_iterations + found.iterations.sum()
    steps = max(len(times) for times, _, _ in curves)
    curves = [tuple(np.pad(c, (0, steps - len(c)), mode="edge") for c in curve) for curve in curves]  # one that ended stays
    seconds, values, done = (sum(curve[k] for curve in curves) / count for k, count in enumerate((len(start), judged, len(start))))
    reached = np.flatnonzero(values <= goal)
    at = reached[0] if len(reached) else -1
    return (seconds[at] if len(reached) else float("nan")), done[at], evaluations / total_iterations, values[at]


def real_clips(options, models):
    """The recipe's objective on held-out real clips, from the inverter's z: time until SciPy's mean value."""
    generator, inverter, classifier = models
    files = sorted(audio_files(defaults.DATA / "test"))[: options.clips]
    audio = twi.load_audio(files, generator, inverter.recipe.audio)
    start = np.asarray(inverter(audio, training=False))
    for name in options.recipes:
        config = twi.load_recipe(name).inversion
        objective = Objective(generator, config, classifier=classifier)
        target = tf.function(objective.describe)(audio)
        function = compiled(objective)
        one = [tf.nest.map_structure(lambda t, i=i: t[i : i + 1], target) for i in range(len(audio))]
        function(tf.constant(start[:1]), one[0])
        found = [
            scipy_minimise(lambda p, t=t, function=function: function(p, t), z, options.iterations) for z, t in zip(start, one, strict=True)
        ]
        goal, seconds = np.mean([f[0] for f in found]), np.mean([f[3] for f in found])
        evaluations = np.mean([f[2] for f in found])
        rows = [["SciPy, one clip at a time", options.iterations, evaluations, goal, seconds, 1 / seconds, 1.0]]
        for line_search, label in (("hager_zhang", "tfp lbfgs_minimize"), ("weak_wolfe", "ours")):
            minimiser = LBFGS(objective, line_search=line_search)
            for batch in options.batch if line_search == "weak_wolfe" else options.batch[-1:]:
                minimiser.minimise(start[:batch], tf.nest.map_structure(lambda t, batch=batch: t[:batch], target), budget=Budget(2))
                time_to, iterations, per_iteration, value = batched(minimiser, start, target, batch, 4 * options.iterations, goal)
                rows.append([f"{label}, batch {batch}", iterations, per_iteration, value, time_to, 1 / time_to, seconds / time_to])
        columns = [
            f"{len(audio)} real clips, recipe {name}",
            "iterations",
            "evaluations an iteration",
            "mean objective",
            "s a clip",
            "clips/s",
        ]
        print(f"\n{table([*columns, 'times SciPy'], [[r[0], int(r[1]), *map(float, r[2:])] for r in rows])}", flush=True)


def exact_recovery(options, models):
    """Synthesised clips: seconds a recovered clip, by method and batch, beside SciPy on the waveform."""
    generator, inverter, _ = models
    count = options.clips
    z = np.random.default_rng(0).uniform(-1, 1, (count, generator.input_shape[1])).astype(np.float32)
    audio = np.asarray(generator(z))
    config = dataclasses.replace(twi.load_recipe("digits").inversion, perceptual=0.0)

    def waveform(position, target):
        return tf.reduce_sum((generator(position) - target) ** 2, axis=(1, 2)) / tf.reduce_sum(target**2, axis=(1, 2))

    function, rows = compiled(waveform), []
    function(tf.constant(z[:1]), audio[:1])
    starts = {
        "from the inverter's z": np.asarray(inverter(audio, training=False)),
        "from a random z": np.concatenate([random_starts(0, i, count=1, latent=generator.latent) for i in range(count)]),
    }
    for label, start in starts.items():
        some = range(min(count, options.scipy_clips))
        found = [scipy_minimise(lambda p, i=i: function(p, audio[i : i + 1]), start[i], 1000) for i in some]
        rows.append([f"SciPy on the waveform, 1000 iterations, {label}", *_recovery([f[1] for f in found], z, sum(f[3] for f in found))])
    for method in ("gradient", "hybrid"):
        for batch in options.batch:
            inversion = Inversion(generator, method=method, inverter=inverter, config=config)
            inversion(audio[:1], max_iterations=1)
            began, found = time.perf_counter(), []
            for first in range(0, count, batch):
                found.append(inversion(audio[first : first + batch], numbers=np.arange(first, min(first + batch, count))).z)
            rows.append([f"{method}, batch {batch}", *_recovery(np.concatenate(found), z, time.perf_counter() - began)])
    print(f"\n{table(['synthesised clips', 'clips', 'z recovered', 's a clip', 's a recovered clip'], rows)}", flush=True)


def _recovery(found, z, seconds):
    recovered = np.abs(np.array(found) - z[: len(found)]).max(axis=1) < RECOVERED
    each = seconds / recovered.sum() if recovered.any() else "-"
    return len(found), f"{100 * recovered.mean():.1f} %", seconds / len(found), each


def authors(options, _):
    """The authors' way (eager, one clip, transposed convolutions, three equal channels, SciPy) beside the same objective here; dim 64."""
    keras.utils.set_random_seed(0)
    config = WaveGANConfig(dim=options.dim)
    usual, trained = plain(config), Generator(config)
    trained.set_weights(usual.get_weights())
    generator = copy_generator(trained, frozen=True)
    recipe = twi.load_recipe("authors-code")
    classifier = build_classifier(config.slice_len, 1, spectrogram=recipe.spectrogram, width=64)
    z = np.random.default_rng(0).uniform(-1, 1, (2, max(2, *options.batch), 100)).astype(np.float32)
    audio = np.asarray(generator(z[0]))
    features = feature_extractor(classifier, recipe.inversion.perceptual_layers)

    def spectrogram(audio):
        return tf.math.real(tf.signal.stft(audio[..., 0], 256, 128, pad_end=True))

    def eager(position, target):
        with tf.GradientTape() as tape:
            tape.watch(position)
            made = usual(position, training=False)
            value = tf.reduce_mean(tf.abs(made - target)) + tf.reduce_mean(tf.abs(spectrogram(made) - spectrogram(target)))
            pairs = zip(features(target, training=False)[0], features(made, training=False)[0], strict=True)
            value += recipe.inversion.perceptual * sum(tf.reduce_mean(tf.abs(t - m)) for t, m in pairs)
        return value[None], tape.gradient(value, position)

    eager(tf.constant(z[1, :1]), audio[:1])
    found = [scipy_minimise(lambda p, i=i: eager(p, audio[i : i + 1]), z[1, i], options.authors_iterations) for i in range(2)]
    goal, seconds = np.mean([f[0] for f in found]), np.mean([f[3] for f in found])
    rows = [["authors' way", options.authors_iterations, float(np.mean([f[2] for f in found])), float(goal), seconds, 1.0]]
    objective = Objective(generator, recipe.inversion, classifier=classifier)
    target = tf.function(objective.describe)(audio)
    minimiser = LBFGS(objective)
    for batch in options.batch:
        count = max(batch, 2)
        part = tf.nest.map_structure(lambda t, count=count: t[:count], target)
        minimiser.minimise(z[1, :batch], tf.nest.map_structure(lambda t, batch=batch: t[:batch], target), budget=Budget(1))
        each, iterations, per_iteration, value = batched(
            minimiser, z[1, :count], part, batch, 4 * options.authors_iterations, goal, judged=2
        )
        rows.append([f"ours, batch {batch}", int(iterations), float(per_iteration), float(value), each, seconds / each])
    columns = [f"the same 2 clips, dim {options.dim}", "iterations", "evaluations an iteration", "mean objective", "s a clip"]
    print(f"\n{table([*columns, 'times the authors'], rows)}", flush=True)


TABLES = {"real": real_clips, "exact": exact_recovery, "authors": authors}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", choices=[[], *TABLES], help="which (default: all)")
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--iterations", type=int, default=50, help="of SciPy, on real clips")
    parser.add_argument("--recipes", nargs="+", default=["digits", "paper"])
    parser.add_argument("--scipy-clips", type=int, default=4, help="of the synthesised ones")
    parser.add_argument("--dim", type=int, default=64, help="of the authors' table")
    parser.add_argument("--authors-iterations", type=int, default=10)
    options = parser.parse_args()
    print(f"matrix product of 4096: {ceiling('float32') / 1e9:.0f} GFLOP/s")
    models = twi.load_wavegan(defaults.WAVEGAN), twi.load_inverter(defaults.INVERTER), twi.load_classifier(defaults.CLASSIFIER)
    for name in options.tables or TABLES:
        TABLES[name](options, models)


if __name__ == "__main__":
    main()
