"""`tf-wavegan-inv request`: audio -> z, by a server."""

import collections
import io
import pathlib
import time

from tf_wavegan_inv.commands.common import above_zero, clips_in_words, make_folder, positive, report_skipped
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress


def add_arguments(p):
    p.add_argument(
        "audio",
        metavar="AUDIO_OR_FOLDER",
        type=pathlib.Path,
        nargs="*",
        help="audio files, or folders of them, with their subfolders (default: the bundled test clips)",
    )
    p.add_argument("--server", default="localhost:8500", help="host:port for gRPC; http://host:port for REST (port 8501, usually)")
    p.add_argument("--name", default="wavegan_inversion", help="of the model")
    p.add_argument("--steps", type=int, default=0, help="of L-BFGS from the inverter's z, on the server; 0 for the inverter alone")
    p.add_argument("--batch-size", type=positive, default=8, help="clips a request")
    p.add_argument("--deadline", metavar="SECONDS", type=above_zero, default=60.0, help="a request may take, with its retries")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("inversions"),
        help="folder for <name>.z.npy, <name>.wav, inversions.csv",
    )


def run(options):
    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.inspect import inspect_clips
    from tf_wavegan_inv.commands.clips import gather, output_names
    from tf_wavegan_inv.commands.resume import check_free
    from tf_wavegan_inv.commands.table import Table
    from tf_wavegan_inv.files import write_json
    from tf_wavegan_inv.serving.client import Client
    from tf_wavegan_inv.serving.signatures import MAX_STEPS

    if not 0 <= options.steps <= MAX_STEPS:
        raise UserError(f"--steps must be in 0..{MAX_STEPS}, received {options.steps}.")
    record = {"arguments": {k: v for k, v in vars(options).items() if not callable(v)}}
    check_free(options.out, record)
    recordings, skipped = inspect_clips(gather(options.audio or [defaults.DATA / "test"], options.out), Progress("checking clips"))
    report_skipped(skipped)
    if not recordings:
        raise UserError("None of the files can be inverted; the reasons are above.")
    make_folder(options.out)
    client = Client(options.server, options.name, options.deadline)
    method = "hybrid" if options.steps else "inverter"
    tally = collections.Counter()
    table = Table(options.out / "inversions.csv", lambda row: tally.update(["skipped" if row["status"] == "skipped" else "inverted"]))
    before = {row["z"] for row in table.rows() if row["z"] and (options.out / row["z"]).exists()}
    outputs, progress = output_names([r.clip for r in recordings]), Progress(f"asking {options.server}")
    before -= {f"{name}.z.npy" for name in outputs.values()}
    for first in range(0, len(recordings), options.batch_size):
        batch = recordings[first : first + options.batch_size]
        rows = _ask(client, batch, outputs, method, options)
        if not first:  # the server is there: what was found before may go
            write_json(options.out / "run.json", record)
            table.begin(before)
            table.append({"path": s.clip.name, "method": method, "status": "skipped", "note": s.reason} for s in skipped)
        table.append(rows)
        progress(first + len(batch), len(recordings))
    if not tally["inverted"]:
        raise UserError("No clip could be inverted; the reasons are above.")
    print(f"{clips_in_words(tally['inverted'])} inverted, {tally['skipped']} skipped: {table.path}")


def _ask(client, recordings, outputs, method, options):
    """Invert one batch, write its files, return its rows. Where a batch is refused, each of its clips is asked for alone."""
    import numpy as np

    from tf_wavegan_inv.audio.inspect import Skipped
    from tf_wavegan_inv.files import replacing, write_npy
    from tf_wavegan_inv.serving.client import UnreachableError

    wavs = np.array([_wav(r.clip.path) for r in recordings], object)
    more = {"steps": np.full(len(wavs), options.steps, np.int32)} if options.steps else {}
    began = time.monotonic()
    try:
        found = client("refine_wav" if options.steps else "reconstruct_wav", wav_bytes=wavs, **more)
    except UnreachableError:
        raise
    except UserError as error:
        if len(recordings) == 1:
            report_skipped([Skipped(recordings[0].clip, f"{recordings[0].clip.path}: {error}")])
            return [{"path": recordings[0].clip.name, "method": method, "status": "skipped", "note": str(error)}]
        return [row for r in recordings for row in _ask(client, [r], outputs, method, options)]
    seconds, rows = (time.monotonic() - began) / len(recordings), []
    for i, recording in enumerate(recordings):
        name = outputs[recording.clip.path]
        write_npy(options.out / f"{name}.z.npy", np.asarray(found["z"][i], np.float32))
        with replacing(options.out / f"{name}.wav") as partial:
            partial.write_bytes(found["wav_bytes"][i])
        rows.append(
            {
                "path": recording.clip.name,
                "method": method,
                "status": _status(found["iterations"][i], options.steps) if options.steps else "predicted",
                "objective": found["objective"][i] if options.steps else "",
                "iterations": found["iterations"][i] if options.steps else 0,
                "seconds": seconds,
                "z": f"{name}.z.npy",
                "reconstruction": f"{name}.wav",
            }
        )
    return rows


def _status(iterations, steps):
    return "max_iterations" if iterations >= steps else "stalled"  # or converged: the server does not say


def _wav(path):
    """A file's first seconds as a 16-bit WAV file in memory, at its own rate."""
    import numpy as np
    import soundfile

    from tf_wavegan_inv.audio.decode import MAX_SECONDS

    with soundfile.SoundFile(path) as file:
        audio, rate = file.read(int(MAX_SECONDS * file.samplerate), dtype="float32", always_2d=True), file.samplerate
    peak = float(np.abs(audio).max(initial=0))  # beyond full scale it is made softer, not cut off
    buffer = io.BytesIO()
    soundfile.write(buffer, audio / max(1.0, peak), rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
