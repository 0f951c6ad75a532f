"""`tf-wavegan-inv prepare`: a data set folder -> TFRecord shards."""

import pathlib

from tf_wavegan_inv.commands.common import make_folder, positive
from tf_wavegan_inv.progress import Progress


def add_arguments(p):
    p.add_argument(
        "data", metavar="FOLDER", type=pathlib.Path, nargs="+", help="folders of clips: SC09, Speech Commands, or any audio, as for --data"
    )
    p.add_argument("--rate", metavar="HZ", type=positive, default=16000, help="to resample to; a recipe's audio.sample_rate")
    p.add_argument("--shard-clips", type=positive, default=1024, help="clips a shard")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("shards"),
        help="folder for the shards, shards.json and skipped.csv; give it to train_keras.py --data. The same call goes on where one was "
        "stopped",
    )


def run(options):
    from tf_wavegan_inv.audio.folders import find_clips
    from tf_wavegan_inv.audio.shards import write_shards

    clips = find_clips(*options.data)
    make_folder(options.out)
    index = write_shards(clips, options.out, options.rate, options.shard_clips, Progress("writing shards"))
    counts = ", ".join(f"{count} {split}" for split, count in index["clips"].items())
    print(f"{counts}; {index['skipped']} skipped (skipped.csv): {options.out}")
