"""The ten digits, and how file names tell digit and speaker."""

import re

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
UNKNOWN = -1


def digit_of(word):
    """Index of a spoken digit's word or figure, `UNKNOWN` for anything else."""
    word = word.lower()
    if word in DIGITS:
        return DIGITS.index(word)
    return int(word) if re.fullmatch(r"[0-9]", word) else UNKNOWN


def label_and_speaker(path):
    """Digit and speaker of a clip, by its name.

    Knows `Zero_<speaker>_<n>` (SC09), `0_<speaker>_<n>` (FSDD, AudioMNIST) and `zero/<speaker>_nohash_<n>` (Speech Commands).

    Returns:
        label in 0..9 or `UNKNOWN`, and the speaker's name, "" where the name does not tell.
    """
    speaker, nohash, _ = path.stem.partition("_nohash_")
    if nohash and digit_of(path.parent.name) != UNKNOWN:
        return digit_of(path.parent.name), speaker
    first, *rest = path.stem.split("_")
    figure_alone = first.isdigit() and not re.fullmatch(r"[0-9]_\w+_\d+", path.stem)  # "7.wav" may be anything
    if digit_of(first) != UNKNOWN and not figure_alone:
        return digit_of(first), rest[0] if len(rest) > 1 or "nohash" in rest else ""
    return (UNKNOWN if path.parent.name.isdigit() else digit_of(path.parent.name)), ""
