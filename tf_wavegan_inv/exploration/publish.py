"""Writers of an exploration: audio and z, grid.png, neighbours.csv, index.html."""

import contextlib
import csv
import pathlib
import re
import typing

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.write import write_wav
from tf_wavegan_inv.evaluation.figures import grid_figure
from tf_wavegan_inv.evaluation.page import player, write_page
from tf_wavegan_inv.exploration.explore import Row
from tf_wavegan_inv.exploration.latents import Latents
from tf_wavegan_inv.files import ENCODING, replacing, write_npy

HEADINGS = {
    "interpolation": "Interpolations between clips",
    "classes": "Mean z of each label",
    "class_directions": "Walks towards a label: from the mean of all clips, in distances of the label's mean from the other clips' mean",
    "principal_directions": "Principal directions: from the mean of all clips, in standard deviations",
    "neighbours": "Nearest clips by z (with their distances)",
}


def publish(
    rows: list[Row],
    out: pathlib.Path,
    *,
    latents: Latents,
    near: tuple[np.ndarray, np.ndarray],
    text: list[str],
    generator: keras.Model,
    sample_rate: int,
    progress: typing.Callable[[int, int], None] | None = None,
) -> None:
    """Write `out`/<group>/<row>/<column>.wav and .z.npy, grid.png, neighbours.csv, index.html.

    Args:
        rows: list of Row.
        out: pathlib.Path. Folder of the results.
        latents: Latents.
        near: (indices, distances). Result of `directions.nearest`.
        text: list of str. Sentences at the top of the page.
        generator: keras.Model, z -> audio.
        sample_rate: int. Sample rate in Hz.
        progress: function of (done, total), counting rows, or None. Default None: no progress.
    """
    spec = tf.TensorSpec(generator.input_shape)
    generate = tf.function(lambda z: generator(z, training=False), input_signature=[spec])
    _clear(out)
    shown, grid = [], []
    for number, row in enumerate(rows):
        audio = generate(row.z).numpy()
        write_clips(out / row.group / f"{number:02}_{_file_name(row.title)}", row, audio, sample_rate=sample_rate)
        first = not number or rows[number - 1].group != row.group
        shown.append(_row(row, audio, heading=HEADINGS[row.group] if first else "", sample_rate=sample_rate))
        if row.group != "neighbours":
            grid.append((row.title, row.captions, audio))
        if progress:
            progress(number + 1, len(rows))
    write_neighbours(out / "neighbours.csv", latents, near)
    grid_figure(out / "grid.png", grid, sample_rate=sample_rate)
    title = f"{len(latents.names)} latent vectors"
    write_page(out / "index.html", "exploration.html", title=title, sentences=text, rows=shown)


def write_clips(folder: pathlib.Path, row: Row, audio: np.ndarray, *, sample_rate: int) -> None:
    """Write the audio, float [columns, samples, channels], and the z of a row."""
    width = len(str(len(audio) - 1))
    for i, (samples, z) in enumerate(zip(audio, row.z, strict=True)):
        write_wav(folder / f"{i:0{width}}.wav", samples, sample_rate)
        write_npy(folder / f"{i:0{width}}.z.npy", z)


def write_neighbours(path: pathlib.Path, latents: Latents, near: tuple[np.ndarray, np.ndarray]) -> None:
    """Write neighbours.csv: one row a clip and neighbour."""
    with replacing(path) as partial, open(partial, "w", newline="", **ENCODING) as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "rank", "neighbour", "distance"])
        for clip, pairs in enumerate(zip(*near, strict=True)):
            for rank, (i, distance) in enumerate(zip(*pairs, strict=True), 1):
                writer.writerow([latents.names[clip], rank, latents.names[i], f"{distance:.6g}"])


def _row(row, audio, *, heading, sample_rate):
    """Variables of the template for one row."""
    cells = [
        {"player": player(f"{row.title}: {caption}", samples, sample_rate=sample_rate), "caption": caption}
        for caption, samples in zip(row.captions, audio, strict=True)
    ]
    return {"heading": heading, "title": row.title, "cells": cells}


def _clear(out):
    """Remove the clips of an earlier call."""
    if not (out / "index.html").exists():
        return
    for folder in (folder for group in HEADINGS for folder in (out / group).glob("[0-9][0-9]_*")):
        for old in (*folder.glob("*.wav"), *folder.glob("*.z.npy")):
            old.unlink()
        with contextlib.suppress(OSError):  # not empty: the folder holds other files
            folder.rmdir()


def _file_name(title):
    return re.sub(r"[^\w.+-]+", "_", title).strip("_")[:80]
