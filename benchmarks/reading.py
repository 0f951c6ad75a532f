"""Speed and memory of reading clips for training, from files and from shards.

  tf-wavegan-inv prepare SC09 --out shards
  python benchmarks/reading.py SC09 shards

Each folder is read in its own process. "start" is the time to check and decode the clips and store them as 16-bit integers. Then shuffled
batches of 64 are read, plain and augmented (0.3). Memory is the process's own (RssAnon), its maximum after the import of TensorFlow.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.measure import table

BATCH, BATCHES = 64, 200


def own_memory():
    """Anonymous memory of this process in GB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e6


def seconds_of(batches):
    """Seconds to read batches."""
    began = time.monotonic()
    for _ in batches:
        pass
    return time.monotonic() - began


def measure(folder, share):
    """Read a share of a folder's training clips; returns a row of the table."""
    import tensorflow as tf

    from tf_wavegan_inv.audio.augment import augment
    from tf_wavegan_inv.audio.dataset import load_arrays, training_batches
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.config import AudioConfig

    before, peak, done = own_memory(), [0.0], threading.Event()

    def watch():
        while not done.wait(0.02):
            peak[0] = max(peak[0], own_memory())

    threading.Thread(target=watch, daemon=True).start()
    began = time.monotonic()
    recordings = read_corpus([folder]).recordings["train"]
    checked = time.monotonic() - began
    clips = load_arrays(recordings[: round(share * len(recordings))], AudioConfig(), 16384)
    start = time.monotonic() - began
    plain = training_batches(clips, BATCH, seed=0)
    augmented = plain.map(
        lambda audio, label, step: augment(audio, tf.stack([0, step]), 0.3), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    rates = [BATCH * BATCHES / seconds_of(batches.take(BATCHES)) for batches in (plain, augmented)]
    done.set()
    return {
        "data": folder,
        "clips": len(clips),
        "check s": checked,
        "start s": start,
        "clips/s": rates[0],
        "augmented": rates[1],
        "memory before GB": before,
        "at most GB": peak[0],
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data", nargs="+", help="folders of clips or of shards")
    p.add_argument("--share", type=float, nargs="+", default=[0.25, 1.0], help="shares of the training clips")
    p.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = p.parse_args()
    if options.one:
        print(json.dumps(measure(options.data[0], options.share[0])))
        return
    rows = []
    for folder in options.data:
        for share in options.share:
            command = [sys.executable, __file__, folder, "--share", str(share), "--one"]
            rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))
    print(table(list(rows[0]), [list(row.values()) for row in rows]))


if __name__ == "__main__":
    main()
