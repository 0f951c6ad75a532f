"""Names of losses and metrics: one dictionary, used alike in logs, CSV, TensorBoard and tests.

A name is "group/metric"; where a table needs a plain column, it is the part after the slash, so those are unique too.
"""

NAMES = {
    "loss/total": "the weighted sum that is minimised",
    "loss/cross_entropy": "the classifier's cross-entropy, nats",
    "loss/perceptual_real": "difference of classifier features, real clip against its reconstruction",
    "loss/perceptual_synth": "difference of classifier features, synthesised clip against its reconstruction",
    "loss/latent": "mean squared error of z on synthesised clips",
    "loss/waveform": "squared error of the waveform on synthesised clips, divided by the clip's power",
    "loss/range": "mean squared distance of z from [-1, 1] on real clips",
    "loss/discriminator": "the discriminator's loss, gradient penalty included",
    "loss/generator": "the generator's adversarial loss",
    "loss/projected_discriminator": "hinge loss of the discriminator on the classifier's features, a mean over its heads",
    "loss/projected_generator": "the generator's adversarial loss by that discriminator, before its weight",
    "loss/gradient_penalty": "mean squared distance of the discriminator's slope from 1, before its weight",
    "wavegan/logit_real": "the discriminator's output for real clips",
    "wavegan/logit_fake": "the discriminator's output for generated clips",
    "class/inception_score": "Inception Score by the digit classifier, 1 to 10",
    "class/inception_score_official": "Inception Score by WaveGAN's official classifier, 1 to 10",
    "class/frechet_distance": "Frechet distance of the classifier's features from those of the originals",
    "class/confidence": "the classifier's highest probability",
    "class/accuracy": "share of clips whose digit the classifier hears",
    "class/kept": "share of clips that the classifier hears alike before and after",
    "latent/rmse": "root mean squared error of z; 0.577 for guessing zero",
    "latent/max_error": "largest error of a number of z",
    "latent/cosine": "cosine of the angle between z and the z that was found",
    "latent/recovered": "share of clips whose z has no error of 0.01 or more",
    "latent/recovered_finely": "share of clips whose z has no error of 0.001 or more",
    "waveform/mse": "mean squared error of the samples (the paper's MSE)",
    "waveform/relative_mse": "the same, divided by the clip's power: silence scores 1",
    "waveform/snr": "signal-to-noise ratio, dB: silence has 0",
    "waveform/si_sdr": "scale-invariant signal-to-distortion ratio, dB",
    "spectrogram/log_spectral_distance": "root mean squared difference of log-magnitude STFTs, dB",
    "spectrogram/multi_resolution_stft": "spectral convergence plus difference of log magnitudes, three resolutions",
    "spectrogram/mel_cepstral_distortion": "of 13 mel-cepstral coefficients, dB",
    "spectrogram/ssim": "structural similarity of log-magnitude STFTs on a fixed range of 80 dB; 1 for a copy",
    "spectrogram/ssim_real_stft": "the paper's SSIM: of the real part of the STFT, on the pair's own range",
    "speech/stoi": "short-time objective intelligibility, about 0 to 1",
    "speech/pesq": "perceptual evaluation of speech quality (wide band), 1 to 4.6",
    "train/learning_rate": "of the optimiser",
    "train/steps_per_second": "training steps a second, over the epoch",
    "train/clips_per_second": "clips a second: real ones, of all replicas",
    "train/gradient_norm": "norm of the gradient, a mean over updates and replicas (each its own part of the batch)",
    "train/gradient_norm_discriminator": "the same of a WaveGAN's discriminator",
    "train/gradient_norm_projected": "the same of its discriminator on the classifier's features",
    "train/replicas": "devices that train",
    "train/memory": "the most memory that the process has held, GB",
    "train/device_memory": "the most memory held on the first GPU, GB",
}


def column(name):
    """Column of a CSV or table for a name: "waveform/mse" -> "mse"."""
    return name.partition("/")[2] if name in NAMES else name
