"""`tf-wavegan-inv invert`: audio -> z."""

import argparse
import dataclasses
import pathlib
import sys
import typing

from tf_wavegan_inv.commands import recordings as reading
from tf_wavegan_inv.commands.common import (
    above_zero,
    add_audio_argument,
    add_generator_arguments,
    add_model_arguments,
    clips_in_words,
    positive,
    seed,
)
from tf_wavegan_inv.commands.results import CUT, Results
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

if typing.TYPE_CHECKING:
    from tf_wavegan_inv.inversion.load import Models

OUT = pathlib.Path("inversions")


def add_arguments(p: argparse.ArgumentParser) -> None:
    add_audio_argument(p)
    p.add_argument(
        "--method",
        choices=("inverter", "gradient", "hybrid"),
        default="hybrid",
        help="inverter: its prediction; gradient: L-BFGS from random starts; hybrid: L-BFGS from the prediction",
    )
    add_model_arguments(p, "wavegan", "inverter", "classifier")
    add_generator_arguments(p)
    _add_search_arguments(p)
    _add_output_arguments(p)


def _add_search_arguments(p):
    p.add_argument("--recipe", help="recipe of the objective: a name as for train_keras.py, or a .toml file (default: the inverter's)")
    p.add_argument("--max-iterations", type=positive, help="limit of the L-BFGS iterations (default: the recipe's)")
    p.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=above_zero,
        help="wall-clock limit for a clip, on average over its batch, excluding compilation; the best z found so far is written",
    )
    p.add_argument("--batch-size", type=positive, default=32, help="number of clips optimised together")
    p.add_argument("--seed", type=seed, default=0, help="seed of the random starts of gradient")
    p.add_argument(
        "--self-check",
        metavar="COUNT",
        type=positive,
        nargs="?",
        const=16,
        help="without audio: invert COUNT clips (16) that the WaveGAN makes of known z, and report how well z is recovered",
    )


def _add_output_arguments(p):
    p.add_argument(
        "--trajectory",
        action="store_true",
        help="also write <name>.trajectory.npz: iterations, objective and z during the search (none for clips with an exact z)",
    )
    p.add_argument(
        "--pivot",
        metavar="STEPS",
        type=positive,
        help="then fine-tune a copy of the WaveGAN to each clip for STEPS steps (200, for example), for a closer reconstruction: "
        "<name>.pivot.wav and the checkpoint <name>.pivot/",
    )
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=OUT,
        help="folder for <name>.z.npy, <name>.wav, inversions.csv, run.json; the same command resumes after an interruption",
    )
    p.add_argument(
        "--shard",
        metavar="I/N",
        type=reading.shard,
        help="invert only the I-th of N parts of the clips (divided by name), for N processes or machines that share --out: "
        "inversions-I-of-N.csv, run-I-of-N.json",
    )


def run(options: argparse.Namespace) -> None:
    from tf_wavegan_inv.commands.record import make_record
    from tf_wavegan_inv.commands.resume import finished
    from tf_wavegan_inv.files import stamp

    if options.pivot and options.generator:
        raise UserError("--pivot fine-tunes a WaveGAN and received --generator: give --wavegan instead.")
    if options.self_check:
        return _self_check(options)
    everything = reading.gather(options.audio, options.out)
    clips, suffix = _shard(everything, options.shard)
    models = _load(options)
    record = make_record(options, **models.files) | {"inversion": dataclasses.asdict(models.config)}
    results = Results(
        options.out,
        method=options.method,
        names=reading.output_names(everything),
        suffix=suffix,
        out_of_range=models.config.exact.out_of_range,
    )
    done = finished(results, record, clips=everything)
    left = [clip for clip in clips if f"{results.names[clip.path]}.z.npy" not in done]
    if len(left) < len(clips):
        print(f"{len(clips) - len(left)} of {len(clips)} clips were inverted by an earlier call: {len(left)} are left.")
    stamps = {clip.path: stamp(clip.path) for clip in left}  # before reading: later changes are inverted again
    recordings, skipped = reading.check(left)
    if clips and not recordings and not done:
        raise UserError(f"None of the {len(clips)} files can be inverted; the reasons are above.")
    results.begin(record, keep=done)
    results.skip(skipped, report=False)
    _Work(models, results, options, stamps).invert(recordings)
    _report(results, models, options, nothing_to_do=not clips)


def _shard(clips, shard):
    """The clips of a shard, and the ending of the names of its table and record."""
    if not shard:
        return clips, ""
    part, parts = shard
    return [clip for clip in clips if reading.clip_number(clip) % parts == part - 1], f"-{part}-of-{parts}"


def _load(options):
    from tf_wavegan_inv.inversion.load import load_models

    names = ("method", "wavegan", "inverter", "classifier", "recipe", "slice_len", "generator", "latent_dim", "latent_range")
    return load_models(**{name: getattr(options, name) for name in names})


