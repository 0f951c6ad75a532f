"""Inverts sets of clips by each method, and evaluates the reconstructions."""

import dataclasses
import hashlib
import json
import logging
import pathlib
import typing
import zipfile

import numpy as np

from tf_wavegan_inv import __version__
from tf_wavegan_inv.audio.write import write_wav
from tf_wavegan_inv.evaluation.evaluators import label_scores, latent_errors, measure
from tf_wavegan_inv.evaluation.sets import ClipSet
from tf_wavegan_inv.files import replacing, write_npy
from tf_wavegan_inv.inversion.invert import Inversion, batch_progress
from tf_wavegan_inv.inversion.result import InversionResult
from tf_wavegan_inv.models.predictions import ClipClassifier, Predictions

log = logging.getLogger(__name__)

ORIGINAL = "original"
SILENCE, ANOTHER = "silence", "another clip"  # references: the metrics of estimates without any information
STORED = ("z", "gain", "objective", "iterations", "evaluations", "status", "distance", "seconds")  # audio is recomputed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The results of an evaluation. Keys are (set, method); the method `ORIGINAL` stands for the clips themselves.

    Attributes:
        rows: dict of key to list of dict, one a clip: results, metrics by name (`names.NAMES`), predicted label.
            The methods `SILENCE` and `ANOTHER` hold the metrics of those two references.
        predictions: dict of key to `Predictions`.
        official: dict of key to `Predictions` by WaveGAN's official classifier; empty without that classifier.
        z: dict of key to float32 [clips, latent_dim].
        sets: dict of set name to `ClipSet`.
        methods: list of str. Methods of inversion, in the order of the tables.
    """

    rows: dict
    predictions: dict
    official: dict
    z: dict
    sets: dict
    methods: list

    def rows_of(self, set_name: str, method: str) -> list[dict]:
        """The rows of one set and method."""
        return self.rows.get((set_name, method), [])

    def values(self, name: str, set_name: str, method: str) -> np.ndarray:
        """One column: float [clips], NaN for rows without a value."""
        return np.array([float(row.get(name, np.nan)) for row in self.rows_of(set_name, method)])


@dataclasses.dataclass(frozen=True)
class Batch:
    """Consecutive clips of a set.

    Attributes:
        clips: ClipSet. The whole set.
        members: range. Indices of the batch's clips.
        audio: float32 [batch, samples, channels].
    """

    clips: ClipSet
    members: range
    audio: np.ndarray

    def rows(self, method: str, columns: dict) -> list[dict]:
        """One row a clip, from columns of values [batch]."""
        clips = self.clips
        return [
            {"set": clips.name, "method": method, "clip": clips.clips[k], "speaker": clips.speakers[k], "label": int(clips.labels[k])}
            | {name: values[j] for name, values in columns.items()}
            for j, k in enumerate(self.members)
        ]


class Evaluator:
    """Inverts sets of clips and evaluates the reconstructions.

    Writes `out`/audio/<set>/<method>/<clip>.wav and .z.npy. Stores each inverted batch in `out`/parts, from which
    the same call resumes after an interruption.

    Args:
        inversions: dict of method to `Inversion`.
        classifier: ClipClassifier. Classifier with features, for predicted labels and scores.
        out: pathlib.Path. Folder of the results.
        sample_rate: int. Sample rate in Hz. Default 16000.
        batch_size: int. Number of clips inverted together. Default 32.
        seed: int. Seed of the random starts. Default 0.
        max_iterations: int or None. Limit of the L-BFGS iterations. Default None: the recipe's.
        identity: JSON value. Further input of the inversions (checksums of models, recipe); stored batches of
            another identity are ignored. Default None.
        official: ClipClassifier or None. WaveGAN's official classifier, for its Inception Score. Default None.
        with_speech: bool. Whether to compute STOI and PESQ if their packages are installed. Default False.
    """

    def __init__(
        self,
        inversions: dict[str, Inversion],
        classifier: ClipClassifier,
        *,
        out: pathlib.Path,
        sample_rate: int = 16000,
        batch_size: int = 32,
        seed: int = 0,
        max_iterations: int | None = None,
        identity: typing.Any = None,
        official: ClipClassifier | None = None,
        with_speech: bool = False,
    ):
        self.inversions = inversions
        self.classifier = classifier
        self.out = out
        self.sample_rate = sample_rate
        self.batch_size = batch_size
        self.seed = seed
        self.max_iterations = max_iterations
        self.identity = identity
        self.official = official
        self.with_speech = with_speech

    def __call__(self, sets: list[ClipSet], *, progress: typing.Callable | None = None) -> Evaluation:
        """Evaluate.

        Args:
            sets: list of ClipSet.
            progress: function of (label, unit) -> function of (done, total), or None. Default None: no progress.

        Returns:
            Evaluation.
        """
        by_name, methods = {clips.name: clips for clips in sets}, list(self.inversions)
        found = Evaluation(rows={}, predictions={}, official={}, z={}, sets=by_name, methods=methods)
        for clips in sets:
            self._evaluate_originals(found, clips, progress)
            for method in self.inversions:
                self._evaluate_method(found, clips, method, progress)
        return found

    def _evaluate_originals(self, found, clips, progress):
        """Add the clips themselves, and the references, to the results."""
        advance, count = progress and progress(f"{clips.name} clips", "batch"), self._count(clips)
        predictions = []
        for i, batch in enumerate(self._batches(clips)):
            for reference, estimate in _references(batch):
                columns = measure(batch.audio, estimate, sample_rate=self.sample_rate)
                found.rows.setdefault((clips.name, reference), []).extend(batch.rows(reference, columns))
            self._add(found, batch, ORIGINAL, batch.audio, predictions=predictions, columns={})
            if advance:
                advance(i + 1, count)
        self._join(found, (clips.name, ORIGINAL), predictions)

    def _evaluate_method(self, found, clips, method, progress):
        """Add the reconstructions by one method to the results."""
        unit = "batch" if method == "inverter" else "iteration"
        advance = progress and progress(f"{clips.name} clips by {method}", unit)
        inversion, folder = self.inversions[method], self.out / "audio" / clips.name / method
        to_own = inversion.generator.latent.to_own  # z in the generator's own range
        predictions, z = [], []
        for i, batch in enumerate(self._batches(clips)):
            result = self._invert(batch, method, batch_progress(advance, i, self._count(clips)))
            for k, latent in zip(batch.members, to_own(result.z), strict=True):
                write_npy(folder / f"{clips.clips[k]}.z.npy", latent)
            z.append(result.z)
            columns = self._columns(batch, result)
            self._add(found, batch, method, result.audio, predictions=predictions, columns=columns)
        found.z[clips.name, method] = np.concatenate(z)
        self._join(found, (clips.name, method), predictions)

    def _count(self, clips):
        return -(-len(clips) // self.batch_size)

    def _batches(self, clips):
        for first in range(0, len(clips), self.batch_size):
            audio = clips.batch(first, first + self.batch_size)
            yield Batch(clips, range(first, first + len(audio)), audio)

    def _add(self, found, batch, method, audio, *, predictions, columns):
        """Write the audio of one batch, classify it, add its rows; its predictions are appended to `predictions`."""
        clips = batch.clips
        for k, samples in zip(batch.members, audio, strict=True):
            write_wav(self.out / "audio" / clips.name / method / f"{clips.clips[k]}.wav", samples, self.sample_rate)
        predicted = self.classifier(audio)
        predictions.append((predicted, self.official(audio) if self.official else None))
        originals = found.predictions.get((clips.name, ORIGINAL))
        originals = None if originals is None else originals.labels[batch.members]
        scores = label_scores(predicted, clips.labels[batch.members], originals=originals)
        columns = columns | {"label_predicted": predicted.labels} | dict(scores)
        found.rows.setdefault((clips.name, method), []).extend(batch.rows(method, columns))

    def _join(self, found, key, predictions):
        own, official = zip(*predictions, strict=True)
        found.predictions[key] = Predictions.join(own)
        if self.official:
            found.official[key] = Predictions.join(official)

    def _invert(self, batch, method, progress):
        """The inversion of one batch: the stored one, or a new one, which is stored."""
        path, inversion = self._part(batch, method), self.inversions[method]
        if path.exists():
            try:
                result = _read_part(path, inversion, len(batch.audio))
                if progress:
                    progress(1, 1)
                return result
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                log.warning("warning: %s is damaged (%s); its clips are inverted again.", path, error)
        result = inversion(
            batch.audio,
            max_iterations=self.max_iterations,
            seed=self.seed,
            numbers=np.asarray(batch.members),
            progress=progress,
        )
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez(file, **{name: np.asarray(getattr(result, name)) for name in STORED})
        return result

    def _part(self, batch, method):
        """File of a stored batch; its name contains a hash of everything the inversion depends on."""
        first, stop = batch.members.start, batch.members.stop
        key = [__version__, self.identity, method, self.batch_size, self.seed, self.max_iterations]
        identity = json.dumps(key, default=str).encode() + batch.clips.identity(first, stop)
        digest = hashlib.sha256(identity).hexdigest()[:16]
        return self.out / "parts" / f"{batch.clips.name}-{method}-{first}-{digest}.npz"

    def _columns(self, batch, result):
        """Columns of the inversion of one batch: dict of name to values [batch]."""
        columns = {name: getattr(result, name) for name in STORED if name != "z"}
        scaled = batch.audio / result.gain[:, None, None]
        columns |= measure(scaled, result.audio, sample_rate=self.sample_rate, with_speech=self.with_speech)
        if batch.clips.z is not None:
            columns |= dict(latent_errors(batch.clips.z[batch.members], result.z))
        return columns


def _references(batch):
    """Yields (reference, estimates [batch, samples, channels]) without information about the clips.

    `ANOTHER` is the clip half of the set away, which has another label if the set is sorted by label.
    """
    clips = batch.clips
    yield SILENCE, np.zeros_like(batch.audio)
    if len(clips) > 1:
        others = [(k + max(1, len(clips) // 2)) % len(clips) for k in batch.members]
        yield ANOTHER, np.concatenate([clips.batch(k, k + 1) for k in others])


def _read_part(path, inversion, count):
    """A stored batch as `InversionResult`."""
    with np.load(path) as stored:
        fields = {name: stored[name] for name in STORED}
    fields["status"] = fields["status"].tolist()
    return InversionResult(audio=inversion.generate(fields["z"]).numpy(), trajectory=[None] * count, **fields)
