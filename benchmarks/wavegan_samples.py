"""Quality of WaveGANs: labels that classifiers predict for random samples, a picture and a recording of some.

    python benchmarks/wavegan_samples.py CHECKPOINT ... [--classifier CLASSIFIER ...] [--real DIGITS] [--out DIR]

CHECKPOINT is any value of --wavegan, including a run folder of `train_keras.py wavegan` or its best/. All checkpoints get the same z. With
--real the table includes the held-out clips of a folder. Clips are peak-normalised before classification if the classifier was trained so.
DIR receives <n>.flac, some samples in sequence, and samples.png, their spectrograms, one row a checkpoint.
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.measure import table

COLUMNS = ("clips", "classifier", "Inception Score", "confidence", "confident %", "rarest label %", "predicted, zero to nine")
CONFIDENT = 0.9  # least highest probability
SHOWN, RATE, GAP = 8, 16000, 0.25  # clips in a row; Hz; seconds between clips


def row(name, audio, *, path, classifier, splits):
    """The cells of a line: the predictions of a `ClipClassifier` for audio [clips, samples, channels]."""
    import numpy as np

    from tf_wavegan_inv.metrics.inception import inception_score

    found = classifier(audio)
    counts = np.bincount(found.labels, minlength=10)
    mean, spread = inception_score(found.probabilities, splits=splits)
    confident = 100 * float(np.mean(found.confidence > CONFIDENT))
    rarest = 100 * float(counts.min() / counts.sum())
    score = f"{mean:.2f} ± {spread:.2f}"
    return [name, path, score, float(found.confidence.mean()), confident, rarest, " ".join(map(str, counts))]


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
    p.add_argument("--classifier", nargs="+", type=pathlib.Path, help="classifiers (default: the bundled one)")
    p.add_argument("--real", type=pathlib.Path, help="folder of digits, whose split test is scored as well")
    p.add_argument("--count", type=int, default=2048, help="number of random z")
    p.add_argument("--splits", type=int, default=4, help="number of splits of the Inception Score")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=pathlib.Path, help="folder of the recordings and the picture")
    options = p.parse_args(arguments)
    import numpy as np

    from tf_wavegan_inv import defaults, load_classifier, load_wavegan
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.models.predictions import ClipClassifier

    paths = options.classifier or [defaults.CLASSIFIER]
    classifiers = {str(path): ClipClassifier(load_classifier(path)) for path in paths}

    def rows_of(name, audio):
        return [row(name, audio, path=p, classifier=c, splits=options.splits) for p, c in classifiers.items()]

    rows, shown = [], {}
    for path in options.checkpoints:
        generator = load_wavegan(path)
        z = np.random.default_rng(options.seed).uniform(-1, 1, (options.count, generator.config.latent_dim)).astype(np.float32)
        audio = generator.predict(z, batch_size=64, verbose=0)
        shown["/".join(path.parts[-2:])] = audio[:SHOWN]
        rows += rows_of(path, audio)
    if options.real:
        recipe = next(iter(classifiers.values())).classifier.recipe
        clips = read_corpus([options.real]).labelled().arrays("test", recipe.audio, *generator.output_shape[1:])
        order = np.random.default_rng(options.seed).permutation(len(clips))  # they are sorted by label
        audio = clips.float_audio()[order]
        shown["real"] = audio[:SHOWN]
        rows += rows_of(f"{options.real} test", audio)
    print(table(COLUMNS, rows))
    if options.out:
        show(options.out, shown)


if __name__ == "__main__":
    main()
