"""Reading the z of inverted or generated clips."""

import csv
import dataclasses
import json
import pathlib

import numpy as np

from tf_wavegan_inv.audio.labels import UNKNOWN, label_and_speaker
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import ENCODING, checksum
from tf_wavegan_inv.names import renamed
from tf_wavegan_inv.wavegan.sources import find_checkpoint

SUFFIX = ".z.npy"


@dataclasses.dataclass(frozen=True)
class Latents:
    """Clips and their z.

    Attributes:
        names: list of str. Name of each clip.
        z: float32 [clips, latent_dim].
        labels: int [clips]. Label by the clip's name, else the predicted label, else `UNKNOWN`.
        speakers: list of str. Speaker of each clip, "" if unknown.
    """

    names: list
    z: np.ndarray
    labels: np.ndarray
    speakers: list

    def find(self, name: str) -> int:
        """Index of a clip by its name, or by its file name with or without suffix. Raises UserError unless there is one."""
        paths = [pathlib.PurePosixPath(n) for n in self.names]
        exact = [i for i, n in enumerate(self.names) if n == name]
        alike = exact or [i for i, path in enumerate(paths) if name in (path.name, path.stem)]
        if len(alike) != 1:
            some = ", ".join(self.names[:5]) + (", ..." if len(self.names) > 5 else "")
            raise UserError(f"{len(alike)} clips are called {name!r}; there are {some}.")
        return alike[0]


def check_made_by(folder: pathlib.Path, wavegan: pathlib.Path) -> None:
    """Raise UserError if run.json in a folder names another generator than the checkpoint `wavegan`."""
    ours = checksum(find_checkpoint(wavegan))
    for path in sorted(pathlib.Path(folder).glob("run*.json")):
        try:
            models = json.loads(path.read_text())["models"]
            theirs = models.get("generator") or models["wavegan"]
            name, sha = theirs["path"], theirs["sha256"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):  # a record without files, as of `request`
            continue
        if "generator" in models:
            raise UserError(f"The z in {folder} belong to {name}, which is no WaveGAN (see {path.name}): explore requires z of a WaveGAN.")
        if sha != ours:
            raise UserError(f"The z in {folder} belong to another WaveGAN than {wavegan} (see {path.name}): give --wavegan {name}.")


def read_latents(folder: pathlib.Path, latent_dim: int, *, out: pathlib.Path | None = None) -> Latents:
    """Read a folder that `tf-wavegan-inv invert` or `generate` wrote, including its subfolders.

    Args:
        folder: pathlib.Path. Folder with *.z.npy files and, optionally, inversions.csv (of version 0.1 or later).
        latent_dim: int. Required size of each z.
        out: pathlib.Path or None. Folder of the results of an earlier call, which is excluded. Default None.

    Returns:
        Latents, sorted by file.

    Raises:
        UserError: if there are fewer than two z, or one is damaged or of another size.
    """
    folder = pathlib.Path(folder)
    files = _files(folder, out)
    rows = {}
    for path in sorted(folder.glob("inversions*.csv")):  # one for each shard
        rows |= _rows(path)
    names, z, labels, speakers = [], [], [], []
    for file in files:
        relative = file.relative_to(folder).as_posix()
        row = rows.get(relative, {})
        name = row.get("path") or relative.removesuffix(SUFFIX)
        label, speaker = label_and_speaker(pathlib.PurePosixPath(name))
        predicted = row.get("label_original") or ""
        names.append(name)
        z.append(_read(file, latent_dim))
        labels.append(int(predicted) if label == UNKNOWN and predicted.isdigit() else label)
        speakers.append(speaker)
    return Latents(names=names, z=np.stack(z), labels=np.array(labels), speakers=speakers)


def _files(folder, out):
    if not folder.is_dir():
        raise UserError(f"No folder of latents at {folder}: give a folder that tf-wavegan-inv invert wrote.")
    if (folder / "audio").is_dir() and (folder / "clips.csv").exists():
        raise UserError(f"{folder} is an evaluation, which holds each clip several times: give one of its folders audio/<set>/<method>.")
    files = sorted(folder.rglob(f"*{SUFFIX}"))
    files = [file for file in files if not (out and file.resolve().is_relative_to(pathlib.Path(out).resolve()))]
    if len(files) < 2:
        raise UserError(
            f"{len(files)} latents (*{SUFFIX}) in {folder}, at least 2 are required: give a folder that tf-wavegan-inv invert wrote."
        )
    return files


def _rows(path):
    """The rows of a table with a z, by the file of that z."""
    with open(path, newline="", **ENCODING) as file:
        return {row["z"]: renamed(row) for row in csv.DictReader(file) if row.get("z")}


def _read(file, latent_dim):
    try:
        z = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{file} is not a readable .npy file: {error}") from None
    if z.shape != (latent_dim,) or not np.issubdtype(z.dtype, np.floating) or not np.isfinite(z).all():
        raise UserError(f"{file} holds {z.dtype} {list(z.shape)}; finite floats of shape [{latent_dim}] are required, for this WaveGAN.")
    return z.astype(np.float32)
