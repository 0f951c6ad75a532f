"""Data set folders -> clips in memory by split, with a report of what was skipped."""

import dataclasses
import hashlib
import pathlib

import numpy as np

from tf_wavegan_inv.audio.dataset import conditioned, load_arrays
from tf_wavegan_inv.audio.folders import SPLITS, Clip, find_clips
from tf_wavegan_inv.audio.inspect import inspect_clip, inspect_clips
from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.audio.shards import is_sharded, read_shards
from tf_wavegan_inv.config import AudioConfig
from tf_wavegan_inv.errors import UserError


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Recordings of one or more folders.

    Attributes:
        recordings: dict of split to list of `Recording`.
        skipped: list of `Skipped`.
    """

    recordings: dict
    skipped: list

    def arrays(self, split, audio_config, length, channels, *, progress=None):
        """One split as `ClipArrays`."""
        return load_arrays(self.recordings[split], audio_config, length, channels, progress=progress)

    def labelled(self):
        """This corpus without the clips whose digit is unknown."""
        return Corpus({s: [r for r in rs if r.clip.label != UNKNOWN] for s, rs in self.recordings.items()}, self.skipped)

    def fingerprint(self):
        """What identifies the clips, for run folders: counts by split and a hash of names and lengths."""
        digest = hashlib.sha256()
        for split in SPLITS:
            for r in self.recordings[split]:
                digest.update(f"{split} {r.clip.name} {r.seconds:.4f} {r.clip.label}\n".encode())
        return {split: len(self.recordings[split]) for split in SPLITS} | {"clips": digest.hexdigest()[:16]}


def read_corpus(folders, progress=None):
    """Find and check the clips of folders (see `find_clips`, `inspect_clip`), or take those of shards (`read_shards`) as they are.

    Raises:
        UserError: if a folder holds no audio, or none that can be used.
    """
    sharded = [folder for folder in folders if is_sharded(folder)]
    clips = find_clips(*(folder for folder in folders if folder not in sharded))
    recordings, skipped = inspect_clips(clips, progress)
    recordings += [recording for folder in sharded for recording in read_shards(folder)]
    if not recordings:
        raise UserError(
            f"None of the {len(clips)} audio files in {', '.join(map(str, folders))} can be used. The first: {skipped[0].reason}"
        )
    return Corpus({split: [r for r in recordings if r.clip.split == split] for split in SPLITS}, skipped)


def need(corpus, split, folders, labelled=False):
    """Raise UserError if a split that is needed is empty; `labelled`: whether clips without a digit are excluded."""
    if corpus.recordings[split]:
        return
    what = "clips with a known digit (as in Zero_<speaker>_0.wav, or zero/<speaker>_nohash_0.wav)" if labelled else "usable clips"
    raise UserError(
        f"No {what} for {split!r} in {', '.join(map(str, folders))}. Training needs clips in train and valid: use the layout "
        "train/, valid/, test/, or a validation_list.txt, or a folder with at least three speakers."
    )


def load_audio(paths, generator, config=None):
    """Read audio files in the form that a generator makes.

    Args:
        paths: a file or a list of files, of any rate and number of channels.
        generator: keras.Model, z -> audio [batch, samples, channels]; gives length and channels.
        config: `AudioConfig`, that of the inverter's recipe (`inverter.recipe.audio`); the default otherwise.

    Returns:
        float32 [files, samples, channels] in [-1, 1].

    Raises:
        UserError: if a file cannot be used (see `inspect_clip`).
    """
    if isinstance(paths, (str, pathlib.Path)):
        paths = [paths]
    if not paths:
        raise UserError("load_audio needs at least one file, received none.")
    recordings = [inspect_clip(Clip(pathlib.Path(path), str(path))) for path in paths]
    _, length, channels = generator.output_shape
    return np.stack(list(conditioned(recordings, config or AudioConfig(), length, channels).as_numpy_iterator()))
