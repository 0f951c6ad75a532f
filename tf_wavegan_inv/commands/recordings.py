"""Recordings of a command line: finding, naming, checking and reading them."""

import argparse
import hashlib
import io
import os
import pathlib
import re
import typing
import zlib

from tf_wavegan_inv.commands.common import report_skipped
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

if typing.TYPE_CHECKING:
    from tf_wavegan_inv.audio.folders import Clip
    from tf_wavegan_inv.audio.inspect import Recording, Skipped

LONGEST_NAME = 200  # bytes; file systems allow 255 with the longest ending, .trajectory.npz


def gather(paths: list[pathlib.Path], out: pathlib.Path) -> list["Clip"]:
    """The recordings among files and folders, each file once. Files of a folder are named relative to it.

    Files below `out` are excluded: reconstructions of an earlier call are no input, and no input is overwritten.

    Args:
        paths: list of pathlib.Path. Files and folders. An empty list stands for the bundled test clips.
        out: pathlib.Path. Folder of the results.

    Raises:
        UserError: if there is no recording, or a named file lies below `out`.
    """
    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.folders import Clip

    clips = {}
    for path in paths or [defaults.DATA / "test"]:
        for file, name in _files(path, out):
            if not file.resolve().is_relative_to(out.resolve()):
                clips.setdefault(file.resolve(), Clip(file, name))
    if not clips:
        raise UserError(f"All recordings lie in --out {out}, where results are written: give another --out.")
    return list(clips.values())


def _files(path, out):
    """(file, name) of each audio file that a path of the command line stands for."""
    from tf_wavegan_inv.audio.folders import audio_files

    if path.is_dir():
        files = [(file, file.relative_to(path).as_posix()) for file in audio_files(path)]
        if not files:
            raise UserError(f"No audio in {path}: give a folder with .wav, .flac, .ogg or .mp3 files.")
        return files
    if not path.exists():
        raise UserError(f"No such file or folder: {path}.")
    if path.resolve().is_relative_to(out.resolve()):
        raise UserError(f"{path} lies in --out {out}, where results are written: give another --out.")
    return [(path, path.name)]


def output_names(clips: list["Clip"]) -> dict[pathlib.Path, str]:
    """Unique output name, without suffix, by clip path.

    If two names collide, as for a.wav beside a.flac, the later one keeps its suffix or gains a number.
    """
    names, taken = {}, set()
    for clip in clips:
        relative = _short(pathlib.PurePosixPath(clip.name))
        candidates = [relative.with_suffix("").as_posix(), relative.as_posix()]
        name = next((n for n in candidates if not taken & _names_under(n)), None)
        number = 2
        while name is None or taken & _names_under(name):
            name = f"{candidates[0]}-{number}"
            number += 1
        taken |= _names_under(name)
        names[clip.path] = name
    return names


def _short(path):
    """A path whose last part leaves room for endings."""
    if len(os.fsencode(path.name)) <= LONGEST_NAME:
        return path
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    return path.with_name(f"{path.stem[: LONGEST_NAME // 8]}-{digest}{path.suffix}")


def _names_under(name):
    """The names that the files of one clip begin with: the clip's own, and the one of its pivotal tuning."""
    return {name, f"{name}.pivot"}


def clip_number(clip: "Clip") -> int:
    """A number of 32 bits from a clip's name alone, which decides its shard and its random starts."""
    return zlib.crc32(clip.name.encode(errors="surrogateescape"))


def shard(text: str) -> tuple[int, int]:
    """Parse a shard: "2/8", the second of eight, -> (2, 8)."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise argparse.ArgumentTypeError(f"must be i/n with i in 1..n, for example 2/8 for the second of eight parts; received {text!r}")
    return part, parts


def check(clips: list["Clip"]) -> tuple[list["Recording"], list["Skipped"]]:
    """Check recordings with a progress bar, and print the reasons of the skipped ones."""
    from tf_wavegan_inv.audio.inspect import inspect_clips

    recordings, skipped = inspect_clips(clips, Progress("checking clips"))
    report_skipped(skipped)
    return recordings, skipped


def read_batches(recordings: list["Recording"], *, batch_size: int, audio_config, shape: tuple[int, int]):
    """Read recordings in batches, one batch ahead.

    Args:
        recordings: list of Recording. Checked recordings.
        batch_size: int. Largest number of clips in a batch.
        audio_config: AudioConfig. How audio is conditioned.
        shape: (samples, channels) of a clip.

    Yields:
        (batch, audio, skipped): list of Recording, float32 [batch, samples, channels], and list of Skipped: files
        that have become unreadable since they were checked.
    """
    import numpy as np
    import tensorflow as tf

    from tf_wavegan_inv.audio.dataset import conditioned
    from tf_wavegan_inv.audio.inspect import inspect_clips

    def dataset(some):
        return conditioned(some, audio_config, *shape)

    ahead = None
    for first in range(0, len(recordings), batch_size):
        batch, skipped = recordings[first : first + batch_size], []
        if ahead is None:
            ahead = dataset(recordings[first:]).batch(batch_size).prefetch(1).as_numpy_iterator()
        try:
            audio = next(ahead)
        except tf.errors.OpError as error:
            names = f"{batch[0].clip.path} or one of the next {len(batch) - 1} files"
            batch, skipped = inspect_clips([r.clip for r in batch])
            ahead = None  # the iterator has ended with the error
            if not skipped:
                reason = str(error).splitlines()[0]
                raise UserError(f"{names} cannot be decoded: {reason}") from None
            audio = np.array([*dataset(batch).as_numpy_iterator()], np.float32).reshape(-1, *shape)
        yield batch, audio, skipped


def wav_bytes(path: pathlib.Path) -> bytes:
    """A file's first seconds as a 16-bit WAV file in memory, at its own rate. Peaks above full scale are scaled to it."""
    import numpy as np
    import soundfile

    from tf_wavegan_inv.audio.decode import MAX_SECONDS

    with soundfile.SoundFile(path) as file:
        audio = file.read(int(MAX_SECONDS * file.samplerate), dtype="float32", always_2d=True)
        rate = file.samplerate
    peak = float(np.abs(audio).max(initial=0))
    buffer = io.BytesIO()
    soundfile.write(buffer, audio / max(1.0, peak), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
