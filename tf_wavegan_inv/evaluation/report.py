"""The report of an evaluation: one self-contained HTML page of tables, figures and clips."""

import json
import pathlib

import markdown
import markupsafe
import numpy as np

from tf_wavegan_inv.audio.labels import DIGITS, UNKNOWN
from tf_wavegan_inv.evaluation.findings import Findings, Section, evenly
from tf_wavegan_inv.evaluation.page import figure, player, write_page
from tf_wavegan_inv.names import column

SHOWN = (
    *("class/accuracy", "waveform/relative_mse", "waveform/si_sdr"),
    *("spectrogram/log_spectral_distance", "latent/max_error", "seconds"),
)


def write_report(path: pathlib.Path, findings: Findings, *, first: list[Section], sections: list[Section]) -> None:
    """Write the page.

    Args:
        path: pathlib.Path. HTML file to write.
        findings: Findings.
        first: list of Section. Sections above the clips.
        sections: list of Section. Sections below the clips.
    """
    write_page(
        path,
        "report.html",
        title="Latent vector recovery: evaluation",
        first=[_section(each) for each in first],
        sections=[_section(each) for each in sections],
        sets=[_set(findings, name) for name in findings.evaluation.sets],
        methods=findings.methods,
        record=json.dumps(findings.record, indent=2, default=str),
    )


def _section(section):
    html = markdown.markdown(section.text, extensions=["tables"])
    figures = [figure(file) for file in section.figures]
    return {"heading": section.heading, "html": markupsafe.Markup(html), "figures": figures}


def _set(findings, name):
    """Variables of the template for one set of clips."""
    evaluation, order = findings.evaluation, findings.ranking(name)
    clips, best_to_worst = evaluation.sets[name], evenly(order, 3)
    chosen = {*evenly(order, findings.playable), *best_to_worst}
    players = {
        (method, index): player(f"{method}: {clips.clips[index]}", findings.audio(name, method, index), sample_rate=findings.sample_rate)
        for index in chosen
        for method in findings.methods
    }
    extremes = [
        {"title": title, "clip": clips.clips[index], "players": [players[m, index] for m in findings.methods]}
        for title, index in zip(("best", "median", "worst"), best_to_worst, strict=False)
    ]
    values = {(m, c): evaluation.values(c, name, m) for m in evaluation.methods for c in SHOWN if c != "class/accuracy"}
    values = {key: column for key, column in values.items() if np.isfinite(column).any()}
    return {
        "name": name,
        "playable": len(chosen),
        "extremes": extremes,
        "columns": [{"method": m, "metric": column(c).replace("_", " ")} for m, c in values],
        "rows": [_row(findings, name, index, players=players, values=values) for index in order],
    }


def _row(findings, name, index, *, players, values):
    """Variables of the template for one clip."""
    clips = findings.evaluation.sets[name]
    label = clips.labels[index]
    predictions = []
    for method in findings.methods:
        predicted = findings.evaluation.predictions[name, method].labels[index]
        kind = "" if label == UNKNOWN else "right" if predicted == label else "wrong"
        shown = {"label": predicted, "label_name": DIGITS[predicted], "kind": kind}
        predictions.append(shown | {"player": players.get((method, int(index)))})
    return {
        "clip": clips.clips[index],
        "label": label,
        "label_name": "" if label == UNKNOWN else DIGITS[label],
        "predictions": predictions,
        "metrics": [column[index] for column in values.values()],
    }
