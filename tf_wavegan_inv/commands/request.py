"""`tf-wavegan-inv request`: audio -> z, by a server."""

import argparse
import dataclasses
import pathlib
import time
import typing

from tf_wavegan_inv.commands import recordings as reading
from tf_wavegan_inv.commands.common import above_zero, add_audio_argument, positive
from tf_wavegan_inv.commands.results import Results
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

if typing.TYPE_CHECKING:
    from tf_wavegan_inv.audio.folders import Clip


def add_arguments(p: argparse.ArgumentParser) -> None:
    add_audio_argument(p)
    p.add_argument("--server", default="localhost:8500", help="host:port for gRPC; http://host:port for REST (usually port 8501)")
    p.add_argument("--name", default="wavegan_inversion", help="name of the served model")
    p.add_argument("--steps", type=int, default=0, help="L-BFGS steps from the prediction, on the server; 0: the prediction alone")
    p.add_argument("--batch-size", type=positive, default=8, help="number of clips in a request")
    p.add_argument("--deadline", metavar="SECONDS", type=above_zero, default=60.0, help="time limit for a request, including retries")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("inversions"),
        help="folder for <name>.z.npy, <name>.wav, inversions.csv, run.json",
    )


def run(options: argparse.Namespace) -> None:
    from tf_wavegan_inv.commands.resume import check_free, of_other_clips
    from tf_wavegan_inv.serving.client import Client
    from tf_wavegan_inv.serving.signatures import MAX_STEPS

    if not 0 <= options.steps <= MAX_STEPS:
        raise UserError(f"--steps must be in 0..{MAX_STEPS}, received {options.steps}.")
    record = {"arguments": {k: v for k, v in vars(options).items() if not callable(v)}}
    check_free(options.out, record)
    recordings, skipped = reading.check(reading.gather(options.audio, options.out))
    if not recordings:
        raise UserError("None of the files can be inverted; the reasons are above.")
    names = reading.output_names([r.clip for r in recordings])
    results = Results(options.out, method="hybrid" if options.steps else "inverter", names=names)
    client = Client(options.server, model=options.name, deadline=options.deadline)
    progress = Progress(f"requests to {options.server}")
    for first in range(0, len(recordings), options.batch_size):
        batch = recordings[first : first + options.batch_size]
        answers = _request(client, batch, options.steps)
        if not first:  # the server is available: earlier results of these clips may go
            results.begin(record, keep=of_other_clips(results))
            results.skip(skipped, report=False)
        for answer in answers:
            _write(results, answer, options.steps)
        progress(first + len(batch), len(recordings))
    results.report()


@dataclasses.dataclass(frozen=True)
class _Answer:
    """The server's answer for one clip.

    Attributes:
        clip: Clip.
        outputs: dict of output name to value; empty if the server refused the clip.
        seconds: float. The clip's share of the duration of its request.
        refusal: str. The server's reason, "" if it did not refuse.
    """

    clip: "Clip"
    outputs: dict
    seconds: float
    refusal: str = ""


def _request(client, recordings, steps):
    """The answers for one batch. If the server refuses the batch, each clip is requested alone."""
    import numpy as np

    from tf_wavegan_inv.serving.client import UnreachableError

    inputs = {"wav_bytes": np.array([reading.wav_bytes(r.clip.path) for r in recordings], object)}
    if steps:
        inputs["steps"] = np.full(len(recordings), steps, np.int32)
    began = time.monotonic()
    try:
        outputs = client("refine_wav" if steps else "reconstruct_wav", **inputs)
    except UnreachableError:
        raise
    except UserError as error:
        if len(recordings) == 1:
            return [_Answer(recordings[0].clip, {}, 0.0, str(error))]
        return [answer for r in recordings for answer in _request(client, [r], steps)]
    seconds = (time.monotonic() - began) / len(recordings)
    each = [{name: values[i] for name, values in outputs.items()} for i in range(len(recordings))]
    return [_Answer(r.clip, own, seconds) for r, own in zip(recordings, each, strict=True)]


def _write(results, answer, steps):
    """Write the files and the row of one clip."""
    import numpy as np

    from tf_wavegan_inv.audio.inspect import Skipped

    if answer.refusal:
        results.skip([Skipped(answer.clip, f"{answer.clip.path}: {answer.refusal}")])
        return
    columns = {"status": "predicted", "iterations": 0, "seconds": answer.seconds}
    if steps:
        iterations = answer.outputs["iterations"]
        status = "max_iterations" if iterations >= steps else "stalled"  # or converged: the server does not report it
        columns |= {"status": status, "objective": answer.outputs["objective"], "iterations": iterations}
    z = np.asarray(answer.outputs["z"], np.float32)
    results.write(answer.clip, z=z, audio=answer.outputs["wav_bytes"], columns=columns)
