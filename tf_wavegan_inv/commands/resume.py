"""Resuming `invert` and `request`: which results of an earlier call of the same arguments and models remain."""

import dataclasses
import json
import pathlib

from tf_wavegan_inv.commands.results import Results
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import stamp
from tf_wavegan_inv.recipe import recipe_from_dict

# The arguments that decide a clip's result, besides the models. Calls of equal values resume each other.
DECISIVE = ("method", "max_iterations", "time_limit", "trajectory", "pivot", "seed", "slice_len", "latent_dim", "latent_range")
SAME_RESULTS = ("0.1.0", "0.2.0.dev0")  # versions that find the same z


def finished(results: Results, record: dict, *, clips: list) -> set[str]:
    """The column `z` of all rows that remain: a call of equal arguments and models need not invert their clips again.

    A row remains if an equal call wrote it, the recording is unchanged, and its results exist. Rows of recordings
    that are no input of this call remain as well.

    Args:
        results: Results. Those of this call.
        record: dict. The record of this call.
        clips: list of Clip. Clips of this call and of its other shards.

    Raises:
        UserError: if the folder holds the results of another call, or of this call in another number of shards.
    """
    path, folder = results.record, results.folder
    check_free(folder, record)
    for other in folder.glob("run*.json"):
        if _parts(other) != _parts(path) and _decisive(_read(other)):
            raise UserError(f"{folder} holds other shards, see {other}: use the same number of shards, or another --out.")
    if _decisive(_read(path)) != _decisive(record):
        return set()
    claimed = {f"{results.names[clip.path]}.z.npy": str(clip.path.resolve()) for clip in clips}
    rows = (row for row in results.table.rows() if row["z"])
    return {row["z"] for row in rows if _remains(row, folder, claimed, record["arguments"])}


def of_other_clips(results: Results) -> set[str]:
    """The column `z` of all rows with results whose recordings are no input of this call."""
    ours = {f"{name}.z.npy" for name in results.names.values()}
    rows = (row for row in results.table.rows() if row["z"] and row["z"] not in ours)
    return {row["z"] for row in rows if (results.folder / row["z"]).exists()}


def check_free(folder: pathlib.Path, record: dict) -> None:
    """Raise UserError if a folder holds the results of a call of `invert` or `request` that differs from `record`."""
    for other in folder.glob("run*.json"):
        if _decisive(_read(other)) not in (None, _decisive(record)):
            raise UserError(f"{folder} holds the results of another call, see {other}: give another --out.")


def _remains(row, folder, claimed, arguments):
    files = [row["z"], row["reconstruction"]]
    name = row["z"].removesuffix(".z.npy")
    if arguments["pivot"]:
        files.append(f"{name}.pivot.wav")
    if arguments["trajectory"] and row["evaluations"] != "0":  # an exact or predicted z has no trajectory
        files.append(f"{name}.trajectory.npz")
    try:
        unchanged = stamp(row["recording"]) == row["stamp"]
    except FileNotFoundError:  # moved away, so it is no input of this call
        unchanged = True
    except (OSError, ValueError):
        return False
    same = claimed.get(row["z"], row["recording"]) == row["recording"]
    return unchanged and same and all((folder / file).exists() for file in files)


def _parts(path):
    """Number of shards by the name of a record: run.json -> "", run-2-of-8.json -> "8"."""
    return path.stem.partition("-of-")[2]


def _read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _decisive(record):
    """The values of a record that decide results, as text; None if it is no record of `invert` or `request`."""
    try:
        if "server" in record["arguments"]:
            return json.dumps([record["arguments"][name] for name in ("name", "steps")])
        arguments = {name: record["arguments"][name] for name in DECISIVE}
        models = {kind: model["sha256"] for kind, model in record["models"].items()}
        inversion = _as_of_today(record["inversion"])
        version = record["versions"]["tf-wavegan-inv"]
        if version in SAME_RESULTS and inversion.get("line_search") == "weak_wolfe":  # "hager_zhang" is another search since 0.2
            version = SAME_RESULTS[0]
        return json.dumps([arguments, models, inversion, version], sort_keys=True)
    except (KeyError, TypeError, AttributeError):
        return None


def _as_of_today(inversion):
    """Options of [inversion] by this version's names, with all defaults; as they are if this version cannot read them."""
    try:
        return dataclasses.asdict(recipe_from_dict({"inversion": inversion}).inversion)
    except UserError:
        return inversion
