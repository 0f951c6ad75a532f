"""The small table at the end of `train_keras.py all`: held-out clips, and their reconstructions by each method."""

import numpy as np

from tf_wavegan_inv.audio.folders import unique_names
from tf_wavegan_inv.audio.write import write_wav
from tf_wavegan_inv.evaluation.clips import heard_digits, measure, spread
from tf_wavegan_inv.files import write_json, write_npy, write_text
from tf_wavegan_inv.inversion.invert import METHODS, invert
from tf_wavegan_inv.names import NAMES
from tf_wavegan_inv.training.tensorboard import Previews, ScalarWriter

COLUMNS = ("class/accuracy", "waveform/relative_mse", "waveform/si_sdr", "spectrogram/log_spectral_distance", "seconds")
PREVIEW_CLIPS = 8
NOTE = (
    "Medians over clips. The digit is heard by the classifier whose features train the inverter and, where the recipe says so, take\n"
    "part in the optimisation: its accuracy on reconstructions flatters them."
)


def compare_methods(clips, generator, inverter, classifier, recipe, out, max_iterations=None, seed=0, progress=None):
    """Invert clips by each method, write what comes out, and measure it.

    Args:
        clips: `ClipArrays` with known digits.
        generator, inverter, classifier: Keras models.
        recipe: `Recipe`; its [inversion] is minimised.
        out: folder for `<method>/<clip>.wav`, `<clip>.z.npy`, `original/<clip>.wav`, `table.json`, `table.md`.
        max_iterations: dict of method to iterations, where not the recipe's.
        seed: of the random starts.
        progress: function of a label and a unit -> function of (done, total).

    Returns:
        dict of row ("real", then the methods) to dict of column to value; medians over clips, but a share for the accuracy.
    """
    rate = recipe.audio.sample_rate
    originals = clips.float_audio()
    names = unique_names([r.clip for r in clips.recordings])
    _write_wavs(out / "original", names, originals, rate)
    rows = {"real": {"class/accuracy": _accuracy(classifier, originals, clips.labels)}}
    for method in METHODS:
        result = invert(
            originals,
            generator,
            method,
            inverter,
            classifier,
            recipe.inversion,
            (max_iterations or {}).get(method),
            seed,
            progress=progress and progress(f"inverting by {method}", "batch" if method == "inverter" else "iteration"),
        )
        _write_wavs(out / method, names, result.audio, rate)
        for name, z in zip(names, result.z, strict=True):
            write_npy(out / method / f"{name}.z.npy", z)
        distances = {name: float(np.median(values)) for name, values in measure(originals, result.audio).items()}
        rows[method] = {
            "class/accuracy": _accuracy(classifier, result.audio, clips.labels),
            **distances,
            "seconds": float(np.mean(result.seconds)),
        }
        _to_tensorboard(out / "logs" / method, names, originals, result.audio, rate, rows[method])
    write_json(out / "table.json", {"clips": len(clips), "classifier": str(classifier.file), "recipe": recipe.to_dict(), "rows": rows})
    write_text(out / "table.md", markdown(rows, len(clips)))
    return rows


def held_out(clips, count, seed=0):
    """At most `count` of the clips with a known digit, digits evenly."""
    return clips.take(spread(clips.labels, count, seed))


def markdown(rows, count):
    """The table as Markdown, which is also legible in a terminal."""
    heads = ("digit accuracy", "relative MSE", "SI-SDR dB", "log-spectral distance dB", "s a clip")
    lines = [f"| {count} held-out clips | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for row, values in rows.items():
        cells = [_cell(name, values.get(name)) for name in COLUMNS]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + f"\n\n{NOTE}\n"


def _cell(name, value):
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if name == "class/accuracy" else f"{value:.3g}"


def _accuracy(classifier, audio, labels):
    return float(np.mean(heard_digits(classifier, audio) == labels))


def _write_wavs(folder, names, audio, rate):
    for name, samples in zip(names, audio, strict=True):
        write_wav(folder / f"{name}.wav", samples, rate)


def _to_tensorboard(folder, names, originals, reconstructions, rate, row):
    ScalarWriter(folder).write(0, table={name: value for name, value in row.items() if name in NAMES})
    chosen = slice(0, PREVIEW_CLIPS)
    Previews(folder, names[chosen], originals[chosen], lambda _: reconstructions[chosen], rate)(0)
