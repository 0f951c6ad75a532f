"""Statistics as Markdown tables."""

import html

from tf_wavegan_inv.evaluation.evaluate import ORIGINAL
from tf_wavegan_inv.evaluation.paper import PROTOCOL, TABLES
from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED
from tf_wavegan_inv.names import NAMES, column

PAPER_ROWS = {(SYNTHESISED, ORIGINAL): "fake", (REAL, ORIGINAL): "real", "inverter": "inverse mapping model (inverter)"}
PAPER_COLUMNS = {
    "class/inception_score": "Inception Score",
    "waveform/mse": "MSE (waveform)",
    "spectrogram/ssim_real_stft": "SSIM (real STFT)",
    "class/accuracy": "accuracy",
}
PAPER_FORMATS = {"waveform/mse": ".5f", "spectrogram/ssim_real_stft": ".4f"}
SHORT = {
    "class/accuracy": "label accuracy",
    "class/agreement": "label agreement",
    "waveform/relative_mse": "relative MSE",
    "waveform/si_sdr": "SI-SDR dB",
    "spectrogram/log_spectral_distance": "log-spectral distance dB",
    "seconds": "s a clip",
}
OTHER_COLUMNS = {"objective": "the recipe's objective", "seconds": "seconds a clip"}
NOTE = "Medians over clips."
BIAS = (
    " Labels are predicted by the classifier whose features train the inverter and, if the recipe says so,\n"
    "take part in the optimisation. Its accuracy on reconstructions is therefore optimistic."
)


def paper_table(statistics: dict, set_name: str) -> str:
    """The paper's table 1 (synthesised clips) or 2 (real clips): its columns, our values and its own.

    Args:
        statistics: dict. Result of `statistics.statistics`.
        set_name: str. `SYNTHESISED` or `REAL`.

    Returns:
        Markdown.
    """
    found, paper = statistics[set_name], TABLES[set_name]
    columns = [c for c in PAPER_COLUMNS if c != "class/accuracy" or set_name == REAL]
    rows = []
    for method, values in found["methods"].items():
        cells = [(_mean(values.get(c), c), _paper_cell(paper.get(method, {}).get(c), c)) for c in columns]
        name = PAPER_ROWS.get((set_name, method)) or PAPER_ROWS.get(method, method)
        rows.append([name, *(cell for pair in cells for cell in pair)])
    heads = [h for c in columns for h in (PAPER_COLUMNS[c], "paper's")]
    score = found["methods"][ORIGINAL].get("class/inception_score")
    protocol = f"{score['splits']} splits of {score['n']} clips" if score else "too few clips"
    ours = f"Ours: means over clips; Inception Score by the project's classifier, {protocol}."
    note = f"{ours}\n{PROTOCOL}\nOur models and clips differ from the paper's.\n"
    table = _table([f"{found['clips']} {set_name} clips", *heads], rows)
    return f"{table}\n\n{note}"


def full_table(statistics: dict, set_name: str) -> str:
    """All metrics of one set, one row a metric, one column a method: medians with quartiles, shares with intervals."""
    found = statistics[set_name]
    columns = found["methods"] | found["references"]
    rows = [
        [column(name), *(_full(values.get(name)) for values in columns.values()), NAMES.get(name) or OTHER_COLUMNS[name]]
        for name in _in_order(name for values in found["methods"].values() for name in values)
    ]
    table = _table([f"{found['clips']} {set_name} clips", *columns], rows, with_text=True)
    failures = ", ".join(f"{m} {n}" for m, n in found["failed"].items() if n) or "none"
    note = f"Median [quartiles], or share [95 % interval]. Clips with a metric that is not defined: {failures}."
    return f"{table}\n\n{note}\n"


def difference_table(statistics: dict, set_name: str) -> str:
    """Differences between methods over the same clips, with their 95 % intervals."""
    found = statistics[set_name]["differences"]
    rows = [
        [column(name), *(_difference(values.get(name)) for values in found.values())]
        for name in _in_order(name for values in found.values() for name in values)
    ]
    note = "Mean difference [95 % interval, paired bootstrap]; bold if the interval excludes zero."
    return f"{_table([f'{set_name} clips', *found], rows)}\n\n{note}\n"


