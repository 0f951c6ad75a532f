"""Writing what an evaluation found: tables, figures, a page, TensorBoard."""

import csv

import numpy as np
import soundfile

from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.evaluation import figures
from tf_wavegan_inv.evaluation.evaluate import KEPT, ORIGINAL
from tf_wavegan_inv.evaluation.report import evenly, ranking, write_report
from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED
from tf_wavegan_inv.evaluation.statistics import detection, honesty, statistics
from tf_wavegan_inv.evaluation.tables import detection_table, difference_table, full_table, honesty_table, paper_table
from tf_wavegan_inv.evaluation.tensorboard import LATENT_FILES, AudioWriter, ScalarWriter, write_latents, write_options
from tf_wavegan_inv.files import ENCODING, replacing, write_json, write_text
from tf_wavegan_inv.metrics.detection import area_under_roc
from tf_wavegan_inv.names import NAMES, column

PREVIEW_CLIPS = 8
FIGURES = {SYNTHESISED: ("figure2.png", "table1.md"), REAL: ("figure3.png", "table2.md")}  # by their numbers in the paper
FIRST_COLUMNS = ("set", "method", "clip", "speaker", "label", "heard", *(name for name in KEPT if name != "z"))


def publish(evaluation, out, record, sample_rate=16000, splits=2, all_real=None, listen=24, split=""):
    """Write an evaluation.

    Writes `out`/tables.json, tables.md, table1.md, table2.md, figure2.png and figure3.png (numbered as in the paper), classifier.png,
    detection.png, clips.csv, report.html, and logs/ for TensorBoard.

    Args:
        evaluation: `Evaluation`.
        out: folder.
        record: dict, how it was made (`commands.record.make_record`).
        sample_rate: Hz.
        splits: of the Inception Score.
        all_real: (`Heard`, labels, speakers) of all the real clips that the classifier is to be judged by; those of the set by default.
        listen: clips of each set that can be heard in the report.
        split: what the real clips are of: "test", say.

    Returns:
        what `statistics.statistics` returned.
    """
    found, seen = statistics(evaluation, splits), detection(evaluation)
    if all_real is None and REAL in evaluation.sets:
        clips = evaluation.sets[REAL]
        all_real = evaluation.heard[REAL, ORIGINAL], clips.labels, clips.speakers
    judged = honesty(*all_real) if all_real else None
    clear(out, evaluation)
    areas = {method: area_under_roc(*pair) for method, pair in seen.items()}
    write_json(out / "tables.json", _plain({"sets": found, "classifier": judged, "detection": areas, "record": record}))
    _write_rows(out / "clips.csv", [row for rows in evaluation.rows.values() for row in rows])

    def audio_of(set_name, method, index):
        clips = evaluation.sets[set_name]
        if method == ORIGINAL:
            return clips.batch(index, index + 1)[0]
        return soundfile.read(out / "audio" / set_name / method / f"{clips.clips[index]}.wav", dtype="float32", always_2d=True)[0]

    first, sections = [], []
    for name in evaluation.sets:
        picture, table = FIGURES[name]
        chosen = evenly(ranking(evaluation, name), 5)[1:4] if len(evaluation.sets[name]) >= 5 else [0]
        columns = [(evaluation.sets[name].clips[i], {m: audio_of(name, m, i) for m in (ORIGINAL, *evaluation.methods)}) for i in chosen]
        title = f"{name} clips: a good, a median and a bad reconstruction" if len(chosen) == 3 else f"A {name} clip"
        figures.reconstructions_figure(out / picture, title, columns, sample_rate)
        of_the_paper = paper_table(found, name)
        write_text(out / table, of_the_paper)
        heading = f"Table {'1' if name == SYNTHESISED else '2'}: {name} clips"
        first.append((heading, of_the_paper, []))
        sections.append((f"All metrics: {name} clips", full_table(found, name), [out / picture]))
        if len(evaluation.methods) > 1:
            sections.append((f"Differences between methods: {name} clips", difference_table(found, name), []))
    if judged:
        figures.classifier_figure(out / "classifier.png", judged)
        sections.append(("How well the classifier hears", honesty_table(judged, found), [out / "classifier.png"]))
    if seen:
        figures.detection_figure(out / "detection.png", seen)
        sections.append(("Real, or made by this generator?", detection_table(areas), [out / "detection.png"]))
    write_text(out / "tables.md", "\n".join(f"## {heading}\n\n{text}" for heading, text, _ in (*first, *sections)))
    write_report(out / "report.html", evaluation, first, sections, audio_of, sample_rate, record, listen)
    _to_tensorboard(evaluation, out / "logs", found, audio_of, sample_rate, record, split)
    return found


def clear(out, evaluation):
    """Remove what an earlier call wrote and this one will not: tables and figures, logs, the audio of clips that are not evaluated now."""
    fixed = ("tables.md", "tables.json", "report.html", "classifier.png", "detection.png")
    for name in (*fixed, *(file for pair in FIGURES.values() for file in pair)):
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


def _plain(value):
    """A value as JSON can hold it: what is not finite becomes null."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _write_rows(path, rows):
    names = [name for name in NAMES if any(name in row for row in rows)]
    with replacing(path) as partial, open(partial, "w", newline="", **ENCODING) as file:
        writer = csv.writer(file)
        writer.writerow([*FIRST_COLUMNS, *(column(name) for name in names)])
        writer.writerows([_cell(row.get(name)) for name in (*FIRST_COLUMNS, *names)] for row in rows)


def _cell(value):
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value


def _to_tensorboard(evaluation, logs, found, audio_of, sample_rate, record, split):
    for name, clips in evaluation.sets.items():
        chosen = evenly(ranking(evaluation, name), PREVIEW_CLIPS)
        for method in (ORIGINAL, *evaluation.methods):
            folder, values = logs / name / method, found[name]["methods"][method]
            scalars = {n: v.get("share", v.get("median", v.get("mean"))) for n, v in values.items() if n in NAMES}
            scalars = {n: v for n, v in scalars.items() if v is not None}
            ScalarWriter(folder).write(0, **{".": scalars})
            AudioWriter(folder, sample_rate).write(0, {clips.clips[i]: audio_of(name, method, i) for i in chosen})
            write_options(folder, {"set": name, "method": method, "seed": record["seed"]})
            if method != ORIGINAL:
                columns = {
                    "clip": clips.clips,
                    "speaker": clips.speakers,
                    "split": [split if name == REAL else SYNTHESISED] * len(clips),
                    "heard": evaluation.heard[name, method].digits,
                    "digit": ["" if label == UNKNOWN else label for label in clips.labels],
                }
                audio = (audio_of(name, ORIGINAL, i) for i in range(len(clips)))
                write_latents(folder, evaluation.z[name, method], columns, audio)
