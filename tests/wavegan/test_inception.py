import numpy as np
import pytest

from tests.conftest import thinned
from tf_wavegan_inv import UserError
from tf_wavegan_inv.metrics.inception import inception_score
from tf_wavegan_inv.wavegan.inception import load_inception

pytestmark = pytest.mark.smoke


def test_equals_the_official_classifier(golden):
    model, expected = load_inception(golden("inception")), np.load(golden("inception") / "golden.npz")
    audio = expected["x"][..., None]
    np.testing.assert_allclose(thinned(model.get_layer("log_mel")(audio)), expected["log_mel"], atol=1e-3)
    np.testing.assert_allclose(model(audio), expected["scores"], atol=1e-4)


def test_inception_score_as_the_official_one(golden):
    expected = np.load(golden("inception") / "golden_is.npz")
    audio = (expected["wav_int16"] / 32767).astype(np.float32)[..., None]
    score, deviation = inception_score(load_inception(golden("inception"))(audio), splits=int(expected["k"]))
    assert score == pytest.approx(float(expected["is_mean"]), abs=1e-4)
    assert deviation == pytest.approx(float(expected["is_std"]), abs=1e-4)


def test_inception_score_of_known_cases():
    assert inception_score(np.eye(10), splits=1)[0] == pytest.approx(10)  # sure, and every class as often
    assert inception_score(np.full((20, 10), 0.1), splits=2) == pytest.approx((1, 0))
    assert inception_score(np.eye(10)[[3] * 5], splits=1)[0] == pytest.approx(1)


def test_a_wavegan_instead(golden):
    with pytest.raises(UserError, match="is not WaveGAN's Inception classifier"):
        load_inception(golden("a_default"))
