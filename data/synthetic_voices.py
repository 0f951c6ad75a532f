"""Spoken digits by free speech synthesisers, for training alone: more voices than free recordings have.

    apt-get install espeak-ng flite festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts
    pip install soxr
    python data/synthetic_voices.py voices
    python train_keras.py all --data DIGITS voices ...

writes train/<Digit>_<engine>-<voice>_<take>.wav, 16 kHz, one second or less, each take of a speed, pitch and vocal tract of its own.
espeak-ng has many voices computed by rules; those of flite, festival and pico2wave (libttspico-utils, in Debian's non-free) are few, of
recorded people. The clips are marked by their speakers' names and are never in valid/ or test/. A synthesiser that is not installed is told
and left out.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import soundfile

try:
    import soxr
except ModuleNotFoundError:
    sys.exit("error: resampling needs soxr: pip install soxr")

WORDS = "Zero One Two Three Four Five Six Seven Eight Nine".split()
RATE, SILENCE = 16000, 0.01  # Hz; of the peak, trimmed on either side
TRACT = (0.85, 1.2)  # how much shorter a vocal tract is made: formants and pitch together
ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029")
LEFT_OUT = re.compile(r"whisper|demonic|robo|robot|tweaky|croak|fast|storm|klatt|ricishay", re.IGNORECASE)  # nobody speaks so
Engine = collections.namedtuple("Engine", "program voices command takes")


def espeak_voices():
    """accent+variant of espeak-ng, of the variants that sound like people."""
    listed = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout
    variants = sorted(name for name in re.findall(r"!v/(\S+)", listed) if not LEFT_OUT.search(name))
    return [f"{accent}+{variant}" for accent in ACCENTS for variant in variants]


def flite_voices():
    listed = subprocess.run(["flite", "-lv"], check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split(":")[1].split() if not re.search(r"time|kal$", name)]


def festival_voices():
    folders = [path for language in ("english", "us") for path in pathlib.Path("/usr/share/festival/voices").glob(f"{language}/*")]
    return sorted(path.name for path in folders)


# Each command writes a word to a file. speed: 1 as the voice speaks; pitch: 0 low to 1 high, 0.5 as the voice speaks.
def espeak(voice, word, speed, pitch, path):
    return ["espeak-ng", "-w", path, "-v", voice, "-s", str(round(160 * speed)), "-p", str(round(20 + 60 * pitch)), word]


def flite(voice, word, speed, pitch, path):
    return ["flite", "-voice", voice, "--setf", f"duration_stretch={1 / speed}", "-t", word, "-o", path]


def festival(voice, word, speed, pitch, path):
    stretch = f"(Parameter.set 'Duration_Stretch {1 / speed})"
    return ["festival", "-b", f"(voice_{voice})", stretch, f'(utt.save.wave (utt.synth (Utterance Text "{word}")) "{path}")']


def pico(voice, word, speed, pitch, path):
    text = f"<speed level='{100 * speed:.0f}'><pitch level='{80 + 40 * pitch:.0f}'>{word}</pitch></speed>"
    return ["pico2wave", "-l", voice, "-w", path, text]


ENGINES = {
    "espeak": Engine("espeak-ng", espeak_voices, espeak, 1),
    "flite": Engine("flite", flite_voices, flite, 20),
    "festival": Engine("festival", festival_voices, festival, 20),
    "pico": Engine("pico2wave", lambda: ["en-US", "en-GB"], pico, 20),
}


def prepare(audio, rate, tract):
    """audio [samples] as float32 [samples] at 16 kHz, peak 0.9, by a vocal tract `tract` times shorter, without the silence around it."""
    audio = soxr.resample(audio, rate * tract, RATE)
    loud = np.flatnonzero(np.abs(audio) > SILENCE * np.abs(audio).max())
    audio = audio[loud[0] : loud[-1] + 1]
    return 0.9 * audio / np.abs(audio).max()


def speak(engine, voice, word, chance, path):
    """Write one take as `prepare` makes it; returns False where it is longer than a second or the synthesiser says nothing."""
    tract = chance.uniform(*TRACT)
    speed, pitch = chance.uniform(0.7, 1.3) / tract, chance.random()
    with tempfile.TemporaryDirectory() as folder:
        raw = f"{folder}/raw.wav"
        subprocess.run(engine.command(voice, word.lower(), speed, pitch, raw), check=True, capture_output=True)
        audio, rate = soundfile.read(raw, dtype="float32")
    if not np.any(audio):
        return False
    audio = prepare(audio, rate, tract)
    if len(audio) > RATE:
        return False
    soundfile.write(path, audio, RATE, subtype="PCM_16")
    return True


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out", type=pathlib.Path, help="folder for train/")
    p.add_argument("--takes", type=int, help="of each digit by each voice (default: 1 of espeak-ng's, 20 of the others')")
    p.add_argument("--seed", type=int, default=0)
    options = p.parse_args()
    folder = options.out / "train"
    folder.mkdir(parents=True, exist_ok=True)

    def make(job):
        name, voice, word, take = job
        path = folder / f"{word}_{name}-{re.sub('[^a-zA-Z0-9]+', '-', voice)}_{take}.wav"
        return speak(ENGINES[name], voice, word, random.Random(f"{options.seed} {job}"), path)

    for name, engine in ENGINES.items():
        if not shutil.which(engine.program):
            print(f"{engine.program} is not installed: no clips by it", file=sys.stderr)
            continue
        voices = engine.voices()
        jobs = [(name, voice, word, take) for voice in voices for word in WORDS for take in range(options.takes or engine.takes)]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            made = sum(pool.map(make, jobs))
        print(f"{engine.program}: {made} clips of {len(voices)} voices in {folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
