"""Files and folders on a command line -> clips, and what their results are called."""

import argparse
import hashlib
import os
import pathlib
import re
import zlib

from tf_wavegan_inv.errors import UserError

LONGEST_NAME = 200  # bytes; file systems take 255, with .trajectory.npz


def gather(paths, out):
    """Files and folders -> list of `Clip`, each file once; a folder's files are named relative to it.

    What lies under `out` is left out: the reconstructions of an earlier call are no input, and no input is ever overwritten.

    Raises:
        UserError: where there is nothing to invert, or a file that was named lies under `out`.
    """
    from tf_wavegan_inv.audio.folders import Clip, audio_files

    clips = {}
    for path in paths:
        if path.is_dir():
            files = [(file, file.relative_to(path).as_posix()) for file in audio_files(path)]
            if not files:
                raise UserError(f"No audio in {path}: give a folder with .wav, .flac, .ogg or .mp3 files.")
        elif path.exists():
            if path.resolve().is_relative_to(out.resolve()):
                raise UserError(f"{path} lies in --out {out}, where results are written: give another --out.")
            files = [(path, path.name)]
        else:
            raise UserError(f"No such file or folder: {path}.")
        for file, name in files:
            if not file.resolve().is_relative_to(out.resolve()):
                clips.setdefault(file.resolve(), Clip(file, name))
    if not clips:
        raise UserError(f"All the audio given lies in --out {out}, where results are written: give another --out.")
    return list(clips.values())


def output_names(clips):
    """Output name, without suffix, by clip path. Where two would collide, as for a.wav beside a.flac, the suffix or a number is kept."""
    names, taken = {}, set()
    for clip in clips:
        relative = _short(pathlib.PurePosixPath(clip.name))
        candidates = [relative.with_suffix("").as_posix(), relative.as_posix()]
        name = next((n for n in candidates if not taken & _names_under(n)), None)
        number = 2
        while name is None or taken & _names_under(name):
            name, number = f"{candidates[0]}-{number}", number + 1
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
    """The names that the files of one clip begin with: its own, and that of its pivotal tuning."""
    return {name, f"{name}.pivot"}


def clip_number(clip):
    """A number of 32 bits for a clip, by its name alone: what its shard and its random starts hang on, whatever lies beside it."""
    return zlib.crc32(clip.name.encode(errors="surrogateescape"))


def shard(text):
    """ "2/8" -> (2, 8): the second of eight parts."""
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise argparse.ArgumentTypeError(f"must be i/n with i in 1..n, as 2/8 is the second of eight parts; received {text!r}")
    return part, parts
