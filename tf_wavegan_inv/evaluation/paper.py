"""The paper's figures, for comparison with ours.

Keyes, Bayat, Khazaie & Mohsenzadeh, "Latent Vector Recovery of Audio GANs" (2020), tables 1 and 2. Inception Score: (mean, spread).
"""

PROTOCOL = (
    "The paper's figures: the official WaveGAN (dim 64) and SC09; Inception Score by the authors' own ResNet-18,\n"
    "in their code 2 splits of 501 clips; waveforms 1.414 times as loud as recorded; accuracy of a classifier that\n"
    "was validated on its training files."
)
TABLES = {
    "synthesised": {
        "original": {"class/inception_score": (7.23, 0.003)},
        "gradient": {"class/inception_score": (3.96, 0.203), "waveform/mse": 0.00489, "spectrogram/ssim_real_stft": 0.9618},
        "inverter": {"class/inception_score": (7.50, 0.288), "waveform/mse": 0.00196, "spectrogram/ssim_real_stft": 0.9731},
        "hybrid": {"class/inception_score": (7.23, 0.006), "waveform/mse": 0.00003, "spectrogram/ssim_real_stft": 0.9979},
    },
    "real": {
        "original": {"class/inception_score": (9.20, 0.019), "class/accuracy": 0.9541},
        "gradient": {
            "class/inception_score": (2.20, 0.063),
            "waveform/mse": 0.00959,
            "spectrogram/ssim_real_stft": 0.953,
            "class/accuracy": 0.1717,
        },
        "inverter": {
            "class/inception_score": (7.93, 0.077),
            "waveform/mse": 0.01176,
            "spectrogram/ssim_real_stft": 0.946,
            "class/accuracy": 0.7106,
        },
        "hybrid": {
            "class/inception_score": (3.89, 0.027),
            "waveform/mse": 0.00887,
            "spectrogram/ssim_real_stft": 0.954,
            "class/accuracy": 0.3693,
        },
    },
}
