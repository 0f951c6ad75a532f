"""One self-contained HTML page of an evaluation: tables, figures, and clips to look at and listen to."""

import functools
import html
import json

import markdown
import numpy as np

from tf_wavegan_inv.audio.labels import DIGITS, UNKNOWN
from tf_wavegan_inv.evaluation.evaluate import ORIGINAL
from tf_wavegan_inv.evaluation.page import figure, player, write_page
from tf_wavegan_inv.names import column

SORTED_BY = "spectrogram/log_spectral_distance"
SHOWN = ("class/accuracy", "waveform/relative_mse", "waveform/si_sdr", SORTED_BY, "latent/max_error", "seconds")


def ranking(evaluation, set_name):
    """Indices of a set's clips from the best reconstruction to the worst: by log-spectral distance, of the last method."""
    return np.argsort(evaluation.values(SORTED_BY, set_name, evaluation.methods[-1]), kind="stable")


def evenly(order, count):
    """`count` of a ranking's indices, evenly spread, first and last included, in that order."""
    return [int(order[i]) for i in np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))]


def write_report(path, evaluation, first, sections, audio_of, sample_rate, record, listen=24):
    """Write the page.

    Args:
        path: of the .html file.
        evaluation: `Evaluation`.
        first, sections: lists of (heading, Markdown, list of PNG files), to be shown above and below the best, median and worst clips.
        audio_of: function of (set, method, index) -> audio float [samples, channels].
        sample_rate: Hz.
        record: dict, how it was made: shown at the end.
        listen: clips a set that can be heard, from the best to the worst.
    """
    extremes, tables = [], []
    for name, clips in evaluation.sets.items():
        order = ranking(evaluation, name)
        chosen = {*evenly(order, listen), *evenly(order, 3)}
        play = _players(evaluation, name, audio_of, sample_rate, chosen)
        extremes.append(f"<h2>Best, median and worst: {name} clips</h2>" + _extremes(evaluation, name, evenly(order, 3), play))
        tables.append(
            f"<h2>All {name} clips</h2><p class=note>A click on a heading sorts. "
            f"{len(chosen)} of {len(clips)} can be heard here, evenly from the best to the worst; all are in audio/{name}/.</p>"
            + _clips(evaluation, name, order, play)
        )
    body = [*(_section(*s) for s in first), *extremes, *tables, *(_section(*s) for s in sections)]
    body.append(f"<h2>How this was made</h2><pre>{html.escape(json.dumps(record, indent=2, default=str))}</pre>")
    write_page(path, "Latent vector recovery: evaluation", body)


def _section(heading, text, figures):
    table = f"<div class=wide>{markdown.markdown(text, extensions=['tables'])}</div>"
    return f"<h2>{html.escape(heading)}</h2>{table}" + "".join(figure(file) for file in figures)


def _players(evaluation, set_name, audio_of, sample_rate, chosen):
    """Function of (method, index) -> HTML of a spectrogram that plays; empty for clips that are not `chosen`. Each is made once."""

    @functools.cache
    def of(method, index):
        if index not in chosen:
            return ""
        return player(f"{method}: {evaluation.sets[set_name].clips[index]}", audio_of(set_name, method, index), sample_rate)

    return of


def _extremes(evaluation, set_name, indices, play):
    methods = (ORIGINAL, *evaluation.methods)
    head = "".join(f"<th>{m}</th>" for m in ("", *methods))
    rows = []
    for title, index in zip(("best", "median", "worst"), indices, strict=False):
        cells = "".join(f"<td>{play(method, index)}</td>" for method in methods)
        rows.append(f"<tr><td>{title}<br><span class=note>{html.escape(evaluation.sets[set_name].clips[index])}</span></td>{cells}</tr>")
    return f"<div class='wide large'><table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"


def _clips(evaluation, set_name, order, play):
    clips, methods = evaluation.sets[set_name], evaluation.methods
    values = {(m, c): evaluation.values(c, set_name, m) for m in methods for c in SHOWN}
    columns = [(m, c) for m in methods for c in SHOWN if c != "class/accuracy" and np.isfinite(values[m, c]).any()]
    heads = ["clip", "digit", ORIGINAL, *methods] + [f"{m}<br>{column(c).replace('_', ' ')}" for m, c in columns]
    rows = []
    for index in order:
        label = clips.labels[index]
        digit = "" if label == UNKNOWN else DIGITS[label]
        cells = [f"<td>{html.escape(clips.clips[index])}</td><td data-value={label}>{digit}</td>"]
        for method in (ORIGINAL, *methods):
            heard = evaluation.heard[set_name, method].digits[index]
            kind = "" if label == UNKNOWN else " class=right" if heard == label else " class=wrong"
            cells.append(f"<td data-value={heard}>{play(method, index)}<div{kind}>{DIGITS[heard]}</div></td>")
        cells += [f"<td data-value={values[m, c][index]:.6g}>{values[m, c][index]:.3g}</td>" for m, c in columns]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f"<th data-sort>{h}</th>" for h in heads)
    return f"<div class=wide><table class=clips><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
