"""`tf-wavegan-inv invert`: audio -> z."""

import csv
import pathlib
import sys

from tf_wavegan_inv.commands.common import Progress, above_zero, add_model_arguments, make_folder, positive, report_skipped, seed
from tf_wavegan_inv.errors import UserError

COLUMNS = (
    "path",
    "method",
    "status",
    "objective",
    "iterations",
    "evaluations",
    "seconds",
    "gain",
    "distance",
    "mse",
    "relative_mse",
    "snr",
    "si_sdr",
    "log_spectral_distance",
    "multi_resolution_stft",
    "mel_cepstral_distortion",
    "ssim",
    "ssim_real_stft",
    "digit",
    "digit_original",
    "pivot_relative_mse",
    "pivot_log_spectral_distance",
    "z",
    "reconstruction",
    "note",
)


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
    p.add_argument(
        "--generator",
        metavar="PATH",
        type=pathlib.Path,
        help="instead of --wavegan any model z -> audio: a .keras file or a SavedModel's folder",
    )
    p.add_argument("--latent-dim", metavar="N", type=positive, help="of --generator: numbers in its z, where it does not say")
    p.add_argument(
        "--latent-range", metavar=("LOW", "HIGH"), type=float, nargs=2, help="of --generator: what its z lies in (default: -1 1)"
    )
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
        default=pathlib.Path("inversions"),
        help="folder for <name>.z.npy, <name>.wav, inversions.csv, run.json",
    )


def run(options):
    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.inspect import inspect_clips
    from tf_wavegan_inv.commands.record import write_record
    from tf_wavegan_inv.inversion.exact import OUT_OF_RANGE
    from tf_wavegan_inv.inversion.invert import batch_progress

    if options.self_check:
        given = [name for name in ("audio", "time_limit", "trajectory", "pivot") if getattr(options, name)]
        if given:
            raise UserError(f"--self-check makes its own clips and writes nothing: leave out {', '.join(given).replace('_', ' ')}.")
        return _self_check(options)
    clips = gather(options.audio or [defaults.DATA / "test"], options.out)
    recordings, skipped = inspect_clips(clips, Progress("checking clips"))
    report_skipped(skipped)
    if not recordings:
        raise UserError(f"None of the {len(clips)} files can be inverted; the reasons are above.")
    make_folder(options.out)
    models = _Models(options)
    rows = [{"path": s.clip.name, "method": options.method, "status": "skipped", "note": s.reason} for s in skipped]
    outputs = output_names([r.clip for r in recordings])
    progress = Progress(f"inverting by {options.method}", "batch" if options.method == "inverter" else "iteration")
    firsts = range(0, len(recordings), options.batch_size)
    for i, first in enumerate(firsts):
        batch = recordings[first : first + options.batch_size]
        rows += _invert_batch(models, batch, outputs, options, first, batch_progress(progress, i, len(firsts)))
        write_rows(options.out / "inversions.csv", rows)
    write_record(
        options.out,
        options,
        wavegan=None if options.generator else options.wavegan,
        generator=_weights_of(options.generator) if options.generator else None,
        classifier=models.classifier.file if models.classifier else None,
        inverter=models.inverter.file if models.inverter else None,
    )
    cut = sum(row["note"].endswith("was inverted") for row in rows)
    if cut:
        print(
            f"{cut} clips are longer than the generator's {models.length} samples: only their start was inverted (see inversions.csv).",
            file=sys.stderr,
        )
    far = sum(row["status"] != "skipped" and float(row["distance"] or 0) > OUT_OF_RANGE for row in rows)
    if far and not (options.max_iterations or options.time_limit or options.generator):  # else the search may have been too short to say
        print(f"{far} clips are far from what this WaveGAN makes: their reconstructions imitate them, no z has their waveform.")
    inverted = sum(row["status"] != "skipped" for row in rows)
    if not inverted:
        raise UserError("No clip could be inverted; the reasons are above.")
    print(f"{inverted} clips inverted, {len(rows) - inverted} skipped: {options.out / 'inversions.csv'}")


