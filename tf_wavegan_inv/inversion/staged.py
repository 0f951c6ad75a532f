"""The recipe's minimisation: its stages one after the other, z kept where the recipe says."""

import dataclasses
import time

import numpy as np
import tensorflow as tf

from tf_wavegan_inv.config import OBJECTIVE_WEIGHTS
from tf_wavegan_inv.inversion.lbfgs import LBFGS
from tf_wavegan_inv.inversion.objective import Objective


class StagedMinimiser:
    """Minimises the objective of an `InversionConfig` over z, batch by batch; compiled once.

    Args:
        generator: keras.Model, z -> audio.
        config: `InversionConfig`.
        classifier: needed where a stage gives a weight to `perceptual`.
    """

    def __init__(self, generator, config, classifier=None):
        self.config = config
        configs = [dataclasses.replace(config, **_weights(stage)) for stage in config.stages] + [config]
        weights = {name: max(getattr(c, name) for c in configs) for name in OBJECTIVE_WEIGHTS}
        described = Objective(generator, dataclasses.replace(config, **weights), classifier)
        self.describe = tf.function(described.describe, input_signature=[tf.TensorSpec(generator.output_shape, tf.float32)])
        self.minimisers = [LBFGS(Objective(generator, c, classifier), line_search=config.line_search) for c in configs]
        self.shares = [stage["share"] for stage in config.stages]

    def value(self, z, target):
        """The last objective [batch] at z [batch, latent_dim]."""
        return self.minimisers[-1].value(z, target)

    def minimise(self, start, target, max_iterations, progress=None, seconds=None, trajectory=False, seeds=None):
        """Minimise from `start`.

        Args:
            start, target, max_iterations, progress, seconds, trajectory: see `LBFGS.minimise`; target: what `describe` gives.
            seeds: list of a tuple of ints a member, for latent = "stochastic".

        Returns:
            `Minimum` of the last stage; its iterations and evaluations are those of all, and so is its trajectory, whose values are of each
            stage's own objective.
        """
        counts = [int(share * max_iterations) for share in self.shares]
        counts.append(max_iterations - sum(counts))
        deadline = None if seconds is None else time.monotonic() + seconds
        done, found, waypoints = 0, None, []
        for stage, (minimiser, count) in enumerate(zip(self.minimisers, counts, strict=True)):
            if not count:
                continue
            before, left = found, None
            if deadline:  # a stage may have its share of what is left, the last one all
                left = max(deadline - time.monotonic(), 0) * count / sum(counts[stage:])
            found = minimiser.minimise(
                start,
                target,
                count,
                progress and (lambda now, _, done=done: progress(done + now, max_iterations)),
                left,
                trajectory,
                projection(self.config.latent, seeds, stage),
            )
            if before:
                steps = [dataclasses.replace(w, iterations=w.iterations + before.iterations) for w in found.trajectory]
                found = dataclasses.replace(
                    found,
                    iterations=found.iterations + before.iterations,
                    evaluations=found.evaluations + before.evaluations,
                    trajectory=steps,
                )
            waypoints += found.trajectory
            start, done = found.position, done + count
        return dataclasses.replace(found, trajectory=waypoints)


def projection(latent, seeds, stage=0):
    """What keeps z in [-1, 1] by the recipe's `latent`: function of (z [members, latent_dim], members) -> z; None for "free".

    Args:
        latent: see `InversionConfig`.
        seeds: list of a tuple of ints a member.
        stage: what is drawn also depends on it.
    """
    if latent == "free":
        return None
    if latent == "clipped":
        return lambda z, members: np.clip(z, -1, 1)
    calls = [0]

    def redraw(z, members):
        calls[0] += 1
        kept = z.copy()
        for row, member in enumerate(members):
            outside = np.abs(z[row]) > 1
            if outside.any():
                kept[row, outside] = np.random.default_rng([*seeds[member], stage, calls[0]]).uniform(-1, 1, outside.sum())
        return kept

    return redraw


def without_perceptual(config):
    """The config without its term `perceptual`, in the stages neither: what is left where there is no classifier."""
    stages = tuple({**stage, "perceptual": 0.0} for stage in config.stages)
    return dataclasses.replace(config, perceptual=0.0, stages=stages)


def _weights(stage):
    return {name: float(value) for name, value in stage.items() if name != "share"}
