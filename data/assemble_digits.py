"""The data that the bundled models are trained and measured on, from clips of FSDD and Speech Commands.

    python data/assemble_digits.py DIGITS FSDD SPEECH_COMMANDS

FSDD, SPEECH_COMMANDS: folders of clips, at any depth, named as SC09's (<Digit>_<speaker>_<n>), as FSDD's (<0-9>_<speaker>_<n>) or, within a
folder of the digit's name, as Speech Commands' (<speaker>_nohash_<n>). Writes DIGITS/train, valid, test/<Digit>_<speaker>_<n>: links, the
files stay where they are. Words other than digits are left out. A speaker is in the split that digits/MANIFEST.csv has for him, all others
in train; so no speaker is in two splits, and none of valid or test is in the bundled training clips.
"""

import argparse
import collections
import csv
import pathlib
import re
import sys

WORDS = "Zero One Two Three Four Five Six Seven Eight Nine".split()
MANIFEST = pathlib.Path(__file__).parent / "digits" / "MANIFEST.csv"
AUDIO = {".wav", ".flac"}


def clip_name(path):
    """<Digit>_<speaker>_<n> of a clip's path, or None where it is no digit."""
    stem = path.stem
    if found := re.fullmatch(r"([0-9])_(.+)_([0-9]+)", stem):
        return f"{WORDS[int(found[1])]}_{found[2]}_{found[3]}"
    if found := re.fullmatch(r"([0-9a-f]+)_nohash_([0-9]+)", stem):
        stem = f"{path.parent.name}_{found[1]}_{found[2]}"
    word, _, rest = stem.partition("_")
    return f"{word.capitalize()}_{rest}" if word.capitalize() in WORDS and "_" in rest else None


def speaker_splits(manifest=MANIFEST):
    """{speaker: split} of the speakers that are not in train."""
    with open(manifest, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {row["speaker"]: row["file"].split("/")[0] for row in rows if not row["file"].startswith("train/")}


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="folder for train/, valid/, test/")
    p.add_argument("folders", type=pathlib.Path, nargs="+", help="folders of clips")
    options = p.parse_args(arguments)
    splits, counts = speaker_splits(), collections.Counter()
    for folder in options.folders:
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO):
            name = clip_name(path)
            if name is None:
                counts["left out"] += 1
                continue
            speaker = name.split("_")[1]
            split = splits.get(speaker, "train")
            link = options.out / split / f"{name}{path.suffix.lower()}"
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink() and not link.exists():
                link.symlink_to(path.resolve())
            elif not link.is_symlink() or link.readlink() != path.resolve():
                sys.exit(f"{link} is there already, and is not {path}: give an empty folder, and each clip once.")
            counts[split] += 1
    if not counts.keys() - {"left out"}:
        sys.exit(f"No clip of a digit in {', '.join(map(str, options.folders))}: give the archives that --help names.")
    print(", ".join(f"{split}: {n} clips" for split, n in sorted(counts.items())), file=sys.stderr)


if __name__ == "__main__":
    main()
