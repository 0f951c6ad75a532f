"""What an earlier call of the same arguments and models has inverted already."""

import json

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import stamp

# What a clip's outcome depends on, beside the models: a call of other values begins anew where one of equal values goes on.
DECIDING = ("method", "max_iterations", "time_limit", "trajectory", "pivot", "seed", "slice_len", "latent_dim", "latent_range")


def done_before(table, path, record, clips, names):
    """Which rows of a table still hold: the set of their columns `z`.

    A row holds where a call of equal arguments and models wrote it, the recording is as it was, and its results are there. Rows about
    clips that this call was not given hold too: nothing that was found is forgotten, be it by another call, which is refused.

    Args:
        table: `Table`.
        path: run.json of this call's kind, in the folder of the results.
        record: what will be written there.
        clips: list of `Clip`, those of this call and of its other shards.
        names: output name by clip path.

    Raises:
        UserError: if the folder holds the results of another call, or of this one in other parts.
    """
    check_free(path.parent, record)
    for other in path.parent.glob("run*.json"):
        if _parts(other) != _parts(path) and _deciding(_read(other)):
            raise UserError(f"{path.parent} was begun in other parts, see {other}: go on in those, or give another --out.")
    if _deciding(_read(path)) != _deciding(record):
        return set()
    claimed = {f"{names[clip.path]}.z.npy": str(clip.path.resolve()) for clip in clips}
    return {row["z"] for row in table.rows() if row["z"] and _holds(row, path.parent, claimed, record["arguments"])}


def check_free(folder, record):
    """Raise UserError if a folder holds the results of another call, of `invert` or `request`, than that of `record`."""
    for other in folder.glob("run*.json"):
        if _deciding(_read(other)) not in (None, _deciding(record)):
            raise UserError(f"{folder} holds what another call found, see {other}: give another --out.")


def _holds(row, folder, claimed, arguments):
    results = [row["z"], row["reconstruction"]]
    name = row["z"].removesuffix(".z.npy")
    if arguments["pivot"]:
        results.append(f"{name}.pivot.wav")
    if arguments["trajectory"] and row["evaluations"] != "0":  # there is none where z was exact, or predicted alone
        results.append(f"{name}.trajectory.npz")
    try:
        as_it_was = stamp(row["recording"]) == row["stamp"]
    except FileNotFoundError:  # moved away since, so this call was not given it
        as_it_was = True
    except (OSError, ValueError):
        return False
    return as_it_was and claimed.get(row["z"], row["recording"]) == row["recording"] and all((folder / r).exists() for r in results)


def _parts(path):
    """Of how many parts run.json, or run-2-of-8.json, tells."""
    return path.stem.partition("-of-")[2]


def _read(path):
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def _deciding(record):
    """What run.json has of the values on which outcomes depend; None where it is of neither `invert` nor `request`."""
    try:
        if "server" in record["arguments"]:
            return json.dumps([record["arguments"][name] for name in ("name", "steps")])
        arguments = {name: record["arguments"][name] for name in DECIDING}
        models = {kind: model["sha256"] for kind, model in record["models"].items()}
        return json.dumps([arguments, models, record["inversion"], record["versions"]["tf-wavegan-inv"]], sort_keys=True)
    except (KeyError, TypeError, AttributeError):
        return None
