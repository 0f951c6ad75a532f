"""`tf-wavegan-inv invert`: audio -> z."""

import collections
import dataclasses
import pathlib
import sys

from tf_wavegan_inv.commands.clips import clip_number, gather, output_names, shard
from tf_wavegan_inv.commands.common import (
    above_zero,
    add_generator_arguments,
    add_model_arguments,
    clips_in_words,
    make_folder,
    positive,
    report_skipped,
    seed,
)
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

OUT = pathlib.Path("inversions")
CUT = "was inverted"  # ends the note of a clip of which not all was


def add_arguments(p):
    p.add_argument(
        "audio",
        metavar="AUDIO_OR_FOLDER",
        type=pathlib.Path,
        nargs="*",
        help="audio files, or folders of them, with their subfolders (default: the bundled test clips)",
    )
    p.add_argument(
        "--method",
        choices=("inverter", "gradient", "hybrid"),
        default="hybrid",
        help="inverter: its prediction; gradient: L-BFGS from random z; hybrid: L-BFGS from the prediction",
    )
    add_model_arguments(p, "wavegan", "inverter", "classifier")
    add_generator_arguments(p)
    p.add_argument("--recipe", help="whose objective to minimise: a name as for train_keras.py, or a .toml file (default: the inverter's)")
    p.add_argument("--max-iterations", type=positive, help="of L-BFGS (default: the recipe's)")
    p.add_argument(
        "--time-limit", metavar="SECONDS", type=above_zero, help="a clip, on average of its batch; what was found until then counts"
    )
    p.add_argument(
        "--trajectory",
        action="store_true",
        help="also write <name>.trajectory.npz: iterations, objective and z on the way (none for clips whose z was exact)",
    )
    p.add_argument(
        "--pivot",
        metavar="STEPS",
        type=positive,
        help="then tune a copy of the WaveGAN to each clip by so many steps (200 is a good number), which comes much nearer: "
        "<name>.pivot.wav and the checkpoint <name>.pivot/",
    )
    p.add_argument(
        "--self-check",
        metavar="COUNT",
        type=positive,
        nargs="?",
        const=16,
        help="no audio: invert COUNT clips (16) that the WaveGAN makes of known z, and say how well z is recovered",
    )
    p.add_argument("--batch-size", type=positive, default=32, help="clips optimised together")
    p.add_argument("--seed", type=seed, default=0, help="of the random starts of gradient")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=OUT,
        help="folder for <name>.z.npy, <name>.wav, inversions.csv, run.json; the same call goes on where one was stopped",
    )
    p.add_argument(
        "--shard",
        metavar="I/N",
        type=shard,
        help="the I-th of N parts of the clips alone (by their names), for N processes or machines that share --out: "
        "inversions-I-of-N.csv, run-I-of-N.json",
    )


def run(options):
    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.inspect import inspect_clips
    from tf_wavegan_inv.commands.record import make_record
    from tf_wavegan_inv.commands.resume import done_before
    from tf_wavegan_inv.commands.table import Table
    from tf_wavegan_inv.files import stamp, write_json
    from tf_wavegan_inv.inversion.invert import batch_progress

    if options.pivot and options.generator:
        raise UserError("--pivot tunes a WaveGAN: give --wavegan instead of --generator.")
    if options.self_check:
        return _self_check(options)
    clips = everything = gather(options.audio or [defaults.DATA / "test"], options.out)
    names = output_names(clips)
    suffix = ""
    if options.shard:
        part, parts = options.shard
        clips, suffix = [clip for clip in clips if clip_number(clip) % parts == part - 1], f"-{part}-of-{parts}"
    models = _load(options)
    record = make_record(options, **models.files) | {"inversion": dataclasses.asdict(models.config)}
    tally = Tally()
    table = Table(options.out / f"inversions{suffix}.csv", tally)
    done = done_before(table, options.out / f"run{suffix}.json", record, everything, names)
    left = [clip for clip in clips if f"{names[clip.path]}.z.npy" not in done]
    if len(left) < len(clips):
        print(f"{len(clips) - len(left)} of {len(clips)} clips were inverted before by such a call: {len(left)} are left.")
    stamps = {clip.path: stamp(clip.path) for clip in left}  # before they are read: what changes from now on is inverted again
    recordings, skipped = inspect_clips(left, Progress("checking clips"))
    report_skipped(skipped)
    if clips and not recordings and not done:
        raise UserError(f"None of the {len(clips)} files can be inverted; the reasons are above.")
    make_folder(options.out)
    table.begin(done)
    write_json(options.out / f"run{suffix}.json", record)
    table.append(_skipped_row(s, options.method) for s in skipped)
    progress = Progress(f"inverting by {options.method}", "batch" if options.method == "inverter" else "iteration")
    firsts = range(0, len(recordings), options.batch_size)
    for i, (batch, audio, gone) in enumerate(_decoded(recordings, models, options.batch_size)):
        report_skipped(gone)
        table.append(_skipped_row(s, options.method) for s in gone)
        table.append(_invert_batch(models, batch, audio, names, stamps, options, batch_progress(progress, i, len(firsts))))
    _report(tally, models, options, table.path, empty=not clips)


