"""Spoken digits by espeak-ng, for training a classifier alone: more voices than free recordings have.

    apt-get install espeak-ng
    python data/synthetic_voices.py voices [--takes 2]
    python train_keras.py classifier --data DIGITS voices ...

writes train/<Digit>_espeak-<accent>-<variant>_<take>.wav, 16 kHz, one second or less, each take of a speed and pitch of its own. The voices
are marked by their speakers' names and are never in valid/ or test/. What espeak-ng (GPL-3.0) says is its users' own.
"""

import argparse
import concurrent.futures
import io
import pathlib
import random
import re
import subprocess
import sys

import numpy as np
import soundfile
import soxr

WORDS = "Zero One Two Three Four Five Six Seven Eight Nine".split()
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
LEFT_OUT = re.compile(r"whisper|demonic|robo|robot|tweaky|croak|fast|storm|klatt|ricishay", re.IGNORECASE)  # nobody speaks so
RATE, SILENCE = 16000, 0.01  # Hz; of the peak, trimmed on either side


def variants():
    """Names of espeak-ng's voice variants that sound like people."""
    listed = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout
    names = re.findall(r"!v/(\S+)", listed)
    return sorted(name for name in names if not LEFT_OUT.search(name))


def speak(word, accent, variant, speed, pitch):
    """A word as float32 [samples], peak 0.9, without the silence around it."""
    command = ["espeak-ng", "--stdout", "-v", f"{accent}+{variant}", "-s", str(speed), "-p", str(pitch), word.lower()]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    audio, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
    audio = soxr.resample(audio, rate, RATE)
    loud = np.flatnonzero(np.abs(audio) > SILENCE * np.abs(audio).max())
    audio = audio[loud[0] : loud[-1] + 1]
    return 0.9 * audio / np.abs(audio).max()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="folder for train/")
    p.add_argument("--takes", type=int, default=2, help="of each digit by each voice")
    p.add_argument("--seed", type=int, default=0)
    options = p.parse_args()
    folder = options.out / "train"
    folder.mkdir(parents=True, exist_ok=True)

    def make(job):
        accent, variant, word, take = job
        chance = random.Random(f"{options.seed} {job}")
        audio = speak(word, accent, variant, chance.randint(110, 210), chance.randint(20, 80))
        path = folder / f"{word}_espeak-{accent}-{variant}_{take}.wav"
        if len(audio) <= RATE:
            soundfile.write(path, audio, RATE, subtype="PCM_16")
        return len(audio) <= RATE

    jobs = [(a, v, w, t) for a in ACCENTS for v in variants() for w in WORDS for t in range(options.takes)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        made = sum(pool.map(make, jobs))
    print(f"{made} clips of {len(ACCENTS)} accents in {len(variants())} variants: {folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
