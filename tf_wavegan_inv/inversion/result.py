"""What an inversion found, batch by batch."""

import dataclasses
import typing

import numpy as np

Trajectory = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class InversionResult:
    """The result of inversion, one entry a clip.

    Attributes:
        z: float32 [batch, latent_dim].
        audio: float32 [batch, samples, channels]. The generator's audio of z.
        gain: float32 [batch]. The clip is like gain * audio. 1, except for clips of the generator
            that were scaled to a peak of 1.
        objective: float32 [batch]. The recipe's objective at z, for the clip divided by its gain.
        iterations: int32 [batch]. Iterations from the start that was kept; 0 for the inverter alone.
        evaluations: int32 [batch]. Evaluations of the recipe's objective, from all starts; 0 if exact
            recovery found z.
        status: list of str. "predicted" by the inverter, "exact" if exact recovery found z
            (`inversion.exact`), or how L-BFGS ended (`inversion.lbfgs.Minimum`).
        distance: float [batch]. Distance from the generator's range: the least squared error found
            for the waveform, divided by the clip's power. Above 0.4, after a complete search, no z of
            the WaveGAN has this waveform. NaN without exact recovery.
        seconds: float [batch]. Each clip's share of the batch's time.
        trajectory: list. One entry a clip: a tuple of iterations [points], objective [points] and z
            [points, latent_dim] during the search of the recipe's objective. None if it was not
            requested, or there was no search.
    """

    z: np.ndarray
    audio: np.ndarray
    gain: np.ndarray
    objective: np.ndarray
    iterations: np.ndarray
    evaluations: np.ndarray
    status: list[str]
    distance: np.ndarray
    seconds: np.ndarray
    trajectory: list[Trajectory | None]


def concatenate(results: list[InversionResult]) -> InversionResult:
    """The results of several batches as one `InversionResult`."""
    joined: dict[str, typing.Any] = {}
    for field in dataclasses.fields(InversionResult):
        parts = [getattr(result, field.name) for result in results]
        if field.name in ("status", "trajectory"):
            joined[field.name] = [entry for part in parts for entry in part]
        else:
            joined[field.name] = np.concatenate(parts)
    return InversionResult(**joined)
