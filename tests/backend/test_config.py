import importlib.util
import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.backend import config, frameworks


def fresh():
    """The module `config` as it would be after a new start of Python."""
    spec = importlib.util.spec_from_file_location('fresh_config', config.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty configuration folder, and no choice of a backend in the environment."""
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path))
    for variable in ('CTHULHU_BACKEND', 'KERAS_BACKEND'):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture
def settings():
    """The settings are put back after the test."""
    kept = dict(config._settings)
    yield
    config._settings.update(kept)


def write(folder, content):
    (folder / 'cthulhu.json').write_text(content if isinstance(content, str) else json.dumps(content))


def test_defaults_without_a_file(home):
    module = fresh()
    assert (module.floatx(), module.epsilon(), module.image_data_format()) == ('float32', 1e-7, 'channels_last')
    assert list(home.iterdir()) == []


def test_the_file_sets_everything(home):
    write(home, {'floatx': 'float64', 'epsilon': 1e-5, 'image_data_format': 'channels_first', 'backend': 'numpy'})
    module = fresh()
    assert (module.floatx(), module.epsilon(), module.image_data_format()) == ('float64', 1e-5, 'channels_first')
    assert module.backend_choice() == ('numpy', str(home / 'cthulhu.json'))


def test_the_file_is_in_the_home_folder_by_default(home, tmp_path, monkeypatch):
    monkeypatch.delenv('CTHULHU_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / '.cthulhu').mkdir()
    write(tmp_path / '.cthulhu', {'floatx': 'float16'})
    assert fresh().floatx() == 'float16'


def test_environment_before_file_and_cthulhu_before_keras(home, monkeypatch):
    write(home, {'backend': 'theano'})
    monkeypatch.setenv('KERAS_BACKEND', 'numpy')
    assert fresh().backend_choice() == ('numpy', 'KERAS_BACKEND')
    monkeypatch.setenv('CTHULHU_BACKEND', 'my.module')
    assert fresh().backend_choice() == ('my.module', 'CTHULHU_BACKEND')
    monkeypatch.setenv('CTHULHU_BACKEND', '')
    assert fresh().backend() == 'numpy'


def test_the_default_where_it_is_installed_else_what_is(home, monkeypatch):
    monkeypatch.setattr(frameworks, 'is_available', lambda name: True)
    assert fresh().backend_choice() == ('tensorflow', 'default')
    monkeypatch.setattr(frameworks, 'is_available', lambda name: name in ('cntk', 'numpy'))
    assert fresh().backend_choice() == ('cntk', 'installed')


def test_the_announcement_says_what_chose(home, monkeypatch):
    monkeypatch.setattr(frameworks, 'is_available', lambda name: True)
    assert fresh().announcement() == 'Using tensorflow backend, the default.\n'
    monkeypatch.setattr(frameworks, 'is_available', lambda name: name == 'numpy')
    expected = 'Using numpy backend, which is installed while tensorflow, the default, is not.\n'
    assert fresh().announcement() == expected
    write(home, {'backend': 'numpy'})
    assert fresh().announcement() == f'Using numpy backend, as {home / "cthulhu.json"} says.\n'
    monkeypatch.setenv('KERAS_BACKEND', 'my.module')
    assert fresh().announcement() == 'Using my.module backend, as the environment variable KERAS_BACKEND says.\n'


@pytest.mark.parametrize(
    'content, message',
    [
        ({'floatx': 'float99'}, r"floatx: expected one of 'float16', 'float32', 'float64', got 'float99'"),
        ({'epsilon': 0}, 'epsilon: expected a number above 0'),
        ({'epsilon': 'small'}, 'epsilon: expected a number above 0'),
        ({'epsilon': True}, 'epsilon: expected a number above 0'),
        ({'image_data_format': 'th'}, "image_data_format: expected one of 'channels_last', 'channels_first', got 'th'"),
        ({'backend': 7}, 'backend: expected the name of a backend'),
        ([1], 'expected an object with the keys floatx, epsilon, backend, image_data_format'),
        ('{', 'cannot be read as JSON'),
    ],
)
def test_a_wrong_file_says_what_is_wrong_and_where(home, content, message):
    write(home, content)
    with pytest.raises(ValueError, match=message) as caught:
        fresh()
    assert str(home / 'cthulhu.json') in str(caught.value)


def test_unknown_keys_of_a_file_are_left_alone(home):
    write(home, {'somebody_elses': 1, 'epsilon': 0.5})
    with pytest.warns(UserWarning, match='"somebody_elses" is not known and changes nothing') as caught:
        assert fresh().epsilon() == 0.5
    assert caught[0].filename == __file__


def test_set_floatx(settings):
    K.set_floatx('float64')
    assert K.floatx() == 'float64'
    assert K.cast_to_floatx([1, 2]).dtype == np.float64
    K.set_floatx(np.float32)
    assert K.floatx() == 'float32'
    for float32 in ('float', float, 'f4'):
        K.set_floatx('float64')
        K.set_floatx(float32)
        assert K.floatx() == 'float32'
    for wrong in ('int32', 'flot', None, 3, {'name': 'float32'}):
        with pytest.raises(ValueError, match='floatx: expected one of'):
            K.set_floatx(wrong)
    assert K.floatx() == 'float32'


def test_set_epsilon(settings):
    K.set_epsilon(np.float32(0.25))
    assert K.epsilon() == 0.25 and type(K.epsilon()) is float
    for wrong in (0, -1.0, float('nan'), float('inf'), '1e-7', None, True):
        with pytest.raises(ValueError, match='epsilon: expected a number above 0'):
            K.set_epsilon(wrong)
    assert K.epsilon() == 0.25


def test_set_image_data_format(settings):
    K.set_image_data_format('channels_first')
    assert K.image_data_format() == K.normalize_data_format(None) == 'channels_first'
    for wrong in ('channels', None, 1):
        with pytest.raises(ValueError, match="data_format: expected one of 'channels_last', 'channels_first'"):
            K.set_image_data_format(wrong)


def test_normalize_data_format():
    assert K.normalize_data_format(None) == K.image_data_format()
    assert K.normalize_data_format('Channels_First') == 'channels_first'
    with pytest.raises(ValueError, match="got 'NHWC'"):
        K.normalize_data_format('NHWC')


def test_the_active_backend_is_the_chosen_one():
    assert K.backend() == K.backend_choice()[0] == K.active.name
