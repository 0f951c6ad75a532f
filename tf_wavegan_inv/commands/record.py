"""run.json: how a result was made."""

import pathlib
import sys

import tf_wavegan_inv
from tf_wavegan_inv.files import checksum, write_json
from tf_wavegan_inv.versions import versions


def make_record(options, *, program: str = "tf-wavegan-inv", **models) -> dict:
    """How a result is made, in types that JSON can hold.

    Args:
        options: argparse.Namespace. The command's arguments.
        program: str. Name of the command. Default "tf-wavegan-inv".
        **models: Kind of model = its file or checkpoint prefix, or None. Their checksums are recorded.
    """
    from tf_wavegan_inv.wavegan.sources import find_checkpoint

    files = {kind: find_checkpoint(path) if kind == "wavegan" else path for kind, path in models.items() if path}
    return {
        "command": [program, *sys.argv[1:]],
        "arguments": {key: value for key, value in vars(options).items() if not callable(value)},
        "seed": options.seed,
        "models": {kind: {"path": str(path), "sha256": checksum(path)} for kind, path in files.items()},
        "versions": {"tf-wavegan-inv": tf_wavegan_inv.__version__} | versions(),
    }


def write_record(folder: pathlib.Path, options, **models) -> None:
    """Write `folder`/run.json, see `make_record`."""
    write_json(folder / "run.json", make_record(options, **models))


def identity(record: dict, inversion: dict, *, without: tuple[str, ...] = ()) -> list:
    """What inversions depend on besides the clips: checksums of models, options, version.

    Args:
        record: dict. Result of `make_record`.
        inversion: dict. Options of the objective.
        without: tuple of str. Kinds of models that do not take part in inversion. Default none.
    """
    checksums = {kind: model["sha256"] for kind, model in record["models"].items() if kind not in without}
    return [checksums, inversion, record["versions"]["tf-wavegan-inv"]]
