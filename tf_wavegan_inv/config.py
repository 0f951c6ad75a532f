"""Every option of a recipe, with its meaning and its default: one dataclass a section."""

import dataclasses

from tf_wavegan_inv.errors import UserError

SPECTROGRAMS = ("real", "log_magnitude", "phase")
SCHEDULES = ("constant", "cosine")
LINE_SEARCHES = ("weak_wolfe", "hager_zhang")
WAVEGAN_LOSSES = ("wgan-gp", "wgan", "dcgan", "lsgan")


@dataclasses.dataclass(frozen=True)
class AudioConfig:
    """How audio is read.

    Attributes:
        sample_rate: int. Rate in Hz that recordings are resampled to and written with. 16384 is the
            2.4 % stretch of the paper's code. Default 16000.
        peak_normalise: bool. Whether each recording is scaled to a peak of 1, as by the official
            WaveGAN loader (`loader.py`). Default True.
        gain: float. Factor of the samples after peak normalisation. Default 1.
    """

    sample_rate: int = 16000
    peak_normalise: bool = True
    gain: float = 1.0

    def __post_init__(self):
        if not 1000 <= self.sample_rate <= 384000:
            raise UserError(f"audio.sample_rate must be between 1000 and 384000 Hz, received {self.sample_rate}.")


@dataclasses.dataclass(frozen=True)
class SpectrogramConfig:
    """What the networks see.

    Attributes:
        kind: str. "real": the real part of the STFT, as in the paper's code. "log_magnitude": the log
            magnitude on a fixed scale of about [-1, 1]. "phase": the log magnitude, and as two more
            channels the real and imaginary parts of the STFT, with their magnitude compressed by a
            power. Default "log_magnitude".
        frame_length: int. Samples in a frame and in its FFT. Default 256.
        frame_step: int. Samples between the starts of two frames. Default 128.
        copies: int. Number of times the spectrogram is stacked as channels; 3 in the paper's code.
            Default 1.
    """

    kind: str = "log_magnitude"
    frame_length: int = 256
    frame_step: int = 128
    copies: int = 1

    def __post_init__(self):
        if self.kind not in SPECTROGRAMS:
            raise UserError(f"spectrogram.kind must be one of {SPECTROGRAMS}, received {self.kind!r}.")
        if not 1 <= self.frame_step <= self.frame_length:
            raise UserError(f"spectrogram.frame_step must be in 1..frame_length={self.frame_length}, received {self.frame_step}.")


def _check_positive(config, *names):
    for name in names:
        if getattr(config, name) < 1:
            raise UserError(f"{name} must be at least 1, received {getattr(config, name)}.")


def _check_schedule(config):
    if config.schedule not in SCHEDULES:
        raise UserError(f"schedule must be one of {SCHEDULES}, received {config.schedule!r}.")


@dataclasses.dataclass(frozen=True)
class ClassifierConfig:
    """How the digit classifier is trained.

    Attributes:
        width: int. Width of the ResNet-18; 64 in the paper. Default 64.
        batch_size: int. Clips in a step, all replicas together. Default 64.
        epochs: int. Passes over the training clips. Default 100.
        learning_rate: float. Learning rate of Adam at the start. Default 0.001.
        schedule: str. Course of the learning rate: "constant" or "cosine" (to zero at the last
            epoch). Default "constant".
        patience: int. Epochs without a better validation loss after which training ends; 0 for no
            such end. Default 0.
        augment: float. Strength of random changes of the clips, 0 to 1 (`audio.augment`). Default 0.
        rooms: float. Strength of random rooms and background noise, 0 to 1
            (`audio.augment.in_room`); 0 for none. Default 0.
        balanced: bool. Whether every digit is drawn equally often, however many clips it has.
            Default False.
    """

    width: int = 64
    batch_size: int = 64
    epochs: int = 100
    learning_rate: float = 1e-3
    schedule: str = "constant"
    patience: int = 0
    augment: float = 0.0
    rooms: float = 0.0
    balanced: bool = False

    def __post_init__(self):
        _check_positive(self, "width", "batch_size", "epochs")
        _check_schedule(self)


