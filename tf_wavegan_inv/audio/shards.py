"""Data sets as TFRecord shards: written once, read by training without decoding.

A folder of shards holds, for each split, `<split>-00000-of-00024.tfrecord` (`audio.examples`), and beside each a .json that tells its clips
and is written after it; shards.json, which is there once all of them are; and skipped.csv.
"""

import concurrent.futures
import csv
import hashlib
import json
import pathlib
import re

import tensorflow as tf

from tf_wavegan_inv.audio.dataset import conditioned
from tf_wavegan_inv.audio.decode import SHARD
from tf_wavegan_inv.audio.examples import pcm_of, to_example
from tf_wavegan_inv.audio.folders import SPLITS, Clip
from tf_wavegan_inv.audio.inspect import Recording, inspect_clips
from tf_wavegan_inv.config import AudioConfig
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import ENCODING, replacing, stamp, write_json

INDEX = "shards.json"
FORMAT = 2  # version of a shard's description; older ones are rewritten
NAME = re.compile(rf"({'|'.join(SPLITS)})-\d{{5}}-of-\d{{5}}\.(tfrecord|json)")
RECORD_HEAD = 12  # bytes of a TFRecord before its data: length and checksum; 4 more come after it


def write_shards(clips, folder, *, rate=16000, shard_clips=1024, progress=None):
    """Write clips as shards, those that are not there already.

    Args:
        clips: list of `Clip`, sorted.
        folder: where to.
        rate: Hz that they are resampled to. Channels are averaged, levels stay, and at most the first 30 seconds are kept.
        shard_clips: clips a shard.
        progress: called with (clips done, clips).

    Returns:
        dict: what shards.json holds.

    Raises:
        UserError: if none of the clips can be used, or a shard cannot be written.
    """
    folder, config = pathlib.Path(folder), AudioConfig(rate, peak_normalise=False)
    (folder / INDEX).unlink(missing_ok=True)
    plans = []
    for split in SPLITS:
        members = [clip for clip in clips if clip.split == split]
        parts = [members[i : i + shard_clips] for i in range(0, len(members), shard_clips)]
        plans += [(f"{split}-{i:05}-of-{len(parts):05}", part) for i, part in enumerate(parts)]
    done, shards = 0, []
    for name, part in plans:
        shards.append(_existing(folder / name, part, rate) or _write_shard(folder / name, part, config))
        done += len(part)
        if progress:
            progress(done, len(clips))
    skipped = [row for shard in shards for row in shard["skipped"]]
    if len(skipped) == len(clips):
        raise UserError(f"None of the {len(clips)} files can be used. The first: {skipped[0][1]}")
    with replacing(folder / "skipped.csv") as partial, open(partial, "w", newline="", **ENCODING) as file:
        csv.writer(file).writerows([("file", "reason"), *skipped])
    kept = {shard["name"] for shard in shards}
    for path in _shard_files(folder):  # of an earlier call with other clips
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


def is_sharded(folder):
    """Whether a folder holds shards, be they complete or not."""
    return (pathlib.Path(folder) / INDEX).exists() or next(_shard_files(pathlib.Path(folder)), None) is not None


def read_shards(folder):
    """The recordings of a folder of shards: list of `Recording`, which `conditioned` reads.

    Raises:
        UserError: if a shard is missing, or its checksum is not that of when it was written.
    """
    folder = pathlib.Path(folder)
    try:
        index = json.loads((folder / INDEX).read_text())
        names = list(index["shards"])
        with concurrent.futures.ThreadPoolExecutor() as pool:
            digests = pool.map(_digest, [folder / f"{name}.tfrecord" for name in names])
            changed = [n for n, digest in zip(names, digests, strict=True) if digest != index["shards"][n]["sha256"]]
        if changed:
            raise ValueError(f"{len(changed)} are not as they were written, {changed[0]}.tfrecord is one")
        return [recording for name in names for recording in _recordings(folder / name, index["rate"])]
    except FileNotFoundError as error:
        raise UserError(
            f"The shards in {folder} are not complete ({error.filename} is missing): run tf-wavegan-inv prepare again."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"The shards in {folder} are damaged ({error}): run tf-wavegan-inv prepare again.") from None


def _shard_files(folder):
    return (path for path in folder.glob("*-of-*") if NAME.fullmatch(path.name))


def _digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _recordings(path, rate):
    data = path.with_name(f"{path.name}.tfrecord")
    for clip in json.loads(path.with_name(f"{path.name}.json").read_text())["clips"]:
        samples = clip["bytes"] // 2
        yield Recording(
            Clip(pathlib.Path(clip["file"]), clip["name"], clip["label"], clip["speaker"], clip["split"]),
            SHARD,
            rate,
            samples / rate,
            1,
            f"{data}#{clip['offset']},{clip['bytes']},{clip['scale']}",
        )


def _plan(clips, rate):
    """What a shard is made of, as a digest: names, labels, splits, sizes and times of change."""
    rows = [[clip.name, clip.label, clip.speaker, clip.split, stamp(clip.path)] for clip in clips]
    return hashlib.sha256(json.dumps([FORMAT, rate, rows]).encode()).hexdigest()


def _existing(path, clips, rate):
    """What is known of a shard that is there whole, of just these clips; else None."""
    try:
        known = json.loads(path.with_name(f"{path.name}.json").read_text())
        planned = known["plan"] == _plan(clips, rate)
        return known if planned and _digest(path.with_name(f"{path.name}.tfrecord")) == known["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_shard(path, clips, config):
    plan = _plan(clips, config.sample_rate)
    recordings, skipped = inspect_clips(clips)
    try:
        with replacing(path.with_name(f"{path.name}.tfrecord")) as partial:
            entries = _write_records(partial, recordings, config)
            size, digest = partial.stat().st_size, _digest(partial)
    except tf.errors.OpError as error:
        raise UserError(f"{path}.tfrecord cannot be written ({str(error).splitlines()[0]}): the same command resumes here.") from None
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


def _write_records(path, recordings, config):
    """Write recordings as records; returns what is told of each."""
    entries, offset = [], 0
    audios = conditioned(recordings, config, None).prefetch(8).as_numpy_iterator()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for clip, audio in zip((r.clip for r in recordings), audios, strict=True):
            example = to_example(clip.name, audio, rate=config.sample_rate, label=clip.label, speaker=clip.speaker, split=clip.split)
            pcm, scale = pcm_of(clip.name, audio)
            writer.write(example)
            entries.append(
                {
                    **{name: getattr(clip, name) for name in ("name", "label", "speaker", "split")},
                    "file": str(clip.path),
                    "offset": offset + RECORD_HEAD + example.index(pcm),
                    "bytes": len(pcm),
                    "scale": scale,
                }
            )
            offset += RECORD_HEAD + len(example) + 4
    return entries
