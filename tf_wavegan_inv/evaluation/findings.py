"""Everything that the writers of an evaluation's artefacts read."""

import dataclasses
import functools
import pathlib

import numpy as np
import soundfile

from tf_wavegan_inv.evaluation.evaluate import ORIGINAL, Evaluation
from tf_wavegan_inv.metrics.detection import area_under_roc

RANKED_BY = "spectrogram/log_spectral_distance"


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        heading: str.
        text: str. Markdown.
        figures: list of pathlib.Path. PNG files below the text.
    """

    heading: str
    text: str
    figures: list


@dataclasses.dataclass(frozen=True, kw_only=True)
class Findings:
    """The results of an evaluation, with its statistics.

    Attributes:
        evaluation: Evaluation.
        statistics: dict. Result of `statistics.statistics`.
        classifier: dict or None. Result of `statistics.classifier_report`.
        detection: dict. Result of `statistics.detection`.
        record: dict. How the evaluation was made (`commands.record.make_record`).
        out: pathlib.Path. Folder of the results.
        sample_rate: int. Sample rate in Hz.
        playable: int. Number of clips of each set that the report plays.
        split: str. Split of the real clips, "test" for example.
    """

    evaluation: Evaluation
    statistics: dict
    classifier: dict | None
    detection: dict
    record: dict
    out: pathlib.Path
    sample_rate: int
    playable: int
    split: str

    @property
    def methods(self) -> list[str]:
        """`ORIGINAL` and the methods of inversion."""
        return [ORIGINAL, *self.evaluation.methods]

    @functools.cached_property
    def areas(self) -> dict[str, float]:
        """Area under the ROC of `detection`, by method."""
        return {method: area_under_roc(*pair) for method, pair in self.detection.items()}

    def ranking(self, set_name: str) -> np.ndarray:
        """Indices of a set's clips from the best to the worst reconstruction by the last method."""
        values = self.evaluation.values(RANKED_BY, set_name, self.evaluation.methods[-1])
        return np.argsort(values, kind="stable")

    def audio(self, set_name: str, method: str, index: int) -> np.ndarray:
        """Audio of a clip, or of its reconstruction by a method: float32 [samples, channels]."""
        clips = self.evaluation.sets[set_name]
        if method == ORIGINAL:
            return clips.batch(index, index + 1)[0]
        path = self.out / "audio" / set_name / method / f"{clips.clips[index]}.wav"
        return soundfile.read(path, dtype="float32", always_2d=True)[0]


def evenly(order: np.ndarray, count: int) -> list[int]:
    """`count` evenly spaced entries of a ranking, in its order, with the first and the last."""
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [int(order[i]) for i in np.unique(places)]