@dataclasses.dataclass(frozen=True)
class _Work:
    """The inversion of recordings, batch by batch.

    Attributes:
        models: Models.
        results: Results.
        options: argparse.Namespace.
        stamps: dict of clip path to `files.stamp`.
    """

    models: "Models"
    results: Results
    options: argparse.Namespace
    stamps: dict

    def invert(self, recordings):
        """Invert recordings and write their results."""
        from tf_wavegan_inv.inversion.invert import batch_progress

        options, models = self.options, self.models
        progress = Progress(f"inverting by {options.method}", "batch" if options.method == "inverter" else "iteration")
        batches = -(-len(recordings) // options.batch_size)
        read = reading.read_batches(recordings, batch_size=options.batch_size, audio_config=models.audio, shape=models.shape)
        for i, (batch, audio, skipped) in enumerate(read):
            self.results.skip(skipped)
            self._invert_batch(*self._usable(batch, audio), batch_progress(progress, i, batches))

    def _usable(self, batch, audio):
        """The recordings of a batch that can be inverted, and their audio; the others are skipped."""
        from tf_wavegan_inv.audio.inspect import Skipped
        from tf_wavegan_inv.inversion.checks import fault_of

        faults = [fault_of(clip, self.models.seconds) for clip in audio]
        pairs = list(zip(batch, faults, strict=True))
        self.results.skip([Skipped(r.clip, f"{r.clip.path}: {fault}") for r, fault in pairs if fault])
        return [r for r, fault in pairs if not fault], audio[[not fault for fault in faults]]

    def _invert_batch(self, batch, audio, progress):
        from tf_wavegan_inv.evaluation.columns import columns_of

        if not batch:
            return
        models, options = self.models, self.options
        result = models.inversion(
            audio,
            max_iterations=options.max_iterations,
            seed=options.seed,
            numbers=[reading.clip_number(r.clip) for r in batch],
            progress=progress,
            seconds=options.time_limit and options.time_limit * len(audio),
            trajectory=options.trajectory,
        )
        columns = columns_of(result, audio, sample_rate=models.sample_rate, classifier=models.clip_classifier)
        for i, recording in enumerate(batch):
            if options.trajectory and result.trajectory[i]:
                self._write_trajectory(recording.clip, *result.trajectory[i])
            own = {column: values[i] for column, values in columns.items()}
            if options.pivot:
                own |= self._tune(recording.clip, result.z[i], audio[i] / result.gain[i])
            own |= {"note": _note(recording, models), "recording": str(recording.clip.path.resolve())}
            self.results.write(
                recording.clip,
                z=models.to_own(result.z[i]),
                audio=result.audio[i],
                sample_rate=models.sample_rate,
                columns=own | {"stamp": self.stamps[recording.clip.path]},
            )

    def _write_trajectory(self, clip, iterations, objective, z):
        import numpy as np

        from tf_wavegan_inv.files import replacing

        z = self.models.to_own(z)
        with replacing(self.results.path(clip, "trajectory.npz")) as partial, open(partial, "wb") as file:
            np.savez(file, iterations=iterations, objective=objective, z=z)

    def _tune(self, clip, z, audio):
        """Fine-tune the WaveGAN to one clip and write the result: its columns."""
        from tf_wavegan_inv.audio.write import write_wav
        from tf_wavegan_inv.evaluation.evaluators import measure
        from tf_wavegan_inv.inversion.pivot import pivotal_tuning
        from tf_wavegan_inv.names import column
        from tf_wavegan_inv.wavegan.checkpoint import save_wavegan_checkpoint

        progress = Progress(f"fine-tuning to {clip.name}", "step", below=True)
        pivot = pivotal_tuning(self.models.generator, audio, z=z, steps=self.options.pivot, progress=progress)
        write_wav(self.results.path(clip, "pivot.wav"), pivot.audio, self.models.sample_rate)
        save_wavegan_checkpoint(pivot.generator, self.results.path(clip, "pivot") / "model.ckpt")
        distances = {column(metric): values[0] for metric, values in measure(audio[None], pivot.audio[None]).items()}
        return {f"pivot_{name}": distances[name] for name in ("relative_mse", "log_spectral_distance")}


def _note(recording, models):
    seconds = models.seconds
    if recording.seconds > seconds + 1e-3:
        return f"{recording.seconds:.2f} s long, only the first {seconds:.2f} s {CUT}"
    if recording.rate < models.sample_rate:
        return f"recorded at {recording.rate} Hz, nothing above {recording.rate // 2} Hz"
    return ""


def _report(results, models, options, *, nothing_to_do):
    counts = results.counts
    if counts["cut"]:
        longer = f"{clips_in_words(counts['cut'])} longer than the generator's {models.shape[0]} samples"
        print(f"{longer}: only the start was inverted (see {results.table.path.name}).", file=sys.stderr)
    whole_search = not (options.max_iterations or options.time_limit or options.generator)
    if counts["out_of_range"] and whole_search:
        print(
            f"{clips_in_words(counts['out_of_range'])} out of range of this WaveGAN: the reconstructions are similar, "
            "but no z makes the same waveform."
        )
    if nothing_to_do and not counts["inverted"]:
        print(f"0 clips inverted, 0 skipped: {results.table.path}")
    else:
        results.report()


def _self_check(options):
    from tf_wavegan_inv.evaluation.self_check import report, self_check

    given = [name for name in ("audio", "time_limit", "trajectory", "pivot", "shard") if getattr(options, name)]
    given += ["out"] * (options.out != OUT)
    if given:
        names = ", ".join(given).replace("_", " ")
        raise UserError(f"--self-check makes its own clips and writes nothing: leave out {names}.")
    found = self_check(
        _load(options).inversion,
        count=options.self_check,
        seed=options.seed,
        batch_size=options.batch_size,
        max_iterations=options.max_iterations,
        progress=Progress(f"inverting clips of known z by {options.method}", "iteration"),
    )
    print(f"\n{report(found, options.self_check)}")
