"""Data sets as TFRecord shards: written once, read by training without decoding.

A folder of shards holds, for each split, `<split>-00000-of-00024.tfrecord` (`audio.examples`), and beside each a .json that tells its clips
and is written after it; index.json, which is there once all of them are; and skipped.csv.
"""

import csv
import hashlib
import json
import pathlib

import tensorflow as tf

from tf_wavegan_inv.audio.condition import AudioConfig
from tf_wavegan_inv.audio.dataset import conditioned
from tf_wavegan_inv.audio.decode import SHARD
from tf_wavegan_inv.audio.examples import pcm_of, to_example
from tf_wavegan_inv.audio.folders import SPLITS, Clip
from tf_wavegan_inv.audio.inspect import Recording, inspect_clips
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import replacing, stamp, write_json

INDEX = "index.json"
RECORD_HEAD = 12  # bytes of a TFRecord before its data: length and checksum; 4 more come after it


def write_shards(clips, folder, rate=16000, shard_clips=1024, progress=None):
    """Write clips as shards, those that are not there already.

    Args:
        clips: list of `Clip`, sorted.
        folder: where to.
        rate: Hz that they are resampled to. Channels are averaged, levels stay, and at most the first 30 seconds are kept.
        shard_clips: clips a shard.
        progress: called with (clips done, clips).

    Returns:
        dict: what index.json holds.

    Raises:
        UserError: if none of the clips can be used.
    """
    folder = pathlib.Path(folder)
    (folder / INDEX).unlink(missing_ok=True)
    plans = []
    for split in SPLITS:
        members = [clip for clip in clips if clip.split == split]
        parts = [members[i : i + shard_clips] for i in range(0, len(members), shard_clips)]
        plans += [(f"{split}-{i:05}-of-{len(parts):05}", part) for i, part in enumerate(parts)]
    done, shards = 0, []
    for name, part in plans:
        shards.append(_existing(folder / name, part, rate) or _write_shard(folder / name, part, rate))
        done += len(part)
        if progress:
            progress(done, len(clips))
    skipped = [row for shard in shards for row in shard["skipped"]]
    if len(skipped) == len(clips):
        raise UserError(f"None of the {len(clips)} files can be used. The first: {skipped[0][1]}")
    with replacing(folder / "skipped.csv") as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "reason"), *skipped])
    kept = {shard["name"] for shard in shards}
    for path in [*folder.glob("*.tfrecord"), *folder.glob("*-of-*.json")]:  # of an earlier call with other clips
        if path.stem not in kept:
            path.unlink()
    index = {
        "rate": rate,
        "clips": {split: sum(len(s["clips"]) for s in shards if s["name"].startswith(split)) for split in SPLITS},
        "skipped": len(skipped),
        "shards": {shard["name"]: {"bytes": shard["bytes"], "sha256": shard["sha256"]} for shard in shards},
    }
    write_json(folder / INDEX, index)
    return index


def read_shards(folder):
    """The recordings of a folder of shards: list of `Recording`, which `conditioned` reads.

    Raises:
        UserError: if a shard is missing or of another size than it was written.
    """
    folder = pathlib.Path(folder)
    try:
        index = json.loads((folder / INDEX).read_text())
        return [recording for name, shard in index["shards"].items() for recording in _recordings(folder / name, shard, index["rate"])]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The shards in {folder} are damaged ({error}): run tf-wavegan-inv prepare again.") from None


def _recordings(path, shard, rate):
    data = path.with_name(f"{path.name}.tfrecord")
    if data.stat().st_size != shard["bytes"]:
        raise UserError(f"{data} has {data.stat().st_size} bytes, {shard['bytes']} were written: run tf-wavegan-inv prepare again.")
    for clip in json.loads(path.with_name(f"{path.name}.json").read_text())["clips"]:
        samples = clip["bytes"] // 2
        yield Recording(
            Clip(pathlib.Path(clip["file"]), clip["name"], clip["label"], clip["speaker"], clip["split"]),
            SHARD,
            rate,
            samples / rate,
            1,
            f"{data}#{clip['offset']},{clip['bytes']}",
        )


def _plan(clips, rate):
    """What a shard is made of, as a digest: names, labels, splits, sizes and times of change."""
    rows = [[clip.name, clip.label, clip.speaker, clip.split, stamp(clip.path)] for clip in clips]
    return hashlib.sha256(json.dumps([rate, rows]).encode()).hexdigest()


def _existing(path, clips, rate):
    """What is known of a shard that is there whole, of just these clips; else None."""
    try:
        known = json.loads(path.with_name(f"{path.name}.json").read_text())
        whole = path.with_name(f"{path.name}.tfrecord").stat().st_size == known["bytes"]
        return known if whole and known["plan"] == _plan(clips, rate) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_shard(path, clips, rate):
    plan = _plan(clips, rate)
    recordings, skipped = inspect_clips(clips)
    entries, offset = [], 0
    config = AudioConfig(rate, peak_normalise=False)
    with replacing(path.with_name(f"{path.name}.tfrecord")) as partial:
        with tf.io.TFRecordWriter(str(partial)) as writer:
            for recording, audio in zip(recordings, conditioned(recordings, config, None).prefetch(8).as_numpy_iterator(), strict=True):
                clip = recording.clip
                pcm, example = pcm_of(clip.name, audio), to_example(clip.name, audio, rate, clip.label, clip.speaker, clip.split)
                writer.write(example)
                entries.append(
                    {
                        **{name: getattr(clip, name) for name in ("name", "label", "speaker", "split")},
                        "file": str(clip.path),
                        "offset": offset + RECORD_HEAD + example.index(pcm),
                        "bytes": len(pcm),
                    }
                )
                offset += RECORD_HEAD + len(example) + 4
        size, digest = partial.stat().st_size, hashlib.sha256(partial.read_bytes()).hexdigest()
    known = {
        "name": path.name,
        "plan": plan,
        "bytes": size,
        "sha256": digest,
        "skipped": [(s.clip.name, s.reason) for s in skipped],
        "clips": entries,
    }
    write_json(path.with_name(f"{path.name}.json"), known)
    return known
