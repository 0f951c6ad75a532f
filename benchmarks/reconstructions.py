"""Measures reconstructions of any origin, by the metrics of `tf-wavegan-inv evaluate`.

    python benchmarks/reconstructions.py ORIGINALS RECONSTRUCTIONS [RECONSTRUCTIONS ...]

Files with the same path within their folders, apart from the suffix, form a pair. Their rates must be equal; the longer one is cut.
If <name>.z.npy or <name>.npy exists beside both, z is compared as well. Prints a table, one column a folder.
"""

import argparse
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import soundfile

from tf_wavegan_inv import defaults
from tf_wavegan_inv.audio.dataset import conditioned
from tf_wavegan_inv.audio.folders import Clip, audio_files
from tf_wavegan_inv.audio.inspect import inspect_clip
from tf_wavegan_inv.commands.common import command
from tf_wavegan_inv.config import AudioConfig
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.evaluation.evaluators import latent_errors, measure
from tf_wavegan_inv.models.bundle import load_classifier
from tf_wavegan_inv.models.predictions import ClipClassifier


def read(path):
    """Audio float64 [1, samples, 1] and its rate. Raises UserError if it is not readable, empty, or holds NaN."""
    try:
        audio, rate = soundfile.read(path, always_2d=True)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: {error}") from None
    if not len(audio):
        raise UserError(f"{path}: holds no samples")
    if not np.isfinite(audio).all():
        raise UserError(f"{path}: {np.size(audio) - np.isfinite(audio).sum()} of {np.size(audio)} samples are NaN or infinite")
    return audio.mean(axis=1)[None, :, None], rate


def read_z(path):
    """z [1, latent_dim] from beside an audio file, or None."""
    for file in (path.with_suffix(".z.npy"), path.with_suffix(".npy")):
        if file.exists():
            try:
                return np.load(file, allow_pickle=False).reshape(1, -1)
            except (OSError, ValueError, EOFError) as error:
                raise UserError(f"{file}: {error}") from None
    return None


def predict(classifier, path):
    """The predicted label of a file; None for silence."""
    if not soundfile.read(path)[0].any():
        return None
    recording = inspect_clip(Clip(path, path.name))
    shape = classifier.classifier.input_shape[1:]
    audio = np.stack(list(conditioned([recording], AudioConfig(), *shape).as_numpy_iterator()))
    return classifier(audio).labels[0]


def compare(original, reconstruction, classifier):
    """Metrics of one pair of files: dict of name to float."""
    (ours, rate), (theirs, other_rate) = read(original), read(reconstruction)
    if rate != other_rate:
        raise UserError(f"{reconstruction}: its rate is {other_rate} Hz, and {rate} Hz for its original")
    if not ours.any():
        raise UserError(f"{original}: silent")
    length = min(ours.shape[1], theirs.shape[1])
    distances = measure(ours[:, :length], theirs[:, :length], sample_rate=rate)
    found = {name: float(value[0]) for name, value in distances.items()}
    z, recovered = read_z(original), read_z(reconstruction)
    if z is not None and recovered is not None and z.shape == recovered.shape:
        errors = dict(latent_errors(z, recovered))
        found |= {name: float(errors[name][0]) for name in ("latent/rmse", "latent/max_error", "latent/cosine")}
    return found | {"class/agreement": float(predict(classifier, original) == predict(classifier, reconstruction))}


def compare_folders(originals, reconstructions, classifier):
    """Metrics of all pairs: dict of name to list of float, and a list of failures, as messages."""
    ours, theirs = ({f.relative_to(folder).with_suffix(""): f for f in audio_files(folder)} for folder in (originals, reconstructions))
    if not set(ours) & set(theirs):
        some = [sorted(map(str, names))[:3] for names in (theirs, ours)]
        raise UserError(f"No file of {reconstructions} has the path of one of {originals}: {some[0]} there, {some[1]} here.")
    found, failed = {}, []
    for name in sorted(set(ours) & set(theirs)):
        try:
            values = compare(ours[name], theirs[name], classifier)
        except UserError as error:
            failed.append(str(error))
            continue
        for metric, value in values.items():
            found.setdefault(metric, []).append(value)
    alone = len(set(ours) ^ set(theirs))
    return found, [*failed, f"{alone} files without a partner"] if alone else failed


def cell(metric, values):
    """Median [quartiles], or a share, of the values that are defined; Markdown."""
    values = [value for value in values or [] if not np.isnan(value)]
    if not values:
        return "-"
    if metric == "class/agreement":
        return f"{100 * np.mean(values):.0f} %"
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{median:.3g} [{lower:.3g}, {upper:.3g}]"


@command
def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("originals", type=pathlib.Path)
    p.add_argument("reconstructions", type=pathlib.Path, nargs="+")
    p.add_argument("--classifier", type=pathlib.Path, default=defaults.CLASSIFIER, help="classifier of the label agreement")
    options = p.parse_args()
    classifier = ClipClassifier(load_classifier(options.classifier))
    columns = [(folder.name, *compare_folders(options.originals, folder, classifier)) for folder in options.reconstructions]
    heads = [f"{name} ({len(next(iter(found.values()), []))})" for name, found, _ in columns]
    print(f"| {options.originals.name} | " + " | ".join(heads) + " |")
    print("|---|" + "---:|" * len(columns))
    for metric in dict.fromkeys(metric for _, found, _ in columns for metric in found):
        print(f"| {metric} | " + " | ".join(cell(metric, found.get(metric)) for _, found, _ in columns) + " |")
    print("\nMedian [quartiles]; the number of clips beside each folder's name.")
    for name, _, failed in columns:
        for reason in failed:
            print(f"failed: {name}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
