"""Names of losses and metrics: one dictionary, the same in logs, CSV files, TensorBoard and tests.

A name is "group/metric". Its CSV column is the part after the slash, which is unique as well.
"""

NAMES = {
    "loss/total": "the weighted sum that is minimised",
    "loss/cross_entropy": "the classifier's cross-entropy, nats",
    "loss/perceptual_real": "distance of classifier features, real clip to its reconstruction",
    "loss/perceptual_synth": "distance of classifier features, synthesised clip to its reconstruction",
    "loss/latent": "mean squared error of z on synthesised clips",
    "loss/waveform": "squared error of the waveform on synthesised clips, divided by the clip's power",
    "loss/range": "mean squared distance of z from [-1, 1] on real clips",
    "loss/log_stft": "multi-resolution log STFT distance of real clips and their reconstructions",
    "loss/prior": "sliced Wasserstein distance of real clips' z from the prior",
    "loss/discriminator": "the discriminator's loss, including the gradient penalty",
    "loss/generator": "the generator's adversarial loss",
    "loss/projected_discriminator": "hinge loss of the discriminator on classifier features, mean over its heads",
    "loss/projected_generator": "the generator's adversarial loss from that discriminator, unweighted",
    "loss/gradient_penalty": "mean squared distance of the discriminator's slope from 1, unweighted",
    "wavegan/logit_real": "the discriminator's output for real clips",
    "wavegan/logit_fake": "the discriminator's output for generated clips",
    "class/inception_score": "Inception Score by the bundled or trained classifier, 1 to the number of labels",
    "class/inception_score_official": "Inception Score by WaveGAN's official classifier, 1 to 10",
    "class/frechet_distance": "Frechet distance of classifier features from those of the original clips",
    "class/confidence": "the classifier's highest probability",
    "class/rarest": "share of generated clips with the rarest predicted label",
    "class/accuracy": "share of clips whose predicted label is the true label",
    "class/agreement": "share of clips with one predicted label for the original and the reconstruction",
    "inversion/objective": "the recipe's objective, mean over the inversions of fixed validation clips",
    "inversion/label_accuracy": "share of fixed validation clips whose inversion has the true label, mean over labels",
    "inversion/worst_label_accuracy": "share of fixed validation clips whose inversion has the true label, lowest over labels",
    "inversion/spectral_distance": "log-spectral distance of fixed validation clips and their inversions, dB",
    "latent/rmse": "root mean squared error of z; 0.577 for a prediction of zero",
    "latent/max_error": "largest error of the coordinates of z",
    "latent/cosine": "cosine of the angle between the true z and the recovered z",
    "latent/recovered": "share of clips with all coordinates of z within 0.01",
    "latent/recovered_finely": "share of clips with all coordinates of z within 0.001",
    "waveform/mse": "mean squared error of the samples (the paper's MSE)",
    "waveform/relative_mse": "mean squared error divided by the clip's power; 1 for silence",
    "waveform/snr": "signal-to-noise ratio, dB; 0 for silence",
    "waveform/si_sdr": "scale-invariant signal-to-distortion ratio, dB",
    "spectrogram/log_spectral_distance": "root mean squared difference of log-magnitude STFTs, dB",
    "spectrogram/multi_resolution_stft": "spectral convergence plus log-magnitude difference, three resolutions",
    "spectrogram/mel_cepstral_distortion": "distance of 13 mel-cepstral coefficients, dB",
    "spectrogram/ssim": "structural similarity of log-magnitude STFTs, fixed range of 80 dB; 1 for a copy",
    "spectrogram/ssim_real_stft": "the paper's SSIM: real part of the STFT, range of the pair itself",
    "speech/stoi": "short-time objective intelligibility, about 0 to 1",
    "speech/pesq": "perceptual evaluation of speech quality (wide band), 1 to 4.6",
    "train/learning_rate": "learning rate of the optimiser",
    "train/steps_per_second": "training steps a second, over the epoch",
    "train/clips_per_second": "real clips a second, all replicas together",
    "train/gradient_norm": "norm of the gradient, mean over updates and replicas (each its part of the batch)",
    "train/gradient_norm_discriminator": "norm of the gradient of a WaveGAN's discriminator",
    "train/gradient_norm_projected": "norm of the gradient of the discriminator on classifier features",
    "train/gradient_norm_inverter": "norm of the gradient of the inverter trained beside a WaveGAN",
    "train/replicas": "devices that train",
    "train/memory": "highest memory use of the process, GB",
    "train/device_memory": "highest memory use of the first GPU, GB",
}
COLUMNS = {"class/agreement": "label_agreement"}  # columns that differ from the part after the slash
FORMER = {  # name in files of version 0.1 -> name today
    "class/kept": "class/agreement",
    "digit": "label_predicted",
    "digit_original": "label_original",
}


def column(name: str) -> str:
    """CSV or table column of a name: "waveform/mse" -> "mse"."""
    return COLUMNS.get(name) or (name.partition("/")[2] if name in NAMES else name)


def renamed(row: dict) -> dict:
    """A row of a CSV file of version 0.1 or later, by today's names.

    A row with predicted labels and without `label_agreement`, as version 0.1 wrote it, gains that column.
    """
    former = FORMER | {f"val_{name}": f"val_{new}" for name, new in FORMER.items()}
    row = {former.get(name, name): value for name, value in row.items()}
    if {"label_predicted", "label_original"} <= row.keys() and "label_agreement" not in row:
        predicted, original = row["label_predicted"], row["label_original"]
        row["label_agreement"] = str(int(predicted == original)) if predicted and original else ""
    return row
