import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.augment import augment, in_room


def seed(n):
    return tf.constant([n, 0], tf.int64)


def test_depends_on_the_seed_alone_and_keeps_the_peak(real_clips):
    audio = real_clips.float_audio(0, 8)
    changed = augment(audio, seed(1)).numpy()
    np.testing.assert_array_equal(changed, augment(audio, seed(1)))
    assert not np.array_equal(changed, augment(audio, seed(2)))
    np.testing.assert_allclose(np.abs(changed).max(axis=1), np.abs(audio).max(axis=1), rtol=1e-5)


def test_clips_are_changed_differently(real_clips):
    changed = augment(np.repeat(real_clips.float_audio(0, 1), 2, axis=0), seed(1)).numpy()
    assert not np.allclose(changed[0], changed[1], atol=1e-3)


def test_strength_zero_changes_nothing(real_clips):
    audio = real_clips.float_audio(0, 8)
    np.testing.assert_allclose(augment(audio, seed(1), strength=0.0), audio, atol=1e-4)


def test_silence_stays_finite():
    assert np.isfinite(augment(np.zeros((2, 16384, 1), np.float32), seed(1))).all()


def test_rooms_depend_on_the_seed_alone_and_keep_the_peak(real_clips):
    audio = real_clips.float_audio(0, 8)
    changed = in_room(audio, seed(1), 16000).numpy()
    np.testing.assert_array_equal(changed, in_room(audio, seed(1), 16000))
    assert not np.array_equal(changed, in_room(audio, seed(2), 16000))
    np.testing.assert_allclose(np.abs(changed).max(axis=1), np.abs(audio).max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(in_room(audio, seed(1), 16000, strength=0.0), audio, atol=1e-4)
    assert np.isfinite(in_room(np.zeros((2, 16384, 1), np.float32), seed(1), 16000)).all()


def test_echoes_come_after_the_sound_and_do_not_wrap_around():
    click = np.zeros((4, 16384, 1), np.float32)
    click[:, 8000] = 1
    changed = in_room(click, seed(3), 16000).numpy()[:, :, 0]
    before, after = changed[:, :7900], changed[:, 8001:9000]
    assert np.square(after).mean() > 1.5 * np.square(before).mean()
    assert (np.abs(changed).argmax(axis=1) == 8000).all()
