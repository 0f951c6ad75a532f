"""Statistics of an evaluation: evaluators of a whole set and method, each yielding (name, value)."""

import itertools
import typing

import numpy as np

from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.evaluation.bootstrap import paired_difference
from tf_wavegan_inv.evaluation.evaluate import ANOTHER, ORIGINAL, SILENCE, Evaluation
from tf_wavegan_inv.evaluation.evaluators import DISTANCES, RATE_DISTANCES, SPEECH
from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED
from tf_wavegan_inv.metrics.classification import calibration, confusion_matrix, wilson_interval
from tf_wavegan_inv.metrics.frechet import frechet_distance
from tf_wavegan_inv.metrics.inception import inception_score
from tf_wavegan_inv.models.predictions import Predictions

SHARES = ("class/accuracy", "class/agreement", "latent/recovered", "latent/recovered_finely")
SPREADS = (
    *(*DISTANCES, *RATE_DISTANCES, *SPEECH),
    *("latent/rmse", "latent/max_error", "latent/cosine", "class/confidence", "objective", "seconds"),
)

Values = typing.Iterator[tuple[str, dict]]


def statistics(evaluation: Evaluation, *, splits: int = 2) -> dict:
    """Statistics of an evaluation, in types that JSON can hold.

    Args:
        evaluation: Evaluation.
        splits: int. Number of splits of the Inception Score. Default 2.

    Returns:
        dict of set name to dict with
        "clips": number of clips;
        "methods": dict of method (`ORIGINAL` first) to dict of name to value, see `shares`, `spreads` and `scores`;
        "references": dict of reference to dict of name to value, see `spreads`;
        "failed": dict of method to the number of clips with a metric that is not defined;
        "differences": dict of "method - other" to dict of name to value, see `differences`.
    """
    return {name: _of_set(evaluation, name, splits) for name in evaluation.sets}


def _of_set(evaluation, name, splits):
    evaluators = (shares, spreads, lambda *key: scores(*key, splits=splits))
    pairs = itertools.combinations(evaluation.methods, 2)
    return {
        "clips": len(evaluation.sets[name]),
        "methods": {
            method: {k: v for evaluator in evaluators for k, v in evaluator(evaluation, name, method)}
            for method in (ORIGINAL, *evaluation.methods)
        },
        "references": {m: dict(spreads(evaluation, name, m)) for m in (SILENCE, ANOTHER)},
        "failed": {m: _failed(evaluation, name, m) for m in evaluation.methods},
        "differences": {f"{method} - {other}": dict(differences(evaluation, name, method, other)) for other, method in pairs},
    }


def shares(evaluation: Evaluation, set_name: str, method: str) -> Values:
    """Yields (name, {share, low, high, n}) with a 95 % Wilson interval, for each of `SHARES` that is known."""
    for name in SHARES:
        values = evaluation.values(name, set_name, method)
        values = values[~np.isnan(values)]
        if len(values):
            low, high = wilson_interval(values.sum(), len(values))
            yield name, {"share": float(values.mean()), "low": low, "high": high, "n": len(values)}


def spreads(evaluation: Evaluation, set_name: str, method: str) -> Values:
    """Yields (name, {median, lower, upper (quartiles), mean, n, failed}) for each of `SPREADS` that is known."""
    for name in SPREADS:
        if not any(name in row for row in evaluation.rows_of(set_name, method)):
            continue
        values = evaluation.values(name, set_name, method)
        good = values[~np.isnan(values)]
        found = {"median": None, "lower": None, "upper": None, "mean": None}
        if len(good):
            way = "linear" if np.isfinite(good).all() else "nearest"  # no interpolation between infinities
            quartiles = np.quantile(good, [0.25, 0.5, 0.75], method=way)
            found |= dict(zip(("lower", "median", "upper"), map(float, quartiles), strict=True))
            found["mean"] = float(good.mean())
        yield name, found | {"n": len(good), "failed": len(values) - len(good)}


def scores(evaluation: Evaluation, set_name: str, method: str, *, splits: int = 2) -> Values:
    """Yields (name, {mean, std, n, splits}) for each Inception Score, then the Frechet distance from the originals."""
    key = set_name, method
    predictions = evaluation.predictions[key]
    scored = {"class/inception_score": predictions}
    if evaluation.official:
        scored["class/inception_score_official"] = evaluation.official[key]
    for name, each in scored.items():
        count = len(each.probabilities)
        if count >= splits:
            order = np.random.default_rng(0).permutation(count)  # splits of sorted clips would hold few labels
            mean, std = inception_score(each.probabilities[order], splits=splits)
            yield name, {"mean": mean, "std": std, "n": count, "splits": splits}
    features = predictions.features
    if method != ORIGINAL and len(features) > 1:
        distance = frechet_distance(evaluation.predictions[set_name, ORIGINAL].features, features)
        yield "class/frechet_distance", {"mean": distance, "n": len(features), "features": features.shape[1]}


def differences(evaluation: Evaluation, set_name: str, method: str, other: str) -> Values:
    """Yields (name, {difference, low, high, n}) of `paired_difference` between two methods."""
    for name in (*SHARES, *SPREADS):
        if name == "seconds":  # the batch's time divided by its clips, no measurement of each clip
            continue
        values, others = (evaluation.values(name, set_name, m) for m in (method, other))
        difference, low, high, count = paired_difference(values, others)
        if count > 1:
            yield name, {"difference": difference, "low": low, "high": high, "n": count}


def _failed(evaluation, set_name, method):
    """Number of clips with a metric that is not defined."""
    names = [name for name in (*SPREADS, *SHARES) if name != "class/accuracy"]  # NaN there: no true label
    rows = evaluation.rows_of(set_name, method)
    return sum(any(np.isnan(row[name]) for name in names if name in row) for row in rows)


def classifier_report(predictions: Predictions, labels, speakers: list[str]) -> dict | None:
    """Quality of a classifier on real clips with true labels.

    Args:
        predictions: Predictions. Those of the real clips.
        labels: int [clips]. True labels, `UNKNOWN` if there is none.
        speakers: list of str. Speaker of each clip.

    Returns:
        dict of "accuracy" {share, low, high, n}, "speakers" {speaker: [correct, clips]}, "confusion"
        [labels, labels], "calibration_error" and "calibration" (list of clips, confidence, accuracy). None if no
        clip has a true label.
    """
    known = np.flatnonzero(np.asarray(labels) != UNKNOWN)
    if not len(known):
        return None
    labels, predicted = np.asarray(labels)[known], predictions.labels[known]
    correct = predicted == labels
    low, high = wilson_interval(correct.sum(), len(correct))
    error, rows = calibration(predictions.probabilities[known], labels)
    names = np.array([speakers[i] for i in known])
    return {
        "accuracy": {"share": float(correct.mean()), "low": low, "high": high, "n": len(correct)},
        "speakers": {str(s): [int(correct[names == s].sum()), int((names == s).sum())] for s in np.unique(names)},
        "confusion": confusion_matrix(labels, predicted).tolist(),
        "calibration_error": float(error),
        "calibration": rows,
    }


def detection(evaluation: Evaluation) -> dict[str, list[np.ndarray]]:
    """Distances from the generator's range: dict of method to [those of real clips, those of synthesised clips].

    Without methods whose distances are not all known, and empty unless both sets were evaluated.
    """
    if {REAL, SYNTHESISED} - set(evaluation.sets):
        return {}
    names = (REAL, SYNTHESISED)
    pairs = {m: [evaluation.values("distance", name, m) for name in names] for m in evaluation.methods}
    return {m: pair for m, pair in pairs.items() if not any(np.isnan(s).any() for s in pair)}
