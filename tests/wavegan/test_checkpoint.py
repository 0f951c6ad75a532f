import shutil

import numpy as np
import pytest
import tensorflow as tf

from tf_wavegan_inv import UserError, load_wavegan, save_wavegan_checkpoint
from tf_wavegan_inv.wavegan.sources import find_checkpoint


@pytest.fixture
def copy(golden, tmp_path):
    """A copy of an official checkpoint, to damage."""
    shutil.copytree(golden("a_default"), tmp_path / "ckpt")
    return tmp_path / "ckpt"


@pytest.mark.parametrize("name", ["a_default", "b_pp", "c_batchnorm", "d_upsample_nn"])
def test_round_trip_is_exact_and_official(golden, latents, tmp_path, name):
    generator = load_wavegan(golden(name))
    save_wavegan_checkpoint(generator, tmp_path / "new" / "model.ckpt")
    again = load_wavegan(tmp_path / "new" / "model.ckpt")
    assert again.config == generator.config
    np.testing.assert_array_equal(again(latents(2)), generator(latents(2)))
    official = dict(tf.train.list_variables(str(find_checkpoint(golden(name)))))
    assert dict(tf.train.list_variables(str(tmp_path / "new" / "model.ckpt"))) == {n: s for n, s in official.items() if n.startswith("G/")}
    assert not list((tmp_path / "new").glob(".*"))


@pytest.mark.parametrize("suffix", ["", "model.ckpt", "model.ckpt.index", "model.ckpt.data-00000-of-00001"])
def test_finds_prefix_file_or_folder(copy, suffix):
    assert find_checkpoint(copy / suffix) == copy / "model.ckpt"


def test_a_training_folder_means_its_newest_checkpoint(golden):
    assert find_checkpoint(golden("trained")).name == "model.ckpt-50"


def test_missing(tmp_path):
    with pytest.raises(UserError, match=r"No checkpoint at .*nothing.*index is missing"):
        load_wavegan(tmp_path / "nothing")


def test_folder_without_checkpoint(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match=r"must hold one WaveGAN checkpoint.*notes\.txt"):
        load_wavegan(tmp_path)


def test_no_data_file(copy):
    (copy / "model.ckpt.data-00000-of-00001").unlink()
    with pytest.raises(UserError, match="incomplete"):
        load_wavegan(copy)


@pytest.mark.parametrize(
    "file, message", [("model.ckpt.data-00000-of-00001", "cut short or damaged"), ("model.ckpt.index", "cannot be read")]
)
def test_truncated(copy, file, message):
    data = (copy / file).read_bytes()
    (copy / file).write_bytes(data[: len(data) // 3])
    with pytest.raises(UserError, match=message):
        load_wavegan(copy)


def test_text_instead_of_a_checkpoint(tmp_path):
    for name in ("model.ckpt.index", "model.ckpt.data-00000-of-00001"):
        (tmp_path / name).write_text("not a checkpoint")
    with pytest.raises(UserError, match="cannot be read as a TensorFlow checkpoint"):
        load_wavegan(tmp_path)


def write(path, variables):
    tf.raw_ops.SaveV2(
        prefix=str(path), tensor_names=list(variables), shape_and_slices=[""] * len(variables), tensors=list(variables.values())
    )
    return path


def read(folder):
    reader = tf.train.load_checkpoint(str(folder / "model.ckpt"))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map() if name.startswith("G/")}


def test_foreign_checkpoint(tmp_path):
    path = write(tmp_path / "other.ckpt", {"dense/kernel": np.zeros((2, 2), np.float32)})
    with pytest.raises(UserError, match="No WaveGAN generator.*found no name that starts with G/"):
        load_wavegan(path)


def test_missing_variable_and_wrong_shape_and_nan(golden, tmp_path):
    whole = read(golden("a_default"))
    name = "G/upconv_2/conv2d_transpose/bias"
    with pytest.raises(UserError, match=f"{name}.*missing"):
        load_wavegan(write(tmp_path / "a.ckpt", {n: v for n, v in whole.items() if n != name}))
    with pytest.raises(UserError, match=rf"{name} has shape \(3,\), expected \(8,\)"):
        load_wavegan(write(tmp_path / "b.ckpt", whole | {name: np.zeros(3, np.float32)}))
    with pytest.raises(UserError, match=f"{name} holds NaN"):
        load_wavegan(write(tmp_path / "c.ckpt", whole | {name: np.full(8, np.nan, np.float32)}))


def test_ambiguous_length(golden):
    with pytest.raises(UserError, match="32768 or 65536.*give slice_len"):
        load_wavegan(golden("e_slice32768_nch2"))
    with pytest.raises(UserError, match="16384 samples, received slice_len=32768"):
        load_wavegan(golden("a_default"), slice_len=32768)


def test_a_folder_tells_of_one_length(golden, tmp_path):
    generator = load_wavegan(golden("e_slice32768_nch2"), slice_len=32768)
    save_wavegan_checkpoint(generator, tmp_path / "a.ckpt")
    assert load_wavegan(tmp_path / "a.ckpt").output_shape == (None, 32768, 2)
    with pytest.raises(UserError, match="args.txt tells of a WaveGAN of 32768 samples, and this one makes 65536: save it in"):
        save_wavegan_checkpoint(load_wavegan(golden("e_slice32768_nch2"), slice_len=65536), tmp_path / "b.ckpt")
    assert not list(tmp_path.glob("b.ckpt*"))
