"""Statistics and tables of an evaluation whose answers are known."""

import numpy as np
import pytest

from tf_wavegan_inv.evaluation.bootstrap import paired_difference
from tf_wavegan_inv.evaluation.evaluate import ORIGINAL, Evaluation
from tf_wavegan_inv.evaluation.findings import evenly
from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED, ClipSet
from tf_wavegan_inv.evaluation.statistics import classifier_report, detection, statistics
from tf_wavegan_inv.evaluation.tables import classifier_table, detection_table, difference_table, full_table, paper_table, short_table
from tf_wavegan_inv.metrics.detection import area_under_roc
from tf_wavegan_inv.models.predictions import Predictions

CLIPS = 20


def predict(labels):
    return Predictions(np.eye(10, dtype=np.float32)[labels], np.random.default_rng(0).normal(size=(len(labels), 3)))


@pytest.fixture
def evaluation():
    """Errors: gradient the clip's index, hybrid half of it; all labels right by hybrid, every other one by gradient."""
    labels = np.arange(CLIPS) % 10
    predicted = {ORIGINAL: labels, "gradient": np.where(np.arange(CLIPS) % 2, labels, (labels + 1) % 10), "hybrid": labels}
    clips = [f"clip{i}" for i in range(CLIPS)]
    sets = {
        n: ClipSet(name=n, clips=clips, batch=None, identity=None, labels=labels, speakers=["ann"] * CLIPS) for n in (SYNTHESISED, REAL)
    }
    rows, found = {}, {}
    for name in sets:
        for method, factor in ((ORIGINAL, None), ("gradient", 1.0), ("hybrid", 0.5)):
            found[name, method] = predict(predicted[method])
            for i in range(CLIPS):
                row = {"set": name, "method": method, "clip": f"clip{i}", "class/accuracy": float(predicted[method][i] == labels[i])}
                if factor:
                    row |= {"waveform/mse": factor * i, "seconds": 1.0, "distance": factor * i + 10 * (name == REAL)}
                rows.setdefault((name, method), []).append(row)
        rows[name, "silence"] = [{"waveform/mse": 7.0}] * CLIPS
    rows[REAL, "gradient"][3]["waveform/mse"] = np.nan
    return Evaluation(rows=rows, predictions=found, official={}, z={}, sets=sets, methods=["gradient", "hybrid"])


def test_statistics(evaluation):
    found = statistics(evaluation)[SYNTHESISED]
    gradient = found["methods"]["gradient"]
    assert gradient["class/accuracy"]["share"] == 0.5 and 0.29 < gradient["class/accuracy"]["low"] < 0.31
    spread = gradient["waveform/mse"]
    assert (spread["median"], spread["lower"], spread["upper"], spread["n"], spread["failed"]) == (9.5, 4.75, 14.25, 20, 0)
    assert found["methods"]["hybrid"]["class/inception_score"]["mean"] > 7
    assert found["methods"]["hybrid"]["class/frechet_distance"]["mean"] == pytest.approx(0, abs=1e-6)
    difference = found["differences"]["hybrid - gradient"]["waveform/mse"]
    assert difference["difference"] == pytest.approx(-4.75) and difference["low"] < -4.75 < difference["high"] < 0


def test_what_failed_is_counted_and_left_out_of_pairs(evaluation):
    found = statistics(evaluation)[REAL]
    assert found["methods"]["gradient"]["waveform/mse"]["failed"] == 1 and found["methods"]["gradient"]["waveform/mse"]["n"] == 19
    assert found["differences"]["hybrid - gradient"]["waveform/mse"]["n"] == 19
    table = full_table({REAL: found}, REAL)
    assert "not defined: gradient 1." in table and "| 7 [7, 7] | - | mean squared error" in table  # silence; no other clip is there


def test_inception_score_is_that_of_clips_in_any_order(evaluation):
    """Sorted by label, each of two splits would hold half of the labels, and score 5."""
    for key, found in evaluation.predictions.items():
        order = np.argsort(found.labels, kind="stable")
        evaluation.predictions[key] = Predictions(found.probabilities[order], found.features)
    assert statistics(evaluation)[REAL]["methods"]["hybrid"]["class/inception_score"]["mean"] > 7


def test_what_is_never_defined_is_said_so(evaluation):
    for row in evaluation.rows[REAL, "hybrid"]:
        row["waveform/mse"], row["waveform/snr"] = np.nan, np.inf
    found = statistics(evaluation)[REAL]
    assert found["failed"] == {"gradient": 1, "hybrid": CLIPS} and found["methods"]["hybrid"]["waveform/mse"]["median"] is None
    table = full_table({REAL: found}, REAL)
    assert "| not defined |" in table and "| inf [inf, inf] |" in table


def test_bootstrap_interval_is_that_of_the_mean():
    difference = np.random.default_rng(0).normal(1, 2, 400)
    mean, low, high, pairs = paired_difference(difference + 5, np.full(400, 5.0))
    half = 1.96 * difference.std() / 20
    assert mean == pytest.approx(difference.mean()) and pairs == 400
    assert low == pytest.approx(mean - half, abs=0.02) and high == pytest.approx(mean + half, abs=0.02)
    assert paired_difference([1, np.inf, np.nan], [0, 0, 0])[0::3] == (1, 1)
    assert np.isnan(paired_difference([np.nan], [1])[0])


def test_classifier_report():
    report = classifier_report(predict(np.array([1, 2, 3, 3])), [1, 2, 3, -1], ["ann", "ann", "bob", "bob"])
    assert report["accuracy"]["n"] == 3 and report["accuracy"]["share"] == 1 and report["speakers"] == {"ann": [2, 2], "bob": [1, 1]}
    assert classifier_report(predict(np.array([1])), [-1], [""]) is None


def test_tables(evaluation):
    found = statistics(evaluation)
    one, two = paper_table(found, SYNTHESISED), paper_table(found, REAL)
    value = found[REAL]["methods"]["hybrid"]["class/inception_score"]
    score = f"{value['mean']:.2f} ± {value['std']:.3f}"
    assert f"| hybrid | {score} | 7.23 ± 0.006 | 4.75000 | 0.00003 | - | 0.9979 |" in one and "2 splits of 20 clips" in one
    assert f"| hybrid | {score} | 3.89 ± 0.027 | 4.75000 | 0.00887 | - | 0.9540 | 100.00 % | 36.93 % |" in two
    assert "| gradient | 50.0 % | - | - | - | - | 1 |" in short_table(found, REAL)
    assert "**-4.75 [" in difference_table(found, SYNTHESISED)
    report = classifier_report(evaluation.predictions[REAL, ORIGINAL], evaluation.sets[REAL].labels, ["<img|src>"] * CLIPS)
    assert "| ... of speaker &lt;img&#124;src&gt; | 20 of 20 |" in classifier_table(report, found)
    areas = {method: area_under_roc(*pair) for method, pair in detection(evaluation).items()}
    assert areas["hybrid"] == 1 and 0.8 < areas["gradient"] < 1 and "| hybrid | 1.0000 |" in detection_table(areas)


def test_evenly_has_both_ends():
    assert evenly(np.arange(50), 3) == [0, 24, 49] and evenly(np.arange(2), 5) == [0, 1]
