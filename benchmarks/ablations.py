"""Ablations of the recipe "best": one small inverter trained for each, briefly, then all scored alike.

    python benchmarks/ablations.py --data DIGITS --out runs/ablations [--epochs 12] [--width 16] [--batch-size 64] [--only paper ...]

Each line of the table is the recipe with one option changed; "paper" and "authors' code" are those recipes complete, at the same width,
epochs and data. All inverters are trained for the bundled WaveGAN with features of the bundled classifier. Their last states are scored on
synthesised clips of known z and on the validation split, with z clipped to [-1, 1]. The same command resumes after an interruption.
"""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.measure import table

ROOT = pathlib.Path(__file__).parents[1]
SYNTHESISED = 512
CHANGES = {
    "best": "",
    "real spectrogram": '[inverter]\nspectrogram = "real"',
    "log magnitude": '[inverter]\nspectrogram = "log_magnitude"',
    "waveform_weight = 0": "[inverter]\nwaveform_weight = 0.0",
    "latent_weight = 0": "[inverter]\nlatent_weight = 0.0",
    "latent_weight = 0.1": "[inverter]\nlatent_weight = 0.1",
    "perceptual_relative = false": "[inverter]\nperceptual_relative = false",
    "perceptual_weight = 0.3": "[inverter]\nperceptual_weight = 0.3",
    "perceptual_weight = 3": "[inverter]\nperceptual_weight = 3.0",
    "late blocks alone": '[inverter]\nperceptual_layers = ["stage3_block1", "stage3_block2", "stage4_block1", "stage4_block2"]',
    "early blocks alone": '[inverter]\nperceptual_layers = ["stage1_block1", "stage1_block2", "stage2_block1", "stage2_block2"]',
    "joint update": "[inverter]\njoint = true",
    "constant learning rate": '[inverter]\nschedule = "constant"',
    "range_weight = 0": "[inverter]\nrange_weight = 0.0",
    "range_weight = 1": "[inverter]\nrange_weight = 1.0",
    "augment = 0": "[inverter]\naugment = 0.0",
    "augment = 1": "[inverter]\naugment = 1.0",
}
WHOLE = {"paper": "paper", "authors' code": "authors-code"}
COLUMNS = (
    "z correlation", "z rmse", "synth: relative MSE", "synth: label agreement %", "real: accuracy %", "real: LSD dB", "real: outside %",
)  # fmt: skip


def recipe_of(name):
    """The `Recipe` of a line."""
    import tomllib

    from tf_wavegan_inv.recipe import load_recipe

    if name in WHOLE:
        return load_recipe(WHOLE[name])
    recipe = load_recipe("best")
    for section, values in tomllib.loads(CHANGES[name]).items():
        recipe = recipe.replace(section, **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
    return recipe


def to_toml(recipe):
    """A `Recipe`'s audio, spectrogram, inverter and inversion as TOML."""
    import json

    lines = []
    for section in ("audio", "spectrogram", "inverter", "inversion"):
        values = dataclasses.asdict(getattr(recipe, section))
        nested = {k: v for k, v in values.items() if isinstance(v, dict)}
        lines.append(f"[{section}]")
        lines += [f"{k} = {json.dumps(v)}" for k, v in values.items() if k not in nested]
        for name, inner in nested.items():
            lines += [f"[{section}.{name}]", *(f"{k} = {json.dumps(v)}" for k, v in inner.items())]
    return "\n".join(lines) + "\n"


def train(name, options):
    """Train one line's inverter; returns its run folder."""
    run = options.out / "".join(c if c.isalnum() else "-" for c in name)
    run.mkdir(parents=True, exist_ok=True)
    recipe = recipe_of(name).replace("inverter", width=options.width, epochs=options.epochs, batch_size=options.batch_size)
    (run / "recipe.toml").write_text(to_toml(recipe))
    command = [sys.executable, ROOT / "train_keras.py", "inverter", "--data", *options.data, "--recipe", run / "recipe.toml", "--run", run]
    with open(run / "log", "a") as log:
        subprocess.run(
            [*map(str, command), "--seed", str(options.seed), "--precision", options.precision],
            check=True,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return run


def score(run, options):
    """The cells of a line."""
    import numpy as np

    from tf_wavegan_inv import defaults, load_classifier, load_inverter, load_wavegan
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.evaluation.evaluators import measure
    from tf_wavegan_inv.models.predictions import ClipClassifier

    generator, classifier = load_wavegan(defaults.WAVEGAN), ClipClassifier(load_classifier(defaults.CLASSIFIER))
    inverter = load_inverter(run / "inverter" / "last.keras")
    recipe = recipe_of(options.name)
    z = np.random.default_rng(1).uniform(-1, 1, (SYNTHESISED, 100)).astype(np.float32)
    audio = generator.predict(z, verbose=0)
    found = inverter.predict(audio, verbose=0)
    again = generator.predict(found.clip(-1, 1), verbose=0)
    clips = read_corpus(options.data).arrays("valid", recipe.audio, 16384, 1)
    real = clips.float_audio()
    real_z = inverter.predict(real, verbose=0)
    rebuilt = generator.predict(real_z.clip(-1, 1), verbose=0)
    return [
        float(np.corrcoef(z.ravel(), found.ravel())[0, 1]),
        float(np.sqrt(np.mean((z - found) ** 2))),
        float(np.mean((audio - again) ** 2) / np.mean(audio**2)),
        100 * float(np.mean(classifier(audio).labels == classifier(again).labels)),
        100 * float(np.mean(classifier(rebuilt).labels == clips.labels)),
        float(np.mean(measure(real, rebuilt)["spectrogram/log_spectral_distance"])),
        100 * float(np.mean(np.abs(real_z) > 1)),
    ]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, nargs="+", required=True, help="folders of clips, as for train_keras.py")
    p.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/ablations"), help="folder of the runs")
    p.add_argument("--width", type=int, default=16)
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--batch-size", type=int, default=64, help="real clips in a step, and as many synthesised ones")
    p.add_argument("--precision", default="float32", help="precision of the training")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--only", nargs="+", choices=[*CHANGES, *WHOLE], default=[*CHANGES, *WHOLE], metavar="LINE", help="lines of the table")
    options = p.parse_args()
    rows = []
    for name in options.only:
        options.name = name
        rows.append([name, *score(train(name, options), options)])
        print(table(["recipe", *COLUMNS], rows[-1:]), flush=True)
    print("\n" + table(["recipe", *COLUMNS], rows))


if __name__ == "__main__":
    main()
