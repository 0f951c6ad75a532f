"""Reading the latents of clips that were inverted."""

import csv
import dataclasses
import json
import pathlib

import numpy as np

from tf_wavegan_inv.audio.labels import UNKNOWN, label_and_speaker
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import ENCODING, checksum
from tf_wavegan_inv.wavegan.sources import find_checkpoint

SUFFIX = ".z.npy"


@dataclasses.dataclass(frozen=True)
class Latents:
    """Clips and their z.

    Attributes:
        names: list of str.
        z: float32 [clips, latent_dim].
        labels: int [clips], the digit, by the clip's name or else as it was heard; -1 where unknown.
        speakers: list of str; "" where unknown.
    """

    names: list
    z: np.ndarray
    labels: np.ndarray
    speakers: list

    def find(self, name):
        """Index of a clip by its name, or by its file's name with or without suffix. Raises UserError if there is none, or several."""
        paths = [pathlib.PurePosixPath(n) for n in self.names]
        exact = [i for i, n in enumerate(self.names) if n == name]
        alike = exact or [i for i, path in enumerate(paths) if name in (path.name, path.stem)]
        if len(alike) != 1:
            some = ", ".join(self.names[:5]) + (", ..." if len(self.names) > 5 else "")
            raise UserError(f"{len(alike)} clips are called {name!r}; there are {some}.")
        return alike[0]


def check_made_by(folder, wavegan):
    """Raise UserError where run.json says that the z in a folder are another generator's than the checkpoint `wavegan`'s."""
    ours = checksum(find_checkpoint(wavegan))
    for path in sorted(pathlib.Path(folder).glob("run*.json")):
        try:
            models = json.loads(path.read_text())["models"]
            theirs = models.get("generator") or models["wavegan"]
            name, sha = theirs["path"], theirs["sha256"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # of `request`, which knows no files, or of nobody here
            continue
        if "generator" in models:
            raise UserError(f"The z in {folder} are of {name}, which is no WaveGAN (see {path.name}): explore takes those of one alone.")
        if sha != ours:
            raise UserError(f"The z in {folder} are of another WaveGAN, {name} (see {path.name}), than {wavegan}: give it to --wavegan.")


def read_latents(folder, latent_dim, out=None):
    """The latents in a folder that `tf-wavegan-inv invert` or `generate` wrote, with its subfolders.

    Args:
        folder: with *.z.npy files and, maybe, an inversions.csv.
        latent_dim: numbers that each must have.
        out: a folder whose latents are left out: those that an earlier call wrote.

    Returns:
        Latents, sorted by name.

    Raises:
        UserError: if there are fewer than two, or one is damaged or of another size.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise UserError(f"No folder of latents at {folder}.")
    if (folder / "audio").is_dir() and (folder / "clips.csv").exists():
        raise UserError(f"{folder} is an evaluation, with each clip several times: give one of its folders audio/<set>/<method>.")
    files = sorted(folder.rglob(f"*{SUFFIX}"))
    files = [file for file in files if not (out and file.resolve().is_relative_to(pathlib.Path(out).resolve()))]
    if len(files) < 2:
        raise UserError(f"{len(files)} latents (*{SUFFIX}) in {folder}: give a folder that tf-wavegan-inv invert wrote, of several clips.")
    rows = {}
    for path in sorted(folder.glob("inversions*.csv")):  # several, of a folder inverted in shards
        rows |= _rows(path)
    names, z, labels, speakers = [], [], [], []
    for file in files:
        relative = file.relative_to(folder).as_posix()
        row = rows.get(relative, {})
        name = row.get("path") or relative.removesuffix(SUFFIX)
        label, speaker = label_and_speaker(pathlib.PurePosixPath(name))
        heard = row.get("digit_original") or ""
        names.append(name)
        z.append(_read(file, latent_dim))
        labels.append(int(heard) if label == UNKNOWN and heard.isdigit() else label)
        speakers.append(speaker)
    return Latents(names, np.stack(z), np.array(labels), speakers)


def _rows(path):
    with open(path, newline="", **ENCODING) as file:
        return {row["z"]: row for row in csv.DictReader(file) if row.get("z")}


def _read(file, latent_dim):
    try:
        z = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{file} is not a readable .npy file: {error}") from None
    if z.shape != (latent_dim,) or not np.issubdtype(z.dtype, np.floating) or not np.isfinite(z).all():
        raise UserError(f"{file} holds {z.dtype} {list(z.shape)}; finite floats of shape [{latent_dim}] are needed, for this WaveGAN.")
    return z.astype(np.float32)
