"""Publishes an evaluation: computes its statistics, removes what an earlier call wrote, runs all writers."""

import csv
import pathlib

from tf_wavegan_inv.evaluation.evaluate import ORIGINAL, Evaluation
from tf_wavegan_inv.evaluation.findings import Findings
from tf_wavegan_inv.evaluation.sets import REAL
from tf_wavegan_inv.evaluation.statistics import classifier_report, detection, statistics
from tf_wavegan_inv.evaluation.tensorboard import LATENT_FILES
from tf_wavegan_inv.evaluation.writers import WRITERS, artefacts
from tf_wavegan_inv.files import ENCODING


def publish(
    evaluation: Evaluation,
    out: pathlib.Path,
    *,
    record: dict,
    sample_rate: int = 16000,
    splits: int = 2,
    all_real: tuple | None = None,
    playable: int = 24,
    split: str = "",
) -> dict:
    """Write all artefacts of an evaluation, see `writers`.

    Args:
        evaluation: Evaluation.
        out: pathlib.Path. Folder of the results.
        record: dict. How the evaluation was made (`commands.record.make_record`).
        sample_rate: int. Sample rate in Hz. Default 16000.
        splits: int. Number of splits of the Inception Score. Default 2.
        all_real: (Predictions, labels, speakers) or None. Real clips for the report on the classifier. Default
            None: the evaluated real clips.
        playable: int. Number of clips of each set that the report plays. Default 24.
        split: str. Split of the real clips, "test" for example. Default "".

    Returns:
        dict, the result of `statistics.statistics`.
    """
    if all_real is None and REAL in evaluation.sets:
        clips = evaluation.sets[REAL]
        all_real = evaluation.predictions[REAL, ORIGINAL], clips.labels, clips.speakers
    findings = Findings(
        evaluation=evaluation,
        statistics=statistics(evaluation, splits=splits),
        classifier=classifier_report(*all_real) if all_real else None,
        detection=detection(evaluation),
        record=record,
        out=out,
        sample_rate=sample_rate,
        playable=playable,
        split=split,
    )
    clear(out, evaluation)
    for write in WRITERS:
        write(findings)
    return findings.statistics


def clear(out: pathlib.Path, evaluation: Evaluation) -> None:
    """Remove the artefacts of an earlier call: tables, figures, logs, and the audio of clips that are not evaluated now."""
    for name in artefacts():
        (out / name).unlink(missing_ok=True)
    old = out / "clips.csv"
    if not old.exists():
        return
    with open(old, newline="", **ENCODING) as file:
        before = {(row["set"], row["method"], row["clip"]) for row in csv.DictReader(file)}
    now = {(row["set"], row["method"], row["clip"]) for rows in evaluation.rows.values() for row in rows}
    for set_name, method, clip in before - now:
        for suffix in (".wav", ".z.npy"):
            (out / "audio" / set_name / method / f"{clip}{suffix}").unlink(missing_ok=True)
    for set_name, method in {key[:2] for key in before}:
        for file in (out / "logs" / set_name / method).glob("*"):
            if file.name.startswith("events.out.tfevents") or file.name in LATENT_FILES:
                file.unlink()