@dataclasses.dataclass(frozen=True)
class InverterConfig:
    """How the inverter is trained.

    Attributes:
        width: int. Width of the ResNet-18; 64 in the paper. Default 64.
        batch_size: int. Real clips in a step, all replicas together, and as many synthesised ones.
            Default 64.
        epochs: int. Passes over the real clips. Default 250.
        learning_rate: float. Learning rate of Adam at the start. Default 0.001.
        schedule: str. Course of the learning rate: "constant" or "cosine" (to zero at the last
            epoch). Default "constant".
        patience: int. Epochs without a better validation loss after which training ends; 0 for no
            such end. Default 0.
        joint: bool. Whether a step is one update on the losses of real and synthesised clips together.
            False: two updates, for real clips, then for synthesised ones. Default False.
        batch_statistics: bool. Whether batch normalisation uses the statistics of each batch in
            training. False: it uses the stored ones, as in inference, if the inverter starts from
            trained weights. One from scratch always uses those of its batches. Default True.
        augment: float. Strength of random changes of the real clips, 0 to 1 (`audio.augment`).
            Default 0.
        perceptual_layers: tuple of str. Layers of the classifier that the perceptual loss compares;
            empty for every residual block. Default empty.
        perceptual_relative: bool. Whether the perceptual loss of each layer is divided by the mean
            square of the target's activations (`losses.perceptual_loss`). Default False.
        perceptual_weight: float. Weight of the perceptual loss, real and synthesised. Default 1.
        log_stft_weight: float. Weight of the multi-resolution log-STFT distance between real clips
            and their reconstructions. Default 0.
        latent_weight: float. Weight of the mean squared error of z of synthesised clips. Default 1.
        waveform_weight: float. Weight of the squared error of the waveform of synthesised clips,
            relative to the clip's power. Default 0.
        range_weight: float. Weight of the distance of real clips' z from [-1, 1]
            (`losses.range_penalty`). Default 0.
        spectrogram: str. Kind of spectrogram that the inverter sees (`SpectrogramConfig`); "" for the
            classifier's. Default "".
    """

    width: int = 64
    batch_size: int = 64
    epochs: int = 250
    learning_rate: float = 1e-3
    schedule: str = "constant"
    patience: int = 0
    joint: bool = False
    batch_statistics: bool = True
    augment: float = 0.0
    perceptual_layers: tuple = ()
    perceptual_relative: bool = False
    perceptual_weight: float = 1.0
    log_stft_weight: float = 0.0
    latent_weight: float = 1.0
    waveform_weight: float = 0.0
    range_weight: float = 0.0
    spectrogram: str = ""

    def __post_init__(self):
        _check_positive(self, "width", "batch_size", "epochs")
        _check_schedule(self)
        if self.spectrogram:
            SpectrogramConfig(self.spectrogram)

    @property
    def updates(self):
        """Updates of the optimiser in a training step."""
        return 1 if self.joint else 2


