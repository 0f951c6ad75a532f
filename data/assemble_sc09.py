"""Assembles the data of the models of genuine SC09 from the public archives, by name and checksum.

    python data/assemble_sc09.py SC09 ARCHIVE ...

ARCHIVE: folders with the extracted archives of Speech Commands v0.01 and v0.02, AudioMNIST and the Free Spoken Digit Dataset, at any
depth, or folders of clips with the manifest's names. Synthetic clips come from the latter only.

Writes SC09/train, valid, test/<name>.flac, the layout that `--data` reads, and SC09/missing.csv: the rows of sc09/MANIFEST.csv.xz that were
not found. Clips of 16 kHz are copied bit by bit and must have the manifest's checksum. Others are
resampled; the script counts those whose checksum then differs.

    pip install soundfile soxr
"""

import argparse
import collections
import csv
import hashlib
import lzma
import pathlib
import sys

import numpy as np
import soundfile

WORDS = "Zero One Two Three Four Five Six Seven Eight Nine".split()
MANIFEST = pathlib.Path(__file__).parent / "sc09" / "MANIFEST.csv.xz"
AUDIO = {".wav", ".flac"}
RATE = 16000  # Hz
OTHER_VERSION = 100  # added to a clip's number if two versions of Speech Commands have different recordings of one name


def archive_names(name, source):
    """Names that a clip of the manifest may have, without suffix, as "<folder>/<name>" for Speech Commands: list of str."""
    word, speaker, number = name.split("_")
    digit = WORDS.index(word)
    if source.startswith("Speech Commands"):
        return [f"{word.lower()}/{speaker}_nohash_{int(number) % OTHER_VERSION}", name]
    if source == "AudioMNIST":
        return [f"{digit}_{speaker.removeprefix('am')}_{number}", name]
    return [f"{digit}_{speaker}_{number}", name] if source == "FSDD" else [name]


def find_audio(folders):
    """{name: paths} of the audio in folders, under the file's name and under "<folder>/<name>", both without suffix."""
    found = collections.defaultdict(list)
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO):
            found[path.stem].append(path)
            found[f"{path.parent.name.lower()}/{path.stem}"].append(path)
    return found


def read(path):
    """A file as int16 [samples] at 16 kHz, one second at most: the most energetic one."""
    audio, rate = soundfile.read(path, dtype="int16")
    if rate != RATE:
        import soxr

        audio = np.clip(np.rint(soxr.resample(audio / 32768, rate, RATE, "VHQ") * 32768), -32768, 32767).astype(np.int16)
    return loudest_second(audio)


def loudest_second(audio):
    """The most energetic second of int16 [samples], or all of less."""
    if len(audio) <= RATE:
        return audio
    energy = np.concatenate([[0], np.cumsum(audio.astype(np.float64) ** 2)])
    first = int(np.argmax(energy[RATE:] - energy[:-RATE]))
    return audio[first : first + RATE]


def checksum(audio):
    """The first 12 digits of the SHA-256 of int16 [samples], little-endian."""
    return hashlib.sha256(audio.astype("<i2").tobytes()).hexdigest()[:12]


def choose(paths, row):
    """The audio of a row of the manifest among files of its name, and whether the checksum matches; (None, False) without one."""
    candidates = [read(path) for path in paths]
    for audio in candidates:
        if checksum(audio) == row["sha256"]:
            return audio, True
    resampled = not row["source"].startswith("Speech Commands")
    return (candidates[0], False) if candidates and resampled else (None, False)


def main(arguments=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="folder for train/, valid/, test/")
    p.add_argument("folders", type=pathlib.Path, nargs="+", help="folders of the extracted archives")
    p.add_argument("--manifest", type=pathlib.Path, default=MANIFEST, help="CSV file of names, sources, splits and checksums")
    options = p.parse_args(arguments)
    found, counts, missing = find_audio(options.folders), collections.Counter(), []
    opened = lzma.open if options.manifest.suffix == ".xz" else open
    with opened(options.manifest, "rt", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        names = archive_names(row["file"], row["source"])
        audio, exact = choose([path for name in names for path in found.get(name, [])], row)
        if audio is None:
            missing.append(row)
            counts[f"missing: {row['source']}"] += 1
            continue
        path = options.out / row["split"] / f"{row['file']}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, audio, RATE, subtype="PCM_16")
        counts[row["split"] if exact else f"{row['split']}, resampled otherwise"] += 1
    print(", ".join(f"{what}: {n} clips" for what, n in sorted(counts.items())), file=sys.stderr)
    if len(missing) == len(rows):
        sys.exit(
            f"None of the {len(rows)} clips is in {', '.join(map(str, options.folders))}: give the extracted archives that --help names."
        )
    with open(options.out / "missing.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(missing)


if __name__ == "__main__":
    main()
