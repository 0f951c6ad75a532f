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
PAPER_DIGITS = {"waveform/mse": ".5f", "spectrogram/ssim_real_stft": ".4f"}
SHORT = {
    "class/accuracy": "digit accuracy",
    "class/kept": "heard as the clip",
    "waveform/relative_mse": "relative MSE",
    "waveform/si_sdr": "SI-SDR dB",
    "spectrogram/log_spectral_distance": "log-spectral distance dB",
    "seconds": "s a clip",
}
OTHER_COLUMNS = {"objective": "the recipe's objective", "seconds": "seconds a clip"}
NOTE = "Medians over clips."
ITS_OWN_JUDGE = (
    " The digit is heard by the classifier whose features train the inverter and, where the recipe says so, take\n"
    "part in the optimisation: its accuracy on reconstructions flatters them."
)


def paper_table(statistics, set_name):
    """The paper's table 1 (synthesised) or 2 (real): its columns, ours and its own figures.

    Args:
        statistics: what `statistics.statistics` returned.
        set_name: `SYNTHESISED` or `REAL`.

    Returns:
        Markdown.
    """
    found, paper = statistics[set_name], TABLES[set_name]
    columns = [c for c in PAPER_COLUMNS if c != "class/accuracy" or set_name == REAL]
    heads = [h for c in columns for h in (PAPER_COLUMNS[c], "paper's")]
    lines = [f"| {found['clips']} {set_name} clips | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for method, values in found["methods"].items():
        cells = [cell for c in columns for cell in (_mean(values.get(c), c), _as_the_paper(paper.get(method, {}).get(c), c))]
        name = PAPER_ROWS.get((set_name, method)) or PAPER_ROWS.get(method, method)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    score = found["methods"][ORIGINAL].get("class/inception_score")
    protocol = f"{score['splits']} splits of {score['n']} clips" if score else "too few clips"
    ours = f"Ours: means over clips; Inception Score by the project's classifier, {protocol}."
    return "\n".join(lines) + f"\n\n{ours}\n{PROTOCOL}\nThe two are of different models and clips.\n"


def full_table(statistics, set_name):
    """All metrics of one set: a row a metric, a column a method; medians with quartiles, shares with 95 % intervals. Markdown."""
    found = statistics[set_name]
    columns = found["methods"] | found["references"]
    methods = list(columns)
    lines = [
        f"| {found['clips']} {set_name} clips | " + " | ".join(methods) + " | |",
        "|---|" + "---:|" * len(methods) + "---|",
    ]
    for name in _in_order(name for values in found["methods"].values() for name in values):
        cells = [_full(values.get(name)) for values in columns.values()]
        lines.append(f"| {column(name)} | " + " | ".join(cells) + f" | {NAMES.get(name) or OTHER_COLUMNS[name]} |")
    failures = ", ".join(f"{m} {n}" for m, n in found["failed"].items() if n) or "none"
    return "\n".join(lines) + f"\n\nMedian [quartiles], or share [95 % interval]. Clips with a metric that is not defined: {failures}.\n"


def difference_table(statistics, set_name):
    """Differences between methods over the same clips, with their 95 % intervals. Markdown."""
    found = statistics[set_name]["differences"]
    lines = [f"| {set_name} clips | " + " | ".join(found) + " |", "|---|" + "---:|" * len(found)]
    for name in _in_order(name for values in found.values() for name in values):
        cells = [_difference(values.get(name)) for values in found.values()]
        lines.append(f"| {column(name)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n\nMean difference [95 % interval, paired bootstrap]; bold where the interval leaves out zero.\n"


def short_table(statistics, set_name):
    """A small table that is also legible in a terminal: a row a method, a few columns; medians. Markdown; `short_note` goes below."""
    found = statistics[set_name]
    lines = [f"| {found['clips']} {set_name} clips | " + " | ".join(SHORT.values()) + " |", "|---|" + "---:|" * len(SHORT)]
    for method, values in found["methods"].items():
        cells = ["-" if (method == ORIGINAL and c == "seconds") else _short(values.get(c), c) for c in SHORT]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def short_note(own_judge=True):
    """What is to be known of short tables; `own_judge`: the digits are heard by the classifier that takes part in training."""
    return f"{NOTE}{ITS_OWN_JUDGE * own_judge}\n"


def _escaped(text):
    """Text that means nothing in Markdown's tables and in HTML."""
    return html.escape(text).replace("|", "&#124;")


def _in_order(names):
    """Each name once, in the order of `NAMES`; what is not in it comes last."""
    order = [*NAMES, *OTHER_COLUMNS]
    return sorted(set(names), key=order.index)


def _short(value, name):
    if value is None:
        return "-"
    if "share" in value:
        return f"{100 * value['share']:.1f} %"
    return f"{value['mean' if name == 'seconds' else 'median']:.3g}"


def _mean(value, name):
    """One of our figures, as the paper gives it."""
    if value is None:
        return "-"
    return _as_the_paper((value["mean"], value["std"]) if "std" in value else value.get("share", value.get("mean")), name)


def _as_the_paper(value, name):
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return f"{value[0]:.2f} ± {value[1]:.3f}"
    if name == "class/accuracy":
        return f"{100 * value:.2f} %"
    return f"{value:.0e}" if 0 < value < 1e-5 else f"{value:{PAPER_DIGITS[name]}}"


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


def honesty_table(judged, statistics):
    """What `statistics.honesty` found, and the points that every accuracy on reconstructions stands between. Markdown."""
    accuracy = judged["accuracy"]
    lines = ["| | |", "|---|---:|", f"| right on {accuracy['n']} real clips | {_full(accuracy)} |"]
    for name, (right, count) in _few(judged["speakers"]).items():
        lines.append(f"| ... of speaker {_escaped(name) or '(unknown)'} | {right} of {count} |")
    lines.append(f"| expected calibration error | {judged['calibration_error']:.3f} |")
    for name, found in statistics.items():
        lines += [f"| confidence, {name} clips, {m} | {_full(v.get('class/confidence'))} |" for m, v in found["methods"].items()]
    return "\n".join(lines) + "\n"


def _few(speakers, count=8):
    """The speakers with most clips, and the others together."""
    ordered = sorted(speakers.items(), key=lambda item: -item[1][1])
    few, rest = dict(ordered[:count]), [counts for _, counts in ordered[count:]]
    return few | ({f"others ({len(rest)})": [sum(c) for c in zip(*rest, strict=True)]} if rest else {})


def detection_table(areas):
    """What `statistics.detection` found. Markdown."""
    lines = ["| method | area under the ROC |", "|---|---:|", *(f"| {method} | {area:.4f} |" for method, area in areas.items())]
    note = (
        "How often a real clip is farther from what the generator makes than a synthesised one, by the least squared error of the\n"
        "waveform that was found (`distance`). It tells clips of this generator, unchanged, from others, and says nothing of other\n"
        "generators."
    )
    return "\n".join(lines) + f"\n\n{note}\n"
