"""Inverting sets of clips by each method, and measuring what comes out."""

import dataclasses
import hashlib
import json
import logging
import zipfile

import numpy as np

from tf_wavegan_inv import __version__
from tf_wavegan_inv.audio.labels import UNKNOWN
from tf_wavegan_inv.audio.write import write_wav
from tf_wavegan_inv.evaluation.clips import measure
from tf_wavegan_inv.files import replacing, write_npy
from tf_wavegan_inv.inversion.invert import InversionResult, batch_progress
from tf_wavegan_inv.metrics import latent
from tf_wavegan_inv.models.predictions import Heard

log = logging.getLogger(__name__)

ORIGINAL = "original"
SILENCE, ANOTHER = "silence", "another clip"  # what a metric says of them is what it says of nothing
KEPT = ("z", "gain", "objective", "iterations", "evaluations", "status", "distance", "seconds")  # the audio is made anew of z


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: dict of (set, method) to list of dict, one a clip: what was found, its distances by name (`names.NAMES`), what was heard.
            Beside the methods there are `ORIGINAL`, and `SILENCE` and `ANOTHER`, the distances of the originals from those.
        heard: dict of (set, method) to `Heard`; the method `ORIGINAL` is the clips themselves.
        official: the same by WaveGAN's official classifier; empty where it is not given.
        z: dict of (set, method) to float32 [clips, latent_dim].
        sets: dict of name to `ClipSet`.
        methods: list of str.
    """

    rows: dict
    heard: dict
    official: dict
    z: dict
    sets: dict
    methods: list

    def of(self, set_name, method):
        """The rows of one set and method."""
        return self.rows.get((set_name, method), [])

    def values(self, name, set_name, method):
        """One column: float [clips]; NaN where a row has no such value."""
        return np.array([float(row.get(name, np.nan)) for row in self.of(set_name, method)])


class Evaluator:
    """Inverts sets of clips and measures them.

    It writes `out`/audio/<set>/<method>/<clip>.wav and .z.npy. What was inverted is kept in `out`/parts, batch by batch: a call that was
    killed goes on where it stopped.

    Args:
        inversions: dict of method to `Inversion`.
        judge: `Judge`, with features.
        out: folder.
        sample_rate: Hz.
        batch_size: clips inverted together.
        seed: of the random starts.
        max_iterations: of L-BFGS; the recipe's by default.
        identity: what else the inversions depend on (checksums of models, recipe), as JSON can hold it; parts of another are not used.
        official: another `Judge`, WaveGAN's official classifier.
        with_speech: also STOI and PESQ, where their packages are installed.
    """

    def __init__(
        self, inversions, judge, out, sample_rate=16000, batch_size=32, seed=0, max_iterations=None, identity=None, official=None,
        with_speech=False,
    ):  # fmt: skip
        self.inversions, self.judge, self.out, self.sample_rate = inversions, judge, out, sample_rate
        self.batch_size, self.seed, self.max_iterations = batch_size, seed, max_iterations
        self.identity, self.official, self.with_speech = identity, official, with_speech

    def __call__(self, sets, progress=None):
        """Evaluate.

        Args:
            sets: list of `ClipSet`.
            progress: function of a label and a unit -> function of (done, total).

        Returns:
            Evaluation.
        """
        found = Evaluation({}, {}, {}, {}, {clips.name: clips for clips in sets}, list(self.inversions))
        for clips in sets:
            for method in (ORIGINAL, *self.inversions):
                self._evaluate(found, clips, method, progress)
        return found

    def _evaluate(self, found, clips, method, progress):
        """Add one set and method to what was found."""
        key, folder = (clips.name, method), self.out / "audio" / clips.name / method
        firsts, parts = range(0, len(clips), self.batch_size), []
        unit = "batch" if method in (ORIGINAL, "inverter") else "iteration"
        label = f"{clips.name} clips" if method == ORIGINAL else f"{clips.name} clips by {method}"
        progress = progress and progress(label, unit)
        for i, first in enumerate(firsts):
            audio = clips.batch(first, first + self.batch_size)
            members = range(first, first + len(audio))
            batch_bar, columns, made = batch_progress(progress, i, len(firsts)), {}, audio
            if method == ORIGINAL:
                if progress:
                    batch_bar(1, 1)
                for reference, rows in self._references(clips, audio, members).items():
                    found.rows.setdefault((clips.name, reference), []).extend(rows)
            else:
                result = self._invert(clips, method, first, audio, batch_bar)
                made, columns = result.audio, self._columns(result, clips, audio, members)
                own = self.inversions[method].generator.latent.to_own  # z as the model takes it
                for k, z in zip(members, own(result.z), strict=True):
                    write_npy(folder / f"{clips.clips[k]}.z.npy", z)
            for k, samples in zip(members, made, strict=True):
                write_wav(folder / f"{clips.clips[k]}.wav", samples, self.sample_rate)
            official = self.official(made) if self.official else None
            parts.append((self.judge(made), official, columns.pop("z", None)))
            columns |= _heard(parts[-1][0], clips.labels[members], found.heard.get((clips.name, ORIGINAL)), members)
            found.rows.setdefault(key, []).extend(
                {"set": clips.name, "method": method, "clip": clips.clips[k], "speaker": clips.speakers[k], "label": int(clips.labels[k])}
                | {name: values[j] for name, values in columns.items()}
                for j, k in enumerate(members)
            )
        heard, official, z = zip(*parts, strict=True)
        found.heard[key] = Heard.join(heard)
        if self.official:
            found.official[key] = Heard.join(official)
        if method != ORIGINAL:
            found.z[key] = np.concatenate(z)

    def _references(self, clips, audio, members):
        """Rows of what the metrics say of silence, and of a clip half of the set away (another digit, where they are sorted)."""
        others = [(k + max(1, len(clips) // 2)) % len(clips) for k in members]
        estimates = {SILENCE: np.zeros_like(audio)}
        if len(clips) > 1:
            estimates[ANOTHER] = np.concatenate([clips.batch(k, k + 1) for k in others])
        rows = {}
        for method, estimate in estimates.items():
            columns = measure(audio, estimate, self.sample_rate)
            rows[method] = [
                {"set": clips.name, "method": method, "clip": clips.clips[k]} | {name: values[j] for name, values in columns.items()}
                for j, k in enumerate(members)
            ]
        return rows

    def _invert(self, clips, method, first, audio, progress):
        """The inversion of one batch: the one that was kept, or a new one, which is kept."""
        key = [__version__, self.identity, method, self.batch_size, self.seed, self.max_iterations]
        clip_identity = clips.identity(first, first + len(audio))
        digest = hashlib.sha256(json.dumps(key, default=str).encode() + clip_identity).hexdigest()[:16]
        path, inversion = self.out / "parts" / f"{clips.name}-{method}-{first}-{digest}.npz", self.inversions[method]
        if path.exists():
            try:
                with np.load(path) as kept:
                    fields = {name: kept[name] for name in KEPT}
                fields["status"] = fields["status"].tolist()
                if progress:
                    progress(1, 1)
                return InversionResult(audio=inversion.generate(fields["z"]).numpy(), trajectory=[None] * len(audio), **fields)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                log.warning("warning: %s is damaged (%s); inverting anew.", path, error)
        numbers = np.arange(first, first + len(audio))
        result = inversion(audio, max_iterations=self.max_iterations, seed=self.seed, numbers=numbers, progress=progress)
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez(file, **{name: np.asarray(getattr(result, name)) for name in KEPT})
        return result

    def _columns(self, result, clips, audio, members):
        """What is known of the inversions of one batch: dict of column to values [clips]."""
        columns = {name: getattr(result, name) for name in KEPT}
        columns |= measure(audio / result.gain[:, None, None], result.audio, self.sample_rate, self.with_speech)
        if clips.z is not None:
            z = clips.z[members]
            largest = latent.max_error(z, result.z)
            columns |= {
                "latent/rmse": latent.rmse(z, result.z),
                "latent/max_error": largest,
                "latent/cosine": latent.cosine(z, result.z),
                "latent/recovered": largest < latent.RECOVERED,
                "latent/recovered_finely": largest < latent.RECOVERED_FINELY,
            }
        return columns


def _heard(heard, labels, originals, members):
    """What was heard in one batch, beside its labels and what is heard in the originals."""
    known = labels != UNKNOWN
    columns = {
        "heard": heard.digits,
        "class/confidence": heard.confidence,
        "class/accuracy": np.where(known, heard.digits == labels, np.nan),
    }
    if originals is not None:
        columns["class/kept"] = heard.digits == originals.digits[members]
    return columns