@dataclasses.dataclass(frozen=True)
class WaveGANTrainingConfig:
    """How a WaveGAN is trained; the defaults are the official code's.

    Attributes:
        loss: str. Name of the loss (`wavegan.adversarial.LOSSES`), which sets the optimisers.
            Default "wgan-gp".
        steps: int. Total number of updates of the generator. Default 200000.
        batch_size: int. Clips in an update, all replicas together. Default 64.
        updates: int. Updates of the discriminator before each update of the generator; 0 for no
            discriminator of the waveform. Default 5.
        phase_shuffle: int. Largest shift of the phase shuffle in samples; 0 for none. Default 2.
        learning_rate: float. Learning rate of both optimisers; 0 for the loss's official one.
            Default 0.
        average: float. Decay per step of the exponential moving average of the generator's weights;
            0 for none. Default 0.
        projected_weight: float. Weight of the adversarial loss of a second discriminator, on features
            of the digit classifier (`wavegan.projected`); 0 for none. Default 0.
        joint_weight: float. Weight of the losses of an inverter that is trained in the generator's own
            step (`training.joint`); 0 for none. The section [inverter] sets the inverter and the
            weights of its losses. Default 0.
        prior_weight: float. Weight, among those losses, of the distance between real clips' z and the
            prior. Default 1.
        balanced: bool. Whether every digit is drawn equally often, however many clips it has.
            Default False.
        inverted_clips: int. Number of validation clips, evenly over the digits, that are inverted at
            every report (`training.invertibility`). The generator that inverts them best is kept. 0
            for none: the generator with the highest Inception Score is kept. Default 40.
        report_steps: int. Steps between two reports: previews, scalars and a checkpoint. Default 250.
        keep: int. Number of checkpoints that are kept. Default 5.
        dim, kernel_len, latent_dim, slice_len, channels, batch_norm, upsample, pp_len: architecture,
            see `WaveGANConfig`.
        first_slice, pad_end, overlap: slices of recordings, see `audio.slices.SliceConfig`.
    """

    loss: str = "wgan-gp"
    steps: int = 200000
    batch_size: int = 64
    updates: int = 5
    phase_shuffle: int = 2
    learning_rate: float = 0.0
    average: float = 0.0
    projected_weight: float = 0.0
    joint_weight: float = 0.0
    prior_weight: float = 1.0
    balanced: bool = False
    inverted_clips: int = 40
    report_steps: int = 250
    keep: int = 5
    dim: int = 64
    kernel_len: int = 25
    latent_dim: int = 100
    slice_len: int = 16384
    channels: int = 1
    batch_norm: bool = False
    upsample: str = "zeros"
    pp_len: int = 0
    first_slice: bool = True
    pad_end: bool = True
    overlap: float = 0.0

    def __post_init__(self):
        _check_positive(self, "steps", "batch_size", "report_steps", "keep")
        if not (self.updates or self.projected_weight):
            raise UserError("[wavegan] updates = 0 needs another adversary: give a projected_weight above 0.")
        if self.loss not in WAVEGAN_LOSSES:
            raise UserError(f"loss must be one of {WAVEGAN_LOSSES}, received {self.loss!r}.")
        if not 0 <= self.average < 1:
            raise UserError(f"average must be a decay of at least 0 and below 1, received {self.average}.")


@dataclasses.dataclass(frozen=True)
class ExactConfig:
    """How z is recovered exactly (`inversion.exact`); docs/explanation/exact-recovery.md explains the defaults.

    An error is the squared error of the waveform, divided by the clip's power. A noise is its mean
    over samples, divided by that of rounding to 16 bits.

    Attributes:
        rounds: int. Largest number of starts for a clip; 0 for no exact recovery. Default 0.
        iterations: int. Largest number of iterations of L-BFGS before Gauss-Newton. Default 200.
        gradient_starts: int. Starts of a clip that stays out of range, by the method "gradient":
            one random start in eight never comes near. Default 3.
        hybrid_starts: int. Starts of a clip that stays out of range, by the method "hybrid". Default 2.
        out_of_range: float. Error after L-BFGS above which a clip is out of range. Clips that the
            generator made stay below, recordings do not. Default 0.4.
        exact_error: float. Error below which z is exact, or uncertain. Default 1e-7.
        exact_noise: float. Noise below which z is exact, or uncertain. The noise of truncating to 16
            bits is 4. Default 5.
        certain_error: float. Error below which z is exact, about the precision of float32. Default 3e-12.
        certain_noise: float. Noise below which z is exact, for samples of 16 bits. Default 1.3.
        confirmations: int. Further rounds after which an uncertain z is exact. Default 5.
        confirmations_rounded: int. Further rounds after which an uncertain z is exact, for samples of
            16 bits, which may have been truncated. Default 2.
        redrawn: float. Share of the entries of z that the first perturbed start redraws. Default 0.05.
        redraw_cycle: int. Rounds in which the redrawn share grows before it is reset. Default 6.
        perturbation: float. Standard deviation by which a perturbed start moves the entries that it
            does not redraw. Default 0.05.
        inaudible_power: float. Share of the clip's power that a move of an uncertain z along one
            direction may change. Default 3e-8.
        inaudible_distance: float. Longest move of an uncertain z along one direction. Default 0.5.
        normalised: float. Distance from 1 of a clip's peak, below which the clip may have been
            scaled to that peak. Default 1e-3.
        altered: float. Error below which a clip counts as altered audio of the generator, by MP3 for
            example. The recipe's objective then starts from its z. Default 0.1.
    """

    rounds: int = 0
    iterations: int = 200
    gradient_starts: int = 3
    hybrid_starts: int = 2
    out_of_range: float = 0.4
    exact_error: float = 1e-7
    exact_noise: float = 5.0
    certain_error: float = 3e-12
    certain_noise: float = 1.3
    confirmations: int = 5
    confirmations_rounded: int = 2
    redrawn: float = 0.05
    redraw_cycle: int = 6
    perturbation: float = 0.05
    inaudible_power: float = 3e-8
    inaudible_distance: float = 0.5
    normalised: float = 1e-3
    altered: float = 0.1

    def __post_init__(self):
        _check_positive(self, "iterations", "gradient_starts", "hybrid_starts", "redraw_cycle")


