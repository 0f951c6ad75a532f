"""Evaluators of clips: distances of reconstructions from their originals."""

import numpy as np

from tf_wavegan_inv.evaluation.evaluators import measure
from tf_wavegan_inv.names import NAMES, column


def test_a_copy_is_perfect_by_every_measure_and_chunks_change_nothing(real_clips):
    audio = np.tile(real_clips.float_audio(0, 5), (14, 1, 1))  # more than are measured at a time
    found = measure(audio, 0.5 * audio)
    assert set(found) <= set(NAMES) and len({column(name) for name in NAMES}) == len(NAMES)
    for name, values in found.items():
        np.testing.assert_allclose(values, np.tile(values[:5], 14), rtol=1e-12, err_msg=name)
    copy = measure(audio[:2], audio[:2])
    perfect = {"waveform/snr": np.inf, "spectrogram/ssim": 1, "spectrogram/ssim_real_stft": 1}
    for name, values in copy.items():
        if name == "waveform/si_sdr":
            assert (values > 200).all()
        else:
            np.testing.assert_allclose(values, perfect.get(name, 0), atol=1e-12, err_msg=name)
