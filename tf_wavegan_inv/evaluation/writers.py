"""Writers of an evaluation's artefacts: one function an artefact, all from `Findings`."""

import csv
import pathlib

import numpy as np

from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.evaluation import figures
from tf_wavegan_inv.evaluation.evaluate import ORIGINAL, STORED
from tf_wavegan_inv.evaluation.findings import Findings, Section, evenly
from tf_wavegan_inv.evaluation.report import write_report
from tf_wavegan_inv.evaluation.sets import REAL, SYNTHESISED
from tf_wavegan_inv.evaluation.tables import classifier_table, detection_table, difference_table, full_table, paper_table
from tf_wavegan_inv.evaluation.tensorboard import AudioWriter, ScalarWriter, write_latents, write_options
from tf_wavegan_inv.files import ENCODING, replacing, write_json, write_text
from tf_wavegan_inv.names import NAMES, column

PREVIEW_CLIPS = 8
PAPER_ARTEFACTS = {SYNTHESISED: ("figure2.png", "table1.md"), REAL: ("figure3.png", "table2.md")}
CLASSIFIER_FIGURE, DETECTION_FIGURE = "classifier.png", "detection.png"
FIRST_COLUMNS = ("set", "method", "clip", "speaker", "label", "label_predicted", *(n for n in STORED if n != "z"))


def write_tables_json(findings: Findings) -> None:
    """tables.json: all statistics and the record."""
    tables = {
        "sets": findings.statistics,
        "classifier": findings.classifier,
        "detection": findings.areas,
        "record": findings.record,
    }
    write_json(findings.out / "tables.json", _plain(tables))


def write_clips_csv(findings: Findings) -> None:
    """clips.csv: one row a clip and method."""
    rows = [row for rows in findings.evaluation.rows.values() for row in rows]
    names = [name for name in NAMES if any(name in row for row in rows)]
    with replacing(findings.out / "clips.csv") as partial, open(partial, "w", newline="", **ENCODING) as file:
        writer = csv.writer(file)
        writer.writerow([*FIRST_COLUMNS, *(column(name) for name in names)])
        writer.writerows([_cell(row.get(name)) for name in (*FIRST_COLUMNS, *names)] for row in rows)


def write_figures(findings: Findings) -> None:
    """figure2.png and figure3.png, numbered as in the paper, classifier.png, detection.png."""
    for name, clips in findings.evaluation.sets.items():
        chosen = evenly(findings.ranking(name), 5)[1:4] if len(clips) >= 5 else [0]
        title = f"{name} clips: a good, a median and a bad reconstruction" if len(chosen) == 3 else f"A {name} clip"
        columns = [(clips.clips[i], {m: findings.audio(name, m, i) for m in findings.methods}) for i in chosen]
        path = findings.out / PAPER_ARTEFACTS[name][0]
        figures.reconstructions_figure(path, columns, title=title, sample_rate=findings.sample_rate)
    if findings.classifier:
        figures.classifier_figure(findings.out / CLASSIFIER_FIGURE, findings.classifier)
    if findings.detection:
        figures.detection_figure(findings.out / DETECTION_FIGURE, findings.detection)


def write_paper_tables(findings: Findings) -> None:
    """table1.md and table2.md, numbered as in the paper."""
    for name in findings.evaluation.sets:
        write_text(findings.out / PAPER_ARTEFACTS[name][1], paper_table(findings.statistics, name))


def write_tables_md(findings: Findings) -> None:
    """tables.md: all tables."""
    sections = [*_paper_sections(findings), *_other_sections(findings)]
    write_text(findings.out / "tables.md", "\n".join(f"## {s.heading}\n\n{s.text}" for s in sections))


def write_report_html(findings: Findings) -> None:
    """report.html: all tables and figures, and clips to look at and play."""
    path, sections = findings.out / "report.html", _other_sections(findings)
    write_report(path, findings, first=_paper_sections(findings), sections=sections)


def write_tensorboard(findings: Findings) -> None:
    """logs/<set>/<method>: scalars, audio, spectrograms, options, and z for the projector."""
    for name, clips in findings.evaluation.sets.items():
        chosen = evenly(findings.ranking(name), PREVIEW_CLIPS)
        for method in findings.methods:
            folder, values = findings.out / "logs" / name / method, findings.statistics[name]["methods"][method]
            scalars = {n: v.get("share", v.get("median", v.get("mean"))) for n, v in values.items() if n in NAMES}
            scalars = {n: v for n, v in scalars.items() if v is not None}
            ScalarWriter(folder).write(0, **{".": scalars})
            audio = {clips.clips[i]: findings.audio(name, method, i) for i in chosen}
            AudioWriter(folder, findings.sample_rate).write(0, audio)
            write_options(folder, {"set": name, "method": method, "seed": findings.record["seed"]})
            if method != ORIGINAL:
                _write_projector(folder, findings, name, method)


WRITERS = (
    write_tables_json,
    write_clips_csv,
    write_figures,
    write_paper_tables,
    write_tables_md,
    write_report_html,
    write_tensorboard,
)


def artefacts() -> list[str]:
    """Names of all files that the writers may leave in `out`, except clips.csv."""
    paper = [file for pair in PAPER_ARTEFACTS.values() for file in pair]
    return ["tables.md", "tables.json", "report.html", CLASSIFIER_FIGURE, DETECTION_FIGURE, *paper]


def _paper_sections(findings):
    return [
        Section(f"Table {'1' if name == SYNTHESISED else '2'}: {name} clips", paper_table(findings.statistics, name), [])
        for name in findings.evaluation.sets
    ]


def _other_sections(findings):
    sections, found = [], findings.statistics
    for name in findings.evaluation.sets:
        picture: pathlib.Path = findings.out / PAPER_ARTEFACTS[name][0]
        sections.append(Section(f"All metrics: {name} clips", full_table(found, name), [picture]))
        if len(findings.evaluation.methods) > 1:
            sections.append(Section(f"Differences between methods: {name} clips", difference_table(found, name), []))
    if findings.classifier:
        table, picture = classifier_table(findings.classifier, found), findings.out / CLASSIFIER_FIGURE
        sections.append(Section("Quality of the classifier", table, [picture]))
    if findings.detection:
        table, picture = detection_table(findings.areas), findings.out / DETECTION_FIGURE
        sections.append(Section("Real or synthesised?", table, [picture]))
    return sections


def _write_projector(folder, findings, name, method):
    evaluation, clips = findings.evaluation, findings.evaluation.sets[name]
    columns = {
        "clip": clips.clips,
        "speaker": clips.speakers,
        "split": [findings.split if name == REAL else SYNTHESISED] * len(clips),
        "label_predicted": evaluation.predictions[name, method].labels,
        "label": ["" if label == UNKNOWN else label for label in clips.labels],
    }
    audio = (findings.audio(name, ORIGINAL, i) for i in range(len(clips)))
    write_latents(folder, evaluation.z[name, method], columns=columns, audio=audio)


def _plain(value):
    """A value as JSON can hold it: numbers that are not finite become null."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _cell(value):
    if value is None or (isinstance(value, (float, np.floating)) and np.isnan(value)):
        return ""
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value