def _decoded(recordings, models, batch_size):
    """Batches of recordings, read ahead: list of `Recording`, float32 [batch, samples, channels], list of `Skipped`.

    Skipped is what could be read when it was checked and cannot be any more.
    """
    import numpy as np
    import tensorflow as tf

    from tf_wavegan_inv.audio.dataset import conditioned
    from tf_wavegan_inv.audio.inspect import inspect_clips

    def audio_of(some):
        return conditioned(some, models.audio, *models.shape)

    ahead = None
    for first in range(0, len(recordings), batch_size):
        batch, gone = recordings[first : first + batch_size], []
        ahead = ahead or audio_of(recordings[first:]).batch(batch_size).prefetch(1).as_numpy_iterator()
        try:
            audio = next(ahead)
        except tf.errors.OpError as error:
            batch, gone, ahead = *inspect_clips([r.clip for r in batch]), None
            if not gone:
                raise UserError(
                    f"{batch[0].clip.path}, or one of the {len(batch) - 1} files after it: {str(error).splitlines()[0]}"
                ) from None
            audio = np.array([*audio_of(batch).as_numpy_iterator()], np.float32).reshape(-1, *models.shape)
        yield batch, audio, gone


class Tally(collections.Counter):
    """Counts of the rows of a table: inverted, skipped, cut (longer than the generator's clips), far (from all that it makes)."""

    def __call__(self, row):
        from tf_wavegan_inv.config import ExactConfig

        skipped = row["status"] == "skipped"
        self["skipped" if skipped else "inverted"] += 1
        self["cut"] += row["note"].endswith(CUT)
        self["far"] += not skipped and float(row["distance"] or 0) > ExactConfig.out_of_range


def _report(tally, models, options, path, empty):
    if not tally["inverted"] and not empty:
        raise UserError("No clip could be inverted; the reasons are above.")
    if tally["cut"]:
        longer = f"{clips_in_words(tally['cut'])} longer than the generator's {models.shape[0]} samples"
        print(f"{longer}: only the start was inverted (see {path.name}).", file=sys.stderr)
    complete = not (options.max_iterations or options.time_limit or options.generator)  # else the search may have been too short to say
    if tally["far"] and complete:
        print(f"{clips_in_words(tally['far'])} far from what this WaveGAN makes: reconstructions imitate, no z has the waveform.")
    print(f"{clips_in_words(tally['inverted'])} inverted, {tally['skipped']} skipped: {path}")


def _self_check(options):
    from tf_wavegan_inv.evaluation.self_check import report, self_check

    given = [name for name in ("audio", "time_limit", "trajectory", "pivot", "shard") if getattr(options, name)]
    given += ["out"] * (options.out != OUT)
    if given:
        raise UserError(f"--self-check makes its own clips and writes nothing: leave out {', '.join(given).replace('_', ' ')}.")
    inversion = _load(options).inversion
    progress = Progress(f"inverting clips of known z by {options.method}", "iteration")
    found = self_check(
        inversion.generator, inversion, options.self_check, options.seed, options.batch_size, options.max_iterations, progress
    )
    print(f"\n{report(found, options.self_check)}")


