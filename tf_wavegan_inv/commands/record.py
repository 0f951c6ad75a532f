"""run.json: what a result was made with."""

import sys

import tf_wavegan_inv
from tf_wavegan_inv.files import checksum, write_json
from tf_wavegan_inv.versions import versions


def make_record(options, program="tf-wavegan-inv", **models):
    """What a result was made with, as JSON can hold it.

    Args:
        options: the command's parsed arguments.
        program: its name.
        models: name = file or checkpoint prefix, or None; their checksums are recorded.
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


def write_record(folder, options, **models):
    """Write `folder`/run.json, see `make_record`."""
    write_json(folder / "run.json", make_record(options, **models))
