"""What an evaluation found, in numbers: for each set and method, and between methods."""

import itertools

import numpy as np

from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.evaluation.bootstrap import paired_difference
from tf_wavegan_inv.evaluation.clips import DISTANCES, OF_A_RATE, SPEECH
from tf_wavegan_inv.evaluation.evaluate import ANOTHER, ORIGINAL, SILENCE
from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED
from tf_wavegan_inv.metrics.classification import calibration, confusion_matrix, wilson_interval
from tf_wavegan_inv.metrics.frechet import frechet_distance
from tf_wavegan_inv.metrics.inception import inception_score

SHARES = ("class/accuracy", "class/kept", "latent/recovered", "latent/recovered_finely")
SPREADS = (*DISTANCES, *OF_A_RATE, *SPEECH, "latent/rmse", "latent/max_error", "latent/cosine", "class/confidence", "objective", "seconds")


def statistics(evaluation, splits=2):
    """Numbers for tables, all of which JSON can hold.

    Args:
        evaluation: `Evaluation`.
        splits: of the Inception Score.

    Returns:
        dict of set name to dict with
        "clips", how many;
        "methods", dict of method (`ORIGINAL` first) to dict of name to value: for shares {share, low, high, n} (95 % Wilson interval), for
        what is measured clip by clip {median, lower, upper (quartiles), mean, n, failed}, for scores of a whole set {mean, std, n, splits};
        "references", likewise what metrics say of silence and of another clip;
        "failed", dict of method to how many clips have a metric that is not defined;
        "differences", dict of "method - other" to dict of name to {difference, low, high, n} (`paired_difference`).
    """
    return {
        name: {
            "clips": len(clips),
            "methods": {m: _of_method(evaluation, name, m, splits) for m in (ORIGINAL, *evaluation.methods)},
            "references": {m: _spreads(evaluation, name, m) for m in (SILENCE, ANOTHER)},
            "failed": {m: _failed(evaluation, name, m) for m in evaluation.methods},
            "differences": {
                f"{method} - {other}": _differences(evaluation, name, method, other)
                for other, method in itertools.combinations(evaluation.methods, 2)
            },
        }
        for name, clips in evaluation.sets.items()
    }


def _of_method(evaluation, set_name, method, splits):
    key, found = (set_name, method), {}
    heard = evaluation.heard[key]
    for name in SHARES:
        values = evaluation.values(name, set_name, method)
        values = values[~np.isnan(values)]
        if len(values):
            low, high = wilson_interval(values.sum(), len(values))
            found[name] = {"share": float(values.mean()), "low": low, "high": high, "n": len(values)}
    found |= _spreads(evaluation, set_name, method)
    scores = {"class/inception_score": heard}
    if evaluation.official:
        scores["class/inception_score_official"] = evaluation.official[key]
    for name, judged in scores.items():
        if len(judged.probabilities) >= splits:
            # Clips that are sorted by digit would give splits of few digits.
            order = np.random.default_rng(0).permutation(len(judged.probabilities))
            mean, std = inception_score(judged.probabilities[order], splits)
            found[name] = {"mean": mean, "std": std, "n": len(judged.probabilities), "splits": splits}
    if method != ORIGINAL and len(heard.features) > 1:
        distance = frechet_distance(evaluation.heard[set_name, ORIGINAL].features, heard.features)
        found["class/frechet_distance"] = {"mean": distance, "n": len(heard.features), "features": heard.features.shape[1]}
    return found


def _spreads(evaluation, set_name, method):
    found = {}
    for name in SPREADS:
        if not any(name in row for row in evaluation.of(set_name, method)):
            continue
        values = evaluation.values(name, set_name, method)
        good = values[~np.isnan(values)]
        found[name] = {"median": None, "lower": None, "upper": None, "mean": None, "n": len(good), "failed": len(values) - len(good)}
        if len(good):
            way = "linear" if np.isfinite(good).all() else "nearest"  # between infinities there is nothing
            quartiles = np.quantile(good, [0.25, 0.5, 0.75], method=way)
            found[name] |= dict(zip(("lower", "median", "upper"), map(float, quartiles), strict=True)) | {"mean": float(good.mean())}
    return found


def _failed(evaluation, set_name, method):
    """How many clips have a metric that is not defined."""
    rows = evaluation.of(set_name, method)
    return sum(any(np.isnan(row[name]) for name in (*SPREADS, *SHARES) if name in row and name != "class/accuracy") for row in rows)


def _differences(evaluation, set_name, method, other):
    found = {}
    for name in (*SHARES, *SPREADS):
        if name == "seconds":  # each clip's share of its batch's: not measured clip by clip
            continue
        pair = [evaluation.values(name, set_name, m) for m in (method, other)]
        difference, low, high, count = paired_difference(*pair)
        if count > 1:
            found[name] = {"difference": difference, "low": low, "high": high, "n": count}
    return found


def honesty(heard, labels, speakers):
    """How far a classifier's ear can be trusted, on real clips.

    Args:
        heard: `Heard`.
        labels: int [clips].
        speakers: list of str.

    Returns:
        dict: "accuracy" {share, low, high, n}, "speakers" {speaker: [right, clips]}, "confusion" [10, 10], "calibration_error",
        "calibration" (list of clips, confidence, accuracy). None where no clip has a known digit.
    """
    known = np.flatnonzero(np.asarray(labels) != UNKNOWN)
    if not len(known):
        return None
    labels, right = np.asarray(labels)[known], heard.digits[known] == np.asarray(labels)[known]
    low, high = wilson_interval(right.sum(), len(right))
    error, rows = calibration(heard.probabilities[known], labels)
    names = [speakers[i] for i in known]
    return {
        "accuracy": {"share": float(right.mean()), "low": low, "high": high, "n": len(right)},
        "speakers": {s: [int(sum(r for r, n in zip(right, names, strict=True) if n == s)), names.count(s)] for s in sorted(set(names))},
        "confusion": confusion_matrix(labels, heard.digits[known]).tolist(),
        "calibration_error": float(error),
        "calibration": rows,
    }


def detection(evaluation):
    """How far clips are from what the generator makes: dict of method to (distances of the real ones, of its own), where both are known."""
    if {REAL, SYNTHESISED} - set(evaluation.sets):
        return {}
    scores = {m: [evaluation.values("distance", name, m) for name in (REAL, SYNTHESISED)] for m in evaluation.methods}
    return {m: pair for m, pair in scores.items() if not any(np.isnan(s).any() for s in pair)}