@dataclasses.dataclass(frozen=True)
class InversionConfig:
    """How z is optimised.

    Attributes:
        waveform, stft, log_stft, perceptual, range: float. Weights of the terms of the objective
            (`inversion.objective`). Default 0.
        power: int. Exponent of the differences in the terms `waveform`, `stft` and `perceptual`:
            1 for absolute, 2 for squared ones. Default 1.
        perceptual_layers: tuple of str. Layers of the classifier that the term `perceptual`
            compares; empty for every residual block. Default empty.
        relative: bool. Whether the terms `waveform`, `stft` and `perceptual` are divided by the
            same measure of the target, so that silence scores 1. Default False.
        line_search: str. Line search of L-BFGS: "weak_wolfe", this package's, or "hager_zhang",
            tensorflow-probability's `lbfgs_minimize` as it is. Default "weak_wolfe".
        exact: `ExactConfig`. Exact recovery of z, which comes first: the section [inversion.exact] of
            a recipe. Default: none.
        gradient_iterations: int. Largest number of iterations from a random start. Default 50000.
        gradient_starts: int. Random starts for a clip; the best result is kept. Default 1.
        hybrid_iterations: int. Largest number of iterations from the inverter's z. Default 200.
    """

    waveform: float = 0.0
    stft: float = 0.0
    log_stft: float = 0.0
    perceptual: float = 0.0
    range: float = 0.0
    power: int = 1
    perceptual_layers: tuple = ()
    relative: bool = False
    line_search: str = "weak_wolfe"
    exact: ExactConfig = ExactConfig()
    gradient_iterations: int = 50000
    gradient_starts: int = 1
    hybrid_iterations: int = 200

    def __post_init__(self):
        _check_positive(self, "power", "gradient_iterations", "gradient_starts", "hybrid_iterations")
        if self.line_search not in LINE_SEARCHES:
            raise UserError(f"line_search must be one of {LINE_SEARCHES}, received {self.line_search!r}.")

    @property
    def has_objective(self) -> bool:
        """Whether there is anything to minimise."""
        return any((self.waveform, self.stft, self.log_stft, self.perceptual))


# Options of [inversion] that version 0.2 removed: the values that are accepted, because they are today's
# behaviour, and what replaces all others. Models saved by 0.1 carry these options in their config.json.
RETIRED: dict[str, tuple[tuple, str]] = {
    "stages": (((), []), "put the weights of the last stage into [inversion]"),
    "latent": (("free",), 'z is always free; the weight "range" keeps it near [-1, 1]'),
}


def without_retired(options: dict, what: str) -> dict:
    """Options of [inversion] by this version's names.

    Args:
        options: dict. Options of the section by name, as version 0.1 or this one writes them.
        what: str. Source of the options, for messages.

    Returns:
        dict. The options without the removed ones, and with `exact_rounds` as `exact`.

    Raises:
        UserError: if a removed option has a value other than its old default.
    """
    for name in RETIRED.keys() & options.keys():
        harmless, instead = RETIRED[name]
        if options[name] not in harmless:
            raise UserError(f"{what} {name} = {options[name]!r} was removed in 0.2: {instead}.")
    options = {name: value for name, value in options.items() if name not in RETIRED}
    if "exact_rounds" in options:
        options["exact"] = {"rounds": options.pop("exact_rounds")} | options.get("exact", {})
    return options


def check_known(given, known, what):
    """Raise UserError if a name is not among the known ones."""
    unknown = sorted(set(given) - known)
    if unknown:
        raise UserError(f"{what} {unknown} is unknown: use one of {sorted(known)}.")
