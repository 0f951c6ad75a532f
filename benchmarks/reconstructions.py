"""Measures anybody's reconstructions beside their originals, as `tf-wavegan-inv evaluate` measures its own.

    python benchmarks/reconstructions.py ORIGINALS RECONSTRUCTIONS [RECONSTRUCTIONS ...]

Files belong together that have the same path within their folders, whatever their suffix; their rates must be equal; the longer one is cut.
Where <name>.z.npy or <name>.npy lies beside both, z is compared as well. Prints a table, a column a folder.
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
from tf_wavegan_inv.evaluation.clips import measure
from tf_wavegan_inv.metrics import latent
from tf_wavegan_inv.models.bundle import load_classifier
from tf_wavegan_inv.models.predictions import Judge


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


def hear(judge, path):
    """The digit that the classifier hears in a file; None in silence."""
    if not soundfile.read(path)[0].any():
        return None
    recording = inspect_clip(Clip(path, path.name))
    shape = judge.classifier.input_shape[1:]
    return judge(np.stack(list(conditioned([recording], AudioConfig(), *shape).as_numpy_iterator()))).digits[0]


def compare(original, reconstruction, judge):
    """Metrics of one pair of files: dict of name to float."""
    (ours, rate), (theirs, other_rate) = read(original), read(reconstruction)
    if rate != other_rate:
        raise UserError(f"{reconstruction}: of {other_rate} Hz, its original of {rate} Hz")
    if not ours.any():
        raise UserError(f"{original}: silent")
    length = min(ours.shape[1], theirs.shape[1])
    found = {name: float(value[0]) for name, value in measure(ours[:, :length], theirs[:, :length], rate).items()}
    z, recovered = read_z(original), read_z(reconstruction)
    if z is not None and recovered is not None and z.shape == recovered.shape:
        found |= {f"latent/{of.__name__}": float(of(z, recovered)[0]) for of in (latent.rmse, latent.max_error, latent.cosine)}
    return found | {"class/kept": float(hear(judge, original) == hear(judge, reconstruction))}


def compare_folders(originals, reconstructions, judge):
    """Metrics of all pairs: dict of name to list of float, and a list of what failed, in words."""
    ours, theirs = ({f.relative_to(folder).with_suffix(""): f for f in audio_files(folder)} for folder in (originals, reconstructions))
    if not set(ours) & set(theirs):
        some = [sorted(map(str, names))[:3] for names in (theirs, ours)]
        raise UserError(f"No file of {reconstructions} has the path of one of {originals}: {some[0]} there, {some[1]} here.")
    found, failed = {}, []
    for name in sorted(set(ours) & set(theirs)):
        try:
            values = compare(ours[name], theirs[name], judge)
        except UserError as error:
            failed.append(str(error))
            continue
        for metric, value in values.items():
            found.setdefault(metric, []).append(value)
    alone = len(set(ours) ^ set(theirs))
    return found, [*failed, f"{alone} files without a partner"] if alone else failed


def cell(metric, values):
    """Median [quartiles], or a share; Markdown. What is not defined, as SI-SDR of silence, is left out."""
    values = [value for value in values or [] if not np.isnan(value)]
    if not values:
        return "-"
    if metric == "class/kept":
        return f"{100 * np.mean(values):.0f} %"
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return f"{median:.3g} [{lower:.3g}, {upper:.3g}]"


@command
def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("originals", type=pathlib.Path)
    p.add_argument("reconstructions", type=pathlib.Path, nargs="+")
    p.add_argument("--classifier", type=pathlib.Path, default=defaults.CLASSIFIER, help="that says which digit is heard")
    options = p.parse_args()
    judge = Judge(load_classifier(options.classifier))
    columns = [(folder.name, *compare_folders(options.originals, folder, judge)) for folder in options.reconstructions]
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