def _self_check(options):
    from tf_wavegan_inv.evaluation.self_check import report, self_check

    models = _Models(options)
    progress = Progress(f"inverting clips of known z by {options.method}", "iteration")
    found = self_check(
        models.inversion.generator, models.inversion, options.self_check, options.seed, options.batch_size, options.max_iterations, progress
    )
    print(f"\n{report(found, options.self_check)}")


class _Models:
    """The models of one call, and their compiled inversion."""

    def __init__(self, options):
        from tf_wavegan_inv.commands.models import load_trained
        from tf_wavegan_inv.evaluation.judge import Judge
        from tf_wavegan_inv.inversion.invert import Inversion

        generator = _generator(options)
        trained = load_trained(options, generator, options.method != "gradient")
        self.classifier, self.inverter, self.audio_config = trained.classifier, trained.inverter, trained.audio
        self.judge = Judge(self.classifier) if self.classifier else None
        self.inversion = Inversion(generator, options.method, self.inverter, self.classifier, trained.inversion)
        _, self.length, self.channels = generator.output_shape
        self.to_latent = getattr(generator, "to_latent", lambda z: z)


def _generator(options):
    """The model that --generator or --wavegan names."""
    from tf_wavegan_inv.models.generator import load_generator
    from tf_wavegan_inv.wavegan.checkpoint import load_wavegan

    if not options.generator:
        if options.latent_dim or options.latent_range:
            raise UserError("--latent-dim and --latent-range go with --generator; a WaveGAN knows them itself.")
        return load_wavegan(options.wavegan, options.slice_len)
    if options.method != "gradient" and not options.inverter:
        raise UserError(f"The bundled inverter is not for {options.generator}: give --inverter, or --method gradient.")
    if options.pivot:
        raise UserError("--pivot tunes a WaveGAN: give --wavegan instead of --generator.")
    return load_generator(options.generator, options.latent_dim, options.latent_range or (-1.0, 1.0))


def _weights_of(path):
    """The file of a --generator whose checksum tells it from others."""
    return next((p for p in (path / "variables" / "variables.data-00000-of-00001", path / "saved_model.pb") if p.exists()), path)


def gather(paths, out):
    """Files and folders -> list of `Clip`, each file once; a folder's files are named relative to it.

    What lies under `out` is left out: the reconstructions of an earlier call are no input, and no input is ever overwritten.

    Raises:
        UserError: where there is nothing to invert.
    """
    from tf_wavegan_inv.audio.folders import Clip, audio_files

    clips = {}
    for path in paths:
        if path.is_dir():
            files = [(file, file.relative_to(path).as_posix()) for file in audio_files(path)]
            if not files:
                raise UserError(f"No audio in {path}: give a folder with .wav, .flac, .ogg or .mp3 files.")
        elif path.exists():
            files = [(path, path.name)]
        else:
            raise UserError(f"No such file or folder: {path}.")
        for file, name in files:
            if not file.resolve().is_relative_to(out.resolve()):
                clips.setdefault(file.resolve(), Clip(file, name))
    if not clips:
        raise UserError(f"All the audio given lies in --out {out}, where results are written: give another --out.")
    return list(clips.values())


def output_names(clips):
    """Output name, without suffix, by clip path. Where two would collide, as for a.wav beside a.flac, the suffix or a number is kept."""
    names, taken = {}, set()
    for clip in clips:
        relative = pathlib.PurePosixPath(clip.name)
        candidates = [relative.with_suffix("").as_posix(), relative.as_posix()]
        name = next((n for n in candidates if not taken & _names_under(n)), None)
        number = 2
        while name is None or taken & _names_under(name):
            name, number = f"{candidates[0]}-{number}", number + 1
        taken |= _names_under(name)
        names[clip.path] = name
    return names


def _names_under(name):
    """The names that the files of one clip begin with: its own, and that of its pivotal tuning."""
    return {name, f"{name}.pivot"}