def _load(options):
    from tf_wavegan_inv.inversion.load import load_models

    names = ("method", "wavegan", "inverter", "classifier", "recipe", "slice_len", "generator", "latent_dim", "latent_range")
    return load_models(**{name: getattr(options, name) for name in names})


def _skipped_row(skipped, method):
    return {"path": skipped.clip.name, "method": method, "status": "skipped", "note": skipped.reason}


def _invert_batch(models, recordings, audio, names, stamps, options, progress):
    """Invert one batch, write its files, return its rows."""
    from tf_wavegan_inv.audio.inspect import Skipped
    from tf_wavegan_inv.audio.write import write_wav
    from tf_wavegan_inv.evaluation.columns import columns_of
    from tf_wavegan_inv.files import write_npy
    from tf_wavegan_inv.inversion.invert import fault_of

    faults = [fault_of(clip, models.seconds) for clip in audio]
    unfit = [Skipped(r.clip, f"{r.clip.path}: {fault}") for r, fault in zip(recordings, faults, strict=True) if fault]
    report_skipped(unfit)
    rows = [_skipped_row(s, options.method) for s in unfit]
    recordings = [r for r, fault in zip(recordings, faults, strict=True) if not fault]
    audio = audio[[not fault for fault in faults]]
    if not recordings:
        return rows
    limit = options.time_limit and options.time_limit * len(audio)
    numbers = [clip_number(r.clip) for r in recordings]
    result = models.inversion(
        audio,
        max_iterations=options.max_iterations,
        seconds=limit,
        seed=options.seed,
        numbers=numbers,
        progress=progress,
        trajectory=options.trajectory,
    )
    columns = columns_of(result, audio, models.sample_rate, models.judge)
    for i, recording in enumerate(recordings):
        name = names[recording.clip.path]
        write_npy(options.out / f"{name}.z.npy", models.to_latent(result.z[i]))
        write_wav(options.out / f"{name}.wav", result.audio[i], models.sample_rate)
        if options.trajectory and result.trajectory[i]:
            _write_trajectory(options.out / f"{name}.trajectory.npz", models, *result.trajectory[i])
        pivot = _tune(models, options, name, result.z[i], audio[i] / result.gain[i]) if options.pivot else {}
        rows.append(
            {"path": recording.clip.name, "method": options.method}
            | {column: values[i] for column, values in columns.items()}
            | pivot
            | {"z": f"{name}.z.npy", "reconstruction": f"{name}.wav", "note": _note(recording, models)}
            | {"recording": str(recording.clip.path.resolve()), "stamp": stamps[recording.clip.path]}
        )
    return rows


def _write_trajectory(path, models, iterations, objective, z):
    import numpy as np

    from tf_wavegan_inv.files import replacing

    with replacing(path) as partial, open(partial, "wb") as file:
        np.savez(file, iterations=iterations, objective=objective, z=models.to_latent(z))


def _tune(models, options, name, z, audio):
    """Tune the WaveGAN to one clip, write what comes out: columns for its row."""
    from tf_wavegan_inv.audio.write import write_wav
    from tf_wavegan_inv.evaluation.clips import measure
    from tf_wavegan_inv.inversion.pivot import pivotal_tuning
    from tf_wavegan_inv.names import column
    from tf_wavegan_inv.wavegan.checkpoint import save_wavegan_checkpoint

    progress = Progress(f"tuning to {name}", "step", below=True)
    pivot = pivotal_tuning(models.generator, audio, z=z, steps=options.pivot, progress=progress)
    write_wav(options.out / f"{name}.pivot.wav", pivot.audio, models.sample_rate)
    save_wavegan_checkpoint(pivot.generator, options.out / f"{name}.pivot" / "model.ckpt")
    distances = {column(metric): values[0] for metric, values in measure(audio[None], pivot.audio[None]).items()}
    return {f"pivot_{k}": distances[k] for k in ("relative_mse", "log_spectral_distance")}


def _note(recording, models):
    seconds = models.seconds
    if recording.seconds > seconds + 1e-3:
        return f"{recording.seconds:.2f} s long, only the first {seconds:.2f} s {CUT}"
    if recording.rate < models.sample_rate:
        return f"recorded at {recording.rate} Hz, nothing above {recording.rate // 2} Hz"
    return ""
