"""Size, deviation from float32, and time of a served model, for each type of weights.

    python benchmarks/serving_precision.py [--data FOLDER]

The clips are the valid and test splits of the folder.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf

import tf_wavegan_inv as twi
from benchmarks.measure import table
from tf_wavegan_inv.audio.load import read_corpus
from tf_wavegan_inv.metrics.spectrogram import log_spectral_distance
from tf_wavegan_inv.metrics.waveform import relative_mse
from tf_wavegan_inv.serving.export import WEIGHTS, export
from tf_wavegan_inv.serving.lite import KINDS, LiteModel, write_lite
from tf_wavegan_inv.serving.signatures import Signatures

BATCH = 32


def megabytes(path):
    files = [path] if path.is_file() else path.rglob("*")
    return sum(p.stat().st_size for p in files if p.is_file()) / 1e6


def answers(call, audio):
    """z, audio and labels of all clips, and the median ms of `reconstruct` for one clip."""
    parts = [audio[i : i + BATCH] for i in range(0, len(audio), BATCH)]
    found = [call("reconstruct", audio=part) for part in parts]
    digits = np.concatenate([np.asarray(call("classify", audio=part)["digit"]) for part in parts])
    times = []
    for clip in audio[:50]:
        began = time.perf_counter()
        call("reconstruct", audio=clip[None])
        times.append(time.perf_counter() - began)
    return *(np.concatenate([np.asarray(f[name]) for f in found]) for name in ("z", "audio")), digits, 1000 * float(np.median(times))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=twi.defaults.DATA)
    options = parser.parse_args()
    generator = twi.load_wavegan(twi.defaults.WAVEGAN)
    inverter, classifier = twi.load_inverter(twi.defaults.INVERTER), twi.load_classifier(twi.defaults.CLASSIFIER)
    recipe = inverter.recipe
    signatures = Signatures(generator, inverter=inverter, classifier=classifier, audio_config=recipe.audio, inversion=recipe.inversion)
    corpus = read_corpus([options.data])
    clips = [corpus.arrays(split, inverter.recipe.audio, *generator.output_shape[1:]) for split in ("valid", "test")]
    audio = np.concatenate([c.float_audio() for c in clips])
    labels = np.concatenate([c.labels for c in clips])
    forms = []
    with tempfile.TemporaryDirectory() as folder:
        for version, weights in enumerate(WEIGHTS, 1):
            path = export(signatures, pathlib.Path(folder), version=version, weights=weights)
            served = tf.saved_model.load(str(path))
            forms.append((f"SavedModel, {weights}", megabytes(path / "variables"), _signatures_of(served)))
        for kind in KINDS:
            path = pathlib.Path(folder) / f"{kind}.tflite"
            write_lite(pathlib.Path(folder) / "1", path, kind=kind)
            forms.append((f"TFLite, {kind}", megabytes(path), LiteModel(path, threads=os.cpu_count())))
        rows, exact = [], None
        for name, size, call in forms:
            z, made, digits, ms = answers(call, audio)
            exact = exact or (z, made, digits)
            rows.append(
                [
                    name,
                    size,
                    float(np.sqrt(((z - exact[0]) ** 2).mean() / (exact[0] ** 2).mean())),
                    float(relative_mse(exact[1], made).mean()),
                    float(np.mean(log_spectral_distance(audio, made))),
                    100 * float((digits == labels).mean()),
                    100 * float((digits == exact[2]).mean()),
                    ms,
                ]
            )
    heads = [
        "weights",
        "MB",
        "z relative error",
        "audio relative MSE",
        "LSD to the clip dB",
        "accuracy %",
        "label agreement %",
        "ms a clip",
    ]
    print(f"{len(audio)} clips\n\n{table(heads, rows)}")


def _signatures_of(served):
    return lambda name, **inputs: served.signatures[name](**{k: tf.constant(v) for k, v in inputs.items()})


if __name__ == "__main__":
    main()
