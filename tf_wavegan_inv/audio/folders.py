"""Folders of audio -> clips with digit, speaker and split."""

import collections
import dataclasses
import hashlib
import logging
import pathlib
import re

from tf_wavegan_inv.audio.labels import UNKNOWN, digit_of, label_and_speaker
from tf_wavegan_inv.errors import UserError

log = logging.getLogger(__name__)

SPLITS = ("train", "valid", "test")
EXTENSIONS = (".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif", ".opus")
LISTS = {"validation_list.txt": "valid", "testing_list.txt": "test"}


@dataclasses.dataclass(frozen=True)
class Clip:
    """One audio file.

    Attributes:
        path: the file.
        name: its path relative to the folder it was found in, with forward slashes.
        label: digit 0..9, or -1 if it is unknown.
        speaker: name of the speaker, "" if it is unknown.
        split: "train", "valid" or "test".
    """

    path: pathlib.Path
    name: str
    label: int = UNKNOWN
    speaker: str = ""
    split: str = "train"


def audio_files(folder):
    """Audio files in a folder and below, by extension, sorted. Hidden files and Speech Commands' background noise are left out."""
    files = (p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS and p.is_file())
    return sorted(p for p in files if not any(part.startswith((".", "_")) for part in p.relative_to(folder).parts))


def find_clips(*folders):
    """The clips of data set folders, with their splits.

    Three layouts are known:
    - SC09: `train|valid|test/Zero_<speaker>_<n>.wav`; the folder is the split.
    - Speech Commands: `zero/<speaker>_nohash_<n>.wav`; `validation_list.txt` and `testing_list.txt` say the split, or, where they are
      missing, the official hash of the speaker. Words other than digits are left out.
    - any other folder: the same lists where present, or one speaker in ten (at least one) for each of valid and test. Where names tell no
      speakers, files take their place. Several such folders are split together, so that a speaker of two of them is in one split.

    Args:
        folders: paths.

    Returns:
        list of Clip, folder by folder, sorted by name.

    Raises:
        UserError: if there is no such folder, or no audio in it.
    """
    found = [_clips_of(pathlib.Path(folder)) for folder in folders]
    ranked = iter(_split_by_rank([clip for clips, has_splits in found if not has_splits for clip in clips]))
    return [clip if has_splits else next(ranked) for clips, has_splits in found for clip in clips]


def _clips_of(folder):
    """The clips of a folder, and whether it says their splits."""
    if not folder.is_dir():
        raise UserError(f"No folder of audio at {folder}.")
    files = audio_files(folder)
    if not files:
        raise UserError(f"No audio in {folder}: none of its files ends in {', '.join(EXTENSIONS)}.")
    clips = [_clip(folder, path) for path in files]
    if any(clip.name.split("/")[0] in SPLITS for clip in clips):
        return [dataclasses.replace(c, split=c.name.split("/")[0]) for c in clips if c.name.split("/")[0] in SPLITS], True
    commands = [c for c in clips if "_nohash_" in c.path.stem and "/" in c.name]
    if commands:
        clips = [c for c in commands if digit_of(c.path.parent.name) != UNKNOWN]
        if not clips:
            raise UserError(f"No spoken digits in {folder}: its words are {sorted({c.path.parent.name for c in commands})[:8]}.")
    lists = {split: _read_list(folder / name) for name, split in LISTS.items() if (folder / name).exists()}
    if lists:
        return _split_by_lists(clips, lists), True
    if commands:
        return [dataclasses.replace(c, split=speech_commands_split(c.path.name)) for c in clips], True
    return clips, False


def _clip(folder, path):
    label, speaker = label_and_speaker(path)
    return Clip(path, path.relative_to(folder).as_posix(), label, speaker)


def _read_list(path):
    return {line.strip() for line in path.read_text().splitlines() if line.strip()}


def _split_by_lists(clips, lists):
    def split(clip):
        return next((name for name, members in lists.items() if clip.name in members), "train")

    return [dataclasses.replace(clip, split=split(clip)) for clip in clips]


def speech_commands_split(file_name, valid_percent=10, test_percent=10):
    """The official split of a Speech Commands file (data set README, `which_set`): by a hash of the name before "_nohash_"."""
    speaker = re.sub(r"_nohash_.*$", "", file_name)
    largest = 2**27 - 1
    percent = int(hashlib.sha1(speaker.encode()).hexdigest(), 16) % (largest + 1) * (100.0 / largest)
    if percent < valid_percent:
        return "valid"
    return "test" if percent < valid_percent + test_percent else "train"


def _split_by_rank(clips):
    """One speaker (or file) in ten to valid, one in ten to test, chosen by the hash of the name."""
    if not clips:
        return []
    by_speaker = all(c.speaker for c in clips) and len({c.speaker for c in clips}) >= len(SPLITS)
    key = (lambda c: c.speaker) if by_speaker else (lambda c: c.name)
    if not by_speaker:
        log.info("The file names tell of fewer than three speakers: valid and test are drawn by file, and may share speakers with train.")
    keys = sorted({key(c) for c in clips}, key=lambda k: hashlib.sha1(k.encode()).hexdigest())
    share = max(1, round(len(keys) / 10)) if len(keys) >= len(SPLITS) else 0
    split_of = dict.fromkeys(keys[:share], "valid") | dict.fromkeys(keys[share : 2 * share], "test")
    return [dataclasses.replace(c, split=split_of.get(key(c), "train")) for c in clips]


def unique_names(clips):
    """A short name for each clip: its file's name without suffix, or, where clips share one, the path with "_" for "/"."""
    stems = collections.Counter(clip.path.stem for clip in clips)
    names = [c.path.stem if stems[c.path.stem] == 1 else c.name.replace("/", "_") for c in clips]
    counts, taken = collections.Counter(names), set()
    for i, name in enumerate(names):
        number = 1
        while names[i] in taken or (counts[name] > 1 and number == 1):  # as for one name in two folders
            names[i], number = f"{name}-{number}", number + 1
        taken.add(names[i])
    return names
