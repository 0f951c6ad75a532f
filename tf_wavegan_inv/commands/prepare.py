"""`tf-wavegan-inv prepare`: a data set folder -> TFRecord shards."""

import argparse
import pathlib

from tf_wavegan_inv.commands.common import make_folder, positive
from tf_wavegan_inv.progress import Progress


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument("data", metavar="FOLDER", type=pathlib.Path, nargs="+", help="folders of clips: SC09, Speech Commands, or any audio")
    p.add_argument(
        "--rate", metavar="HZ", type=positive, default=16000, help="sample rate of the shards; equal to audio.sample_rate of the recipe"
    )
    p.add_argument("--shard-clips", type=positive, default=1024, help="number of clips in a shard")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("shards"),
        help="folder for the shards, shards.json and skipped.csv, for train_keras.py --data; the same command resumes after an "
        "interruption",
    )


def run(options: argparse.Namespace) -> None:
    from tf_wavegan_inv.audio.folders import find_clips
    from tf_wavegan_inv.audio.shards import write_shards

    clips = find_clips(*options.data)
    make_folder(options.out)
    progress = Progress("writing shards")
    index = write_shards(clips, options.out, rate=options.rate, shard_clips=options.shard_clips, progress=progress)
    counts = ", ".join(f"{count} {split}" for split, count in index["clips"].items())
    print(f"{counts}; {index['skipped']} skipped (skipped.csv): {options.out}")
