"""Inversion as a model of Apache Beam's RunInference."""

import hashlib

import numpy as np
from apache_beam.ml.inference.base import ModelHandler, PredictionResult

from tf_wavegan_inv.evaluation.columns import columns_of
from tf_wavegan_inv.inversion.load import Models, load_models


class InversionHandler(ModelHandler):
    """Inverts clips within a Beam pipeline: `RunInference(InversionHandler(method="hybrid"))`.

    Elements are clips, float32 [samples, channels], as `load_audio` makes them. Beam's KeyedModelHandler adapts it
    to (name, clip). Each result is a `PredictionResult` whose inference is a dict: "z" float32 [latent_dim], and the
    columns of `columns_of`.

    The random starts of a clip depend only on `seed` and the clip's samples, not on the other clips of its bundle.

    Args:
        method: str. "inverter", "gradient" or "hybrid". Default "hybrid".
        max_batch_size: int. Number of clips optimised together; the last batch of a bundle is smaller. Default 32.
        seed: int. Seed of the random starts. Default 0.
        max_iterations: int or None. Limit of the L-BFGS iterations. Default None: the recipe's.
        **models: Further keywords of `inversion.load.load_models`: paths of models, from which the workers load them.
    """

    def __init__(
        self,
        method: str = "hybrid",
        *,
        max_batch_size: int = 32,
        seed: int = 0,
        max_iterations: int | None = None,
        **models,
    ):
        super().__init__()
        self.method = method
        self.models = models
        self.max_batch_size = max_batch_size
        self.seed = seed
        self.max_iterations = max_iterations

    def load_model(self) -> Models:
        """The models; Beam calls it once in each worker."""
        return load_models(method=self.method, **self.models)

    def run_inference(self, batch, model, inference_args=None):
        """Invert a batch: list of clips -> one `PredictionResult` a clip."""
        audio = np.stack(batch)
        numbers = [number_of(clip) for clip in audio]
        result = model.inversion(audio, max_iterations=self.max_iterations, seed=self.seed, numbers=numbers)
        z = model.to_own(result.z)
        columns = columns_of(result, audio, sample_rate=model.sample_rate, classifier=model.clip_classifier)
        for i, clip in enumerate(batch):
            yield PredictionResult(clip, {"z": z[i]} | {name: values[i] for name, values in columns.items()})

    def batch_elements_kwargs(self):
        """Options of Beam's BatchElements: full batches, except at the end of a bundle."""
        return {"min_batch_size": self.max_batch_size, "max_batch_size": self.max_batch_size}

    def get_num_bytes(self, batch):
        """Size of a batch in bytes, for Beam's metrics."""
        return sum(clip.nbytes for clip in batch)

    def get_metrics_namespace(self):
        """Namespace of Beam's counts and latencies."""
        return "WaveGANInversion"


def number_of(clip: np.ndarray) -> int:
    """A number of 63 bits from a clip's samples, which decides its random starts."""
    return int.from_bytes(hashlib.sha256(np.ascontiguousarray(clip, np.float32).tobytes()).digest()[:8], "little") >> 1