def short_table(statistics: dict, set_name: str) -> str:
    """A small table for the terminal, one row a method: shares and medians. `short_note` belongs below it."""
    found = statistics[set_name]
    rows = []
    for method, values in found["methods"].items():
        known = values if method != ORIGINAL else {name: v for name, v in values.items() if name != "seconds"}
        rows.append([method, *(_short(known.get(name), name) for name in SHORT)])
    return _table([f"{found['clips']} {set_name} clips", *SHORT.values()], rows)


def short_note(*, biased: bool = True) -> str:
    """The note below short tables; `biased`: whether the classifier of the labels takes part in training."""
    return f"{NOTE}{BIAS * biased}\n"


def classifier_table(report: dict, statistics: dict) -> str:
    """The result of `statistics.classifier_report`, and the classifier's confidence for each set and method."""
    accuracy = report["accuracy"]
    rows = [[f"accuracy on {accuracy['n']} real clips", _full(accuracy)]]
    for name, (correct, count) in _largest(report["speakers"]).items():
        rows.append([f"... of speaker {_escaped(name) or '(unknown)'}", f"{correct} of {count}"])
    rows.append(["expected calibration error", f"{report['calibration_error']:.3f}"])
    for name, found in statistics.items():
        for method, values in found["methods"].items():
            rows.append([f"confidence, {name} clips, {method}", _full(values.get("class/confidence"))])
    return f"{_table(['', ''], rows)}\n"


def detection_table(areas: dict[str, float]) -> str:
    """Areas under the ROC by method."""
    rows = [[method, f"{area:.4f}"] for method, area in areas.items()]
    note = (
        "Probability that a real clip is farther from the generator's range than a synthesised clip, by the least\n"
        "squared error of the waveform that was found (`distance`). It separates unchanged clips of this generator\n"
        "from all others, and does not apply to other generators."
    )
    return f"{_table(['method', 'area under the ROC'], rows)}\n\n{note}\n"


def _table(heads, rows, *, with_text=False):
    """Markdown of rows of cells: the first column left, the others right; `with_text`: the last left, without head."""
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    if with_text:
        lines = [f"{lines[0]} |", f"{lines[1]}---|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _escaped(text):
    """Text without characters that have a meaning in Markdown tables or HTML."""
    return html.escape(text).replace("|", "&#124;")


def _in_order(names):
    """Each name once, in the order of `NAMES`, other columns last."""
    order = [*NAMES, *OTHER_COLUMNS]
    return sorted(set(names), key=order.index)


def _short(value, name):
    if value is None:
        return "-"
    if "share" in value:
        return f"{100 * value['share']:.1f} %"
    return f"{value['mean' if name == 'seconds' else 'median']:.3g}"


def _mean(value, name):
    """One of our figures, in the paper's format."""
    if value is None:
        return "-"
    if "std" in value:
        return _paper_cell((value["mean"], value["std"]), name)
    return _paper_cell(value.get("share", value.get("mean")), name)


def _paper_cell(value, name):
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return f"{value[0]:.2f} ± {value[1]:.3f}"
    if name == "class/accuracy":
        return f"{100 * value:.2f} %"
    return f"{value:.0e}" if 0 < value < 1e-5 else f"{value:{PAPER_FORMATS[name]}}"


def _full(value):
    if value is None:
        return "-"
    if "share" in value:
        return f"{100 * value['share']:.1f} % [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"
    if "median" in value:
        if not value["n"]:
            return "not defined"
        return f"{value['median']:.3g} [{value['lower']:.3g}, {value['upper']:.3g}]"
    return f"{value['mean']:.3g}" + (f" ± {value['std']:.2g}" if "std" in value else "")


def _difference(value):
    if value is None:
        return "-"
    text = f"{value['difference']:+.3g} [{value['low']:+.3g}, {value['high']:+.3g}]"
    return f"**{text}**" if value["low"] > 0 or value["high"] < 0 else text


def _largest(speakers, count=8):
    """The speakers with most clips, and all others together."""
    ordered = sorted(speakers.items(), key=lambda item: -item[1][1])
    few, rest = dict(ordered[:count]), [counts for _, counts in ordered[count:]]
    if rest:
        few[f"others ({len(rest)})"] = [sum(counts) for counts in zip(*rest, strict=True)]
    return few
