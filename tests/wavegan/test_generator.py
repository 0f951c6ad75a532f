import keras
import numpy as np
import pytest

from tests.conftest import thinned
from tf_wavegan_inv import Generator, UserError, WaveGANConfig, load_wavegan

pytestmark = pytest.mark.smoke

LONG = {"e_slice32768_nch2": 32768}
NAMES = ("a_default", "trained", "b_pp", "c_batchnorm", "d_upsample_nn", "e_slice32768_nch2")


@pytest.mark.parametrize("name", NAMES)
def test_equals_the_official_code(golden, name):
    generator = load_wavegan(golden(name), slice_len=LONG.get(name))
    expected = np.load(golden(name) / "golden.npz")
    assert np.abs(thinned(generator(expected["z"])) - expected["G_z"]).max() <= 1e-5


def test_is_frozen(tiny_generator):
    assert not tiny_generator.trainable_variables


def test_full_size_has_the_published_number_of_weights():
    assert Generator(WaveGANConfig()).count_params() == 101 * 16384 + 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64) + 961


def test_saves_and_loads_as_keras(tiny_generator, latents, tmp_path):
    tiny_generator.save(tmp_path / "g.keras")
    loaded = keras.saving.load_model(tmp_path / "g.keras")
    assert loaded.config == tiny_generator.config
    np.testing.assert_array_equal(loaded(latents(2)), tiny_generator(latents(2)))


@pytest.mark.parametrize("field, value", [("slice_len", 16000), ("upsample", "linear"), ("dim", 0), ("pp_len", -1)])
def test_refuses_what_is_no_wavegan(field, value):
    with pytest.raises(UserError, match=f"{field}.*{value}"):
        WaveGANConfig(**{field: value})
