"""PNG figures: the paper's figures 2 and 3, the classifier's quality, detection, grids of spectrograms."""

import pathlib

import numpy as np

from tf_wavegan_inv.audio.labels import DIGITS
from tf_wavegan_inv.files import replacing
from tf_wavegan_inv.metrics.detection import area_under_roc, roc
from tf_wavegan_inv.metrics.spectrogram import FLOOR_DB, levels

MAGMA = {"origin": "lower", "aspect": "auto", "cmap": "magma", "vmin": FLOOR_DB, "vmax": 0}


def reconstructions_figure(path: pathlib.Path, columns: list, *, title: str, sample_rate: int) -> None:
    """Waveforms and spectrograms, the original above each method (the paper's figures 2 and 3).

    Args:
        path: pathlib.Path. PNG file to write.
        columns: list of (name of the clip, dict of method to audio float [samples, channels]).
        title: str. Title of the figure.
        sample_rate: int. Sample rate in Hz.
    """
    methods = list(columns[0][1])
    figure, axes = _subplots(len(methods), 2 * len(columns), size=(4.2 * len(columns), 1.5 * len(methods) + 0.8))
    for i, (clip, audio) in enumerate(columns):
        peak = max(np.abs(samples).max() for samples in audio.values())
        for row, method in enumerate(methods):
            wave, picture = axes[row, 2 * i], axes[row, 2 * i + 1]
            _plot_clip(wave, picture, audio[method], peak=peak, sample_rate=sample_rate)
            if row < len(methods) - 1:
                wave.set_xticklabels([])
                picture.set_xticklabels([])
            if i == 0:
                wave.set_ylabel(method)
        axes[0, 2 * i].set_title(clip, fontsize=9, loc="left", parse_math=False)
        axes[0, 2 * i + 1].set_title("kHz", fontsize=8, loc="right")
        axes[-1, 2 * i].set_xlabel("seconds")
    _save(figure, path, title)


def _plot_clip(wave, picture, audio, *, peak, sample_rate):
    """Plot the waveform of a clip on one axis, its spectrogram on another."""
    mono, seconds = audio.mean(axis=1), len(audio) / sample_rate
    wave.plot(np.arange(len(mono)) / sample_rate, mono, linewidth=0.4, color="#30305a")
    wave.set(xlim=(0, seconds), ylim=(-1.05 * peak, 1.05 * peak), yticks=[])
    extent = (0, seconds, 0, sample_rate / 2000)
    picture.imshow(levels(audio[None])[0].T, **MAGMA, extent=extent)
    picture.yaxis.tick_right()


def classifier_figure(path: pathlib.Path, report: dict) -> None:
    """Confusion matrix and reliability diagram of `statistics.classifier_report`."""
    figure, axes = _subplots(1, 2, size=(9, 4.2))
    confusion, (left, right) = np.array(report["confusion"]), axes[0]
    left.imshow(confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            color = "white" if row == column else "black"
            left.text(column, row, count, ha="center", va="center", fontsize=7, color=color)
    left.set(xticks=range(10), yticks=range(10), xlabel="predicted label", ylabel="true label")
    left.set_xticklabels(DIGITS, rotation=60, fontsize=8)
    left.set_yticklabels(DIGITS, fontsize=8)
    clips, confidence, accuracy = zip(*report["calibration"], strict=True)
    right.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    right.scatter(confidence, accuracy, s=10 + 300 * np.array(clips) / sum(clips), color="#30305a")
    right.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="confidence", ylabel="accuracy")
    right.set_title(f"expected calibration error {report['calibration_error']:.3f}", fontsize=9)
    accuracy = report["accuracy"]
    _save(figure, path, f"The classifier on {accuracy['n']} real clips: accuracy {100 * accuracy['share']:.1f} %")


def detection_figure(path: pathlib.Path, pairs: dict) -> None:
    """ROC curves. pairs: dict of method to (distances of real clips, distances of synthesised clips)."""
    figure, axes = _subplots(1, 1, size=(4.6, 4.4))
    axis = axes[0, 0]
    for method, (real, synthesised) in pairs.items():
        false, true, _ = roc(real, synthesised)
        axis.step(false, true, where="post", label=f"{method}: area {area_under_roc(real, synthesised):.3f}")
    axis.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
    axis.set(xlabel="synthesised clips classified as real", ylabel="real clips classified as real")
    axis.legend(loc="lower right", fontsize=8)
    _save(figure, path, "Real or synthesised, by the distance from the generator's range")


def grid_figure(path: pathlib.Path, rows: list, *, sample_rate: int) -> None:
    """Spectrograms in rows. rows: list of (title, captions, audio float [columns, samples, channels])."""
    height = 1.05 * len(rows) + 0.4  # inches
    # The space between rows holds their titles.
    room = {"left": 0.01, "right": 0.99, "bottom": 0.005, "top": 1 - 0.7 / height, "hspace": 0.6, "wspace": 0.06}
    columns = max(len(audio) for _, _, audio in rows)
    figure, axes = _subplots(len(rows), columns, size=(9.0, height), room=room)
    for line, (title, captions, audio) in zip(axes, rows, strict=True):
        for axis in line:
            axis.set_axis_off()
        for axis, caption, picture in zip(line, captions, levels(audio), strict=False):
            axis.imshow(picture.T, **MAGMA)
            axis.set_title(caption, fontsize=5, pad=1.5, parse_math=False)
        line[0].text(0, 1.28, title, fontsize=6.5, transform=line[0].transAxes, parse_math=False)
    _save(figure, path, f"0 to {sample_rate // 2000} kHz")


def _subplots(rows, columns, *, size, room=None):
    from matplotlib.figure import Figure  # not pyplot, which has global state and needs a display

    figure = Figure(figsize=size, dpi=110, layout=None if room else "constrained")
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw=room)
    for axis in axes.flat:
        axis.tick_params(labelsize=7)
    return figure, axes


def _save(figure, path, title):
    figure.suptitle(title, fontsize=10)
    with replacing(path) as partial:
        figure.savefig(partial)
