"""Inversion as a model of Apache Beam's RunInference."""

import hashlib

import numpy as np
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from tf_wavegan_inv.evaluation.columns import columns_of
from tf_wavegan_inv.inversion.load import load_models


class InversionHandler(ModelHandler):
    """Inverts clips within a Beam pipeline: `RunInference(InversionHandler(method="hybrid"))`.

    Elements are clips, float32 [samples, channels], as `load_audio` makes them; wrap it in Beam's KeyedModelHandler for (name, clip).
    What comes out is a `PredictionResult` whose inference is a dict: "z" float32 [latent_dim], and the columns that `columns_of` names.

    What is random for a clip depends on `seed` and on the clip's samples alone, however it is bundled with others.

    Args:
        method: "inverter", "gradient" or "hybrid".
        max_batch_size: clips optimised together; smaller batches are what a runner makes of few clips.
        seed: int.
        max_iterations: of L-BFGS; the recipe's by default.
        models: further keywords of `inversion.load.load_models`: paths of models, from which the workers load them.
    """

    def __init__(self, method="hybrid", max_batch_size=32, seed=0, max_iterations=None, **models):
        super().__init__()
        self.method, self.models = method, models
        self.max_batch_size, self.seed, self.max_iterations = max_batch_size, seed, max_iterations

    def load_model(self):
        """`Models`; once in each worker."""
        return load_models(method=self.method, **self.models)

    def run_inference(self, batch, model, inference_args=None):
        """Invert a batch: list of clips -> a `PredictionResult` each."""
        audio = np.stack(batch)
        numbers = [number_of(clip) for clip in audio]
        result = model.inversion(audio, max_iterations=self.max_iterations, seed=self.seed, numbers=numbers)
        z, columns = model.to_latent(result.z), columns_of(result, audio, model.sample_rate, model.judge)
        for i, clip in enumerate(batch):
            yield PredictionResult(clip, {"z": z[i]} | {name: values[i] for name, values in columns.items()})

    def batch_elements_kwargs(self):
        """What Beam's BatchElements is told."""
        return {"min_batch_size": self.max_batch_size, "max_batch_size": self.max_batch_size}  # less only at the end of a bundle

    def get_num_bytes(self, batch):
        """Size of a batch, for Beam's metrics."""
        return sum(clip.nbytes for clip in batch)

    def get_metrics_namespace(self):
        """Under which Beam counts inferences, and their latencies."""
        return "WaveGANInversion"


def number_of(clip):
    """A number of 63 bits for a clip, by its samples."""
    return int.from_bytes(hashlib.sha256(np.ascontiguousarray(clip, np.float32).tobytes()).digest()[:8], "little") >> 1