def _invert_batch(models, recordings, outputs, options, first, progress):
    """Invert one batch, write its files, return its rows."""
    import numpy as np

    from tf_wavegan_inv.audio.dataset import conditioned
    from tf_wavegan_inv.audio.write import write_wav
    from tf_wavegan_inv.evaluation.clips import measure
    from tf_wavegan_inv.files import write_npy
    from tf_wavegan_inv.names import column

    audio = np.stack(list(conditioned(recordings, models.audio_config, models.length, models.channels).as_numpy_iterator()))
    silent = ~audio.any(axis=(1, 2))
    rows = [_silent_row(r, models, options.method) for r, is_silent in zip(recordings, silent, strict=True) if is_silent]
    recordings = [r for r, is_silent in zip(recordings, silent, strict=True) if not is_silent]
    audio = audio[~silent]
    if not recordings:
        return rows
    limit = options.time_limit and options.time_limit * len(audio)
    result = models.inversion(audio, options.max_iterations, options.seed, first, progress, limit, options.trajectory)
    distances = measure(audio / result.gain[:, None, None], result.audio, models.audio_config.sample_rate)
    columns = {column(name): values for name, values in distances.items()}
    if models.judge:
        columns |= {"digit": models.judge(result.audio).digits, "digit_original": models.judge(audio).digits}
    for i, recording in enumerate(recordings):
        name = outputs[recording.clip.path]
        write_npy(options.out / f"{name}.z.npy", models.to_latent(result.z[i]))
        write_wav(options.out / f"{name}.wav", result.audio[i], models.audio_config.sample_rate)
        if options.trajectory and result.trajectory[i]:
            _write_trajectory(options.out / f"{name}.trajectory.npz", models, *result.trajectory[i])
        pivot = _tune(models, options, name, result.z[i], audio[i] / result.gain[i]) if options.pivot else {}
        rows.append(
            {
                "path": recording.clip.name,
                "method": options.method,
                "status": result.status[i],
                "objective": f"{result.objective[i]:.6g}",
                "iterations": result.iterations[i],
                "evaluations": result.evaluations[i],
                "seconds": f"{result.seconds[i]:.3f}",
                "gain": f"{result.gain[i]:.6g}",
                "distance": "" if np.isnan(result.distance[i]) else f"{result.distance[i]:.3g}",
                **{k: f"{v[i]:.6g}" for k, v in columns.items()},
                **pivot,
                "z": f"{name}.z.npy",
                "reconstruction": f"{name}.wav",
                "note": _note(recording, models),
            }
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

    pivot = pivotal_tuning(models.inversion.generator, z, audio, options.pivot, progress=Progress(f"\ntuning to {name}", "step"))
    write_wav(options.out / f"{name}.pivot.wav", pivot.audio, models.audio_config.sample_rate)
    save_wavegan_checkpoint(pivot.generator, options.out / f"{name}.pivot" / "model.ckpt")
    distances = {column(metric): values[0] for metric, values in measure(audio[None], pivot.audio[None]).items()}
    return {f"pivot_{k}": f"{distances[k]:.6g}" for k in ("relative_mse", "log_spectral_distance")}


def _silent_row(recording, models, method):
    seconds = models.length / models.audio_config.sample_rate
    reason = f"{recording.clip.path}: silent in its first {seconds:.2f} s, which is what would be inverted."
    print(f"skipped: {reason}", file=sys.stderr)
    return {"path": recording.clip.name, "method": method, "status": "skipped", "note": reason}


def _note(recording, models):
    seconds = models.length / models.audio_config.sample_rate
    if recording.seconds > seconds + 1e-3:
        return f"{recording.seconds:.2f} s long, only the first {seconds:.2f} s was inverted"
    if recording.rate < models.audio_config.sample_rate:
        return f"recorded at {recording.rate} Hz, nothing above {recording.rate // 2} Hz"
    return ""


def write_rows(path, rows):
    """Write inversions.csv: rows as dicts by `COLUMNS`."""
    from tf_wavegan_inv.files import replacing

    with replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
