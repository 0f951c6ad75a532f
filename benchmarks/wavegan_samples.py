"""How well WaveGANs speak: what digit classifiers hear in random samples, a picture and a recording of some.

    python benchmarks/wavegan_samples.py CHECKPOINT ... [--judge CLASSIFIER ...] [--real DIGITS] [--out DIR]

CHECKPOINT is whatever --wavegan takes, a run folder of `train_keras.py wavegan` or its best/ too. The same z go into each. With --real the
held-out clips of a folder stand beside them. Clips are heard at a peak of 1. Into DIR: <n>.flac, some samples one after the other, and
samples.png, their spectrograms, a row a checkpoint.
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.measure import table

COLUMNS = ("clips", "judge", "Inception Score", "confidence", "sure of %", "rarest digit %", "heard, zero to nine")
SURE = 0.9  # of the highest probability
SHOWN, RATE, GAP = 8, 16000, 0.25  # clips a row; Hz; seconds between them


def row(name, judge_name, judge, audio, splits):
    """The cells of a line: what a `Judge` hears in audio [clips, samples, channels]."""
    import numpy as np

    from tf_wavegan_inv.metrics.inception import inception_score

    heard = judge(audio)
    counts = np.bincount(heard.digits, minlength=10)
    mean, spread = inception_score(heard.probabilities, splits)
    sure = 100 * float(np.mean(heard.confidence > SURE))
    rarest = 100 * float(counts.min() / counts.sum())
    return [
        name, judge_name, f"{mean:.2f} ± {spread:.2f}", float(heard.confidence.mean()), sure, rarest, " ".join(map(str, counts))
    ]  # fmt: skip


def show(folder, sources):
    """Write <n>.flac and samples.png of {name: audio [clips, samples, channels]}."""
    import matplotlib.pyplot as plt
    import numpy as np
    import soundfile

    from tf_wavegan_inv.audio.picture import spectrogram_picture

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(len(sources), SHOWN, figsize=(1.6 * SHOWN, 1.8 * len(sources)), squeeze=False)
    for n, (name, audio) in enumerate(sources.items()):
        loud = 0.9 * audio / np.maximum(np.abs(audio).max(axis=(1, 2), keepdims=True), 1e-9)
        pause = np.zeros((round(GAP * RATE), audio.shape[2]), np.float32)
        soundfile.write(folder / f"{n}.flac", np.concatenate([part for clip in loud for part in (clip, pause)]), RATE)
        for axis, clip in zip(axes[n], loud, strict=False):
            axis.imshow(spectrogram_picture(clip), aspect="auto")
        axes[n, 0].set_ylabel(f"{n}: {name}", fontsize=7)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    figure.tight_layout()
    figure.savefig(folder / "samples.png", dpi=80)
    plt.close(figure)


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoints", nargs="+", metavar="CHECKPOINT", type=pathlib.Path)
    p.add_argument("--judge", nargs="+", type=pathlib.Path, help="digit classifiers (default: the bundled one)")
    p.add_argument("--real", type=pathlib.Path, help="folder of digits; its split test is judged too")
    p.add_argument("--count", type=int, default=2048, help="random z")
    p.add_argument("--splits", type=int, default=4, help="of the Inception Score")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=pathlib.Path, help="folder for recordings and picture")
    options = p.parse_args(arguments)
    import numpy as np

    from tf_wavegan_inv import defaults, load_classifier, load_wavegan
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.models.predictions import Judge

    judges = {str(path): Judge(load_classifier(path)) for path in options.judge or [defaults.CLASSIFIER]}
    rows, shown = [], {}
    for path in options.checkpoints:
        generator = load_wavegan(path)
        z = np.random.default_rng(options.seed).uniform(-1, 1, (options.count, generator.config.latent_dim)).astype(np.float32)
        audio = generator.predict(z, batch_size=64, verbose=0)
        shown["/".join(path.parts[-2:])] = audio[:SHOWN]
        rows += [row(path, name, judge, audio, options.splits) for name, judge in judges.items()]
    if options.real:
        recipe = next(iter(judges.values())).classifier.recipe
        clips = read_corpus([options.real]).labelled().arrays("test", recipe.audio, *generator.output_shape[1:])
        order = np.random.default_rng(options.seed).permutation(len(clips))  # they lie in the order of their digits
        audio = clips.float_audio()[order]
        shown["real"] = audio[:SHOWN]
        rows += [row(f"{options.real} test", name, judge, audio, options.splits) for name, judge in judges.items()]
    print(table(COLUMNS, rows))
    if options.out:
        show(options.out, shown)


if __name__ == "__main__":
    main()
