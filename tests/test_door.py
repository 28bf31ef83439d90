"""The doors for programs written for Keras. What they do is done to a whole interpreter, so each test has one of its own."""

import importlib.util
import os
import subprocess
import sys

import pytest

import cthulhu
from cthulhu import backend as K
from cthulhu import door

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(cthulhu.__file__)))

#: The modules of Keras 2.3.1, as its files are; without the backends of other frameworks, and `backend.load_backend`, which is a function here.
MODULES = """
activations applications applications.densenet applications.imagenet_utils applications.inception_resnet_v2 applications.inception_v3
applications.mobilenet applications.mobilenet_v2 applications.nasnet applications.resnet applications.resnet50 applications.resnet_v2
applications.vgg16 applications.vgg19 applications.xception backend backend.common backend.numpy_backend backend.tensorflow_backend
callbacks callbacks.callbacks callbacks.tensorboard_v1 callbacks.tensorboard_v2 constraints datasets datasets.boston_housing datasets.cifar
datasets.cifar10 datasets.cifar100 datasets.fashion_mnist datasets.imdb datasets.mnist datasets.reuters engine engine.base_layer
engine.input_layer engine.network engine.saving engine.sequential engine.topology engine.training engine.training_arrays
engine.training_generator engine.training_utils initializers layers layers.advanced_activations layers.convolutional
layers.convolutional_recurrent layers.core layers.cudnn_recurrent layers.embeddings layers.local layers.merge layers.noise
layers.normalization layers.pooling layers.recurrent layers.wrappers losses metrics models optimizers preprocessing preprocessing.image
preprocessing.sequence preprocessing.text regularizers utils utils.conv_utils utils.data_utils utils.generic_utils utils.io_utils
utils.layer_utils utils.losses_utils utils.metrics_utils utils.multi_gpu_utils utils.np_utils utils.test_utils utils.vis_utils wrappers
wrappers.scikit_learn
""".split()


def python(*arguments, **options):
    """Run Python in a folder of its own; what it printed, and what it said to stderr with it for `fails`. Mostly on the backend that starts soonest."""
    folder, fails = str(options.pop('cwd', ROOT)), options.pop('fails', 0)
    path = os.pathsep.join([ROOT] + options.pop('path', []))
    environment = dict(os.environ, PYTHONPATH=path, CTHULHU_BACKEND='numpy', TF_CPP_MIN_LOG_LEVEL='3', **options)
    run = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'cwd': folder, 'env': environment}
    done = subprocess.run([sys.executable] + list(arguments), **run)
    assert done.returncode == fails, done.stderr.decode()
    return (done.stderr if fails else done.stdout).decode().replace('\r', '')


def test_importing_the_library_opens_no_door():
    code = (
        'import sys, cthulhu\n'
        'print([name for name in sys.modules if name.split(".")[0] == "keras" or name in sys.argv])\n'
        'print(cthulhu.layers.Dense.__name__)'
    )
    doors = ['as_keras', 'as_tf_keras', 'door', 'backend.common', 'backend.numpy_backend', 'backend.tensorflow_backend']
    doors += [
        'engine.' + name
        for name in 'saving sequential topology training training_arrays training_generator training_utils'.split()
    ]
    doors += ['legacy', 'objectives', 'pantheon', 'deities', 'utils.test_utils', 'utils.layer_test', 'wrappers']
    assert python('-c', code, *['cthulhu.' + name for name in doors]) == '[]\nDaoloth\n'


def test_every_module_of_keras_is_one_of_the_library():
    code = (
        'import importlib, sys, cthulhu.as_keras\n'
        'from cthulhu import door\n'
        'for name in sys.argv[1:]:\n'
        '    module = importlib.import_module("keras." + name)\n'
        '    home = sys.modules[door.home_of(name)]\n'
        '    assert module is home and sys.modules["keras." + name] is home and home.__spec__.name == home.__name__, name\n'
        '    reached = sys.modules["keras"]\n'
        '    for part in name.split("."):\n'
        '        reached = getattr(reached, part)\n'
        '    assert reached is home, name\n'
        'print("all")'
    )
    assert python('-c', code, *MODULES) == 'all\n'


def test_paths_of_optimizers_of_later_kerases():
    code = (
        'import cthulhu.as_keras\n'
        'from keras.optimizer_v2.adam import Adam\n'
        'from keras.optimizer_v2.optimizer_v2 import OptimizerV2\n'
        'import keras.optimizer_v2.learning_rate_schedule as learning_rate_schedule\n'
        'from keras.optimizers.legacy import SGD\n'
        'from keras import optimizers\n'
        'print(Adam is optimizers.Adam, SGD is optimizers.SGD, issubclass(Adam, OptimizerV2), learning_rate_schedule is optimizers.schedules)'
    )
    assert python('-c', code) == 'True True True True\n'


def test_modules_that_keras_does_not_have_are_not_there():
    told = python('-c', 'import cthulhu.as_keras\nimport keras.ops', fails=1)
    assert (
        "No module named 'keras.ops': keras is Cthulhu here, with the modules of Keras 2.3.1, and that has no ops."
        in told
    )
    assert door.home_of('layers.nothing.deeper') is None


def test_modules_of_the_librarys_own_are_not_behind_the_door():
    """Packages ask `getattr(keras, 'version', None)()`, of a later Keras, to see which one it is."""
    asked = 'import cthulhu.as_keras, keras\nprint([hasattr(keras, n) for n in ("version", "storage", "callers", "saving", "legacy", "Model")])'
    assert python('-c', asked) == '[False, False, False, True, True, True]\n'
    assert 'that has no version' in python('-c', 'import cthulhu.as_keras\nimport keras.version', fails=1)


NAMES = """
import cthulhu.as_keras
import keras, pickle, cthulhu
from keras import layers, models
from keras.engine import Input, InputLayer, InputSpec, Layer, Model, Network, Sequential
from keras.wrappers.scikit_learn import KerasClassifier
from keras.callbacks.callbacks import ModelCheckpoint
x = Input((4,))
model = Model(x, layers.Dense(3)(layers.BatchNormalization()(x)))
print(keras.__version__, [type(layer).__name__ for layer in model.layers], type(model).__name__, type(Sequential()).__name__)
print([layer.name for layer in model.layers], model.name, KerasClassifier.__name__, ModelCheckpoint.__name__)
print(layers.Dense is cthulhu.layers.Daoloth, isinstance(model, cthulhu.Lump), keras.layers.core.Dense is layers.Dense)
copy = pickle.loads(pickle.dumps(model))
print(type(copy) is Model, pickle.loads(pickle.dumps(layers.Dense)) is layers.Dense, pickle.dumps(layers.Dense).count(b'Daoloth'))
print(keras.Model is Model, keras.Sequential is Sequential, hasattr(keras, 'nothing'))
"""


def test_behind_the_door_classes_have_the_names_of_keras():
    assert python('-c', NAMES).splitlines() == [
        "2.3.1 ['InputLayer', 'BatchNormalization', 'Dense'] Model Sequential",
        "['input_1', 'batch_normalization_1', 'dense_1'] model_1 KerasClassifier ModelCheckpoint",
        'True True True',
        'True True 1',
        'True True False',
    ]


def test_packages_of_others_come_through_the_door(tmp_path):
    package = tmp_path / 'others'
    package.mkdir()
    (package / '__init__.py').write_text('from .own import Twice\nimport keras\nversion = keras.__version__\n')
    (package / 'own.py').write_text(
        'from keras.engine.topology import Layer\nfrom keras import backend as K\nfrom keras.layers import Dense\n'
        'class Twice(Dense):\n    def call(self, x):\n        return 2 * super(Twice, self).call(x)\n'
    )
    code = (
        'import cthulhu.as_keras\nfrom others import Twice, version\nfrom cthulhu import layers\n'
        'print(version, Twice(1).name, isinstance(Twice(1), layers.Daoloth), Twice.__name__)'
    )
    assert python('-c', code, path=[str(tmp_path)]) == '2.3.1 twice_1 True Twice\n'


MAKE = """
import sys, numpy as np
{door}
{home}
from {library}.layers import Input, Dense, Lambda, LSTM, Bidirectional
from {library}.models import Model, Sequential
inner = Sequential([Dense(3, input_shape=(6,)), Dense(2)])
x = Input((4, 3))
model = Model(x, inner(Bidirectional(LSTM(3))(x)))
np.save(sys.argv[1], model.predict(np.ones((2, 4, 3))))
for path in sys.argv[2:]:
    model.save(path)
"""
READ = """
import sys, numpy as np
{door}
from {library}.models import load_model
for path in sys.argv[2:]:
    model = load_model(path)
    print([type(layer).__name__ for layer in model.layers])
    print(np.abs(model.predict(np.ones((2, 4, 3))) - np.load(sys.argv[1])).max() == 0)
"""
SIDES = {
    'behind': {'door': 'import cthulhu.as_keras', 'library': 'keras', 'home': ''},
    'before': {'door': '', 'library': 'cthulhu', 'home': ''},
}


@pytest.mark.parametrize('writer, reader, kinds', [
    ('behind', 'before', ['InputLayer', 'Bidirectional', 'Pile']),
    ('before', 'behind', ['InputLayer', 'Bidirectional', 'Sequential']),
])  # fmt: skip
def test_files_are_those_of_the_library(writer, reader, kinds, tmp_path):
    files = [str(tmp_path / name) for name in ('values.npy', 'model.h5', 'model.keras')]
    python('-c', MAKE.format(**SIDES[writer]), *files)
    assert python('-c', READ.format(**SIDES[reader]), *files) == f'{kinds}\nTrue\n' * 2


@pytest.fixture
def installed(tmp_path):
    """A folder with a package `keras` of another version, with a private room, as if it were installed."""
    folder = tmp_path / 'site' / 'keras'
    (folder / 'src').mkdir(parents=True)
    (folder / '__init__.py').write_text('__version__ = "9.9"\nclass Layer: pass\n')
    (folder / 'ops.py').write_text('')
    (folder / 'src' / '__init__.py').write_text('from keras.src import deep\n')
    (folder / 'src' / 'deep.py').write_text('value = 7\n')
    return str(tmp_path / 'site')


def test_an_installed_keras_is_left_alone(installed):
    before = {name: os.stat(os.path.join(installed, 'keras', name)).st_mtime for name in ('__init__.py', 'ops.py')}
    code = 'import cthulhu.as_keras\nimport keras, keras.src\nprint(keras.__version__, keras.src.deep.value)'
    assert python('-c', code, path=[installed], PYTHONDONTWRITEBYTECODE='1') == '2.3.1 7\n'
    python('-c', 'import cthulhu.as_keras\nimport keras.ops', path=[installed], fails=1)
    assert python('-c', 'import cthulhu, keras\nprint(keras.__version__)', path=[installed]) == '9.9\n'
    for name, time in before.items():
        assert os.stat(os.path.join(installed, 'keras', name)).st_mtime == time


def test_a_keras_that_was_imported_before_is_told_of(installed, tmp_path):
    (tmp_path / 'early.py').write_text('from keras import Layer\n')
    code = (
        'import warnings, early, keras as theirs\n'
        'with warnings.catch_warnings(record=True) as found:\n'
        '    import cthulhu.as_keras\n'
        'import keras\n'
        'print(theirs.__version__, keras.__version__, [str(w.message)[:78] for w in found if "door" in str(w.message)])'
    )
    told = 'keras was imported before this door was opened, by __main__, early: there it s'
    assert python('-c', code, path=[installed, str(tmp_path)]) == f"9.9 2.3.1 ['{told}']\n"


def test_one_that_nobody_holds_is_not_told_of(installed):
    code = 'import sys, keras.ops\ndel keras\nimport cthulhu.as_keras, keras\nprint(keras.__version__, "keras.ops" in sys.modules)'
    assert python('-W', 'error::UserWarning', '-c', code, path=[installed]) == '2.3.1 False\n'


SCRIPT = """
import sys
from keras.layers import Dense
from helper import helped
if __name__ == '__main__':
    print(sys.argv, __file__, sys.path[0], Dense.__name__, helped)
    print(vars(sys.modules['__main__']) is globals(), __spec__, __package__)
    sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def programs(tmp_path):
    folder = tmp_path / 'programs'
    (folder / 'packed').mkdir(parents=True)
    (folder / 'train.py').write_text(SCRIPT)
    (folder / 'helper.py').write_text('import keras\nhelped = keras.__version__\n')
    (folder / 'packed' / '__main__.py').write_text('import sys, keras\nprint(sys.argv, keras.__version__)\n')
    (folder / 'broken.py').write_text('import keras\n\n\nraise KeyError("lost")\n')
    return tmp_path


def test_a_script_runs_as_python_runs_it(programs):
    found = python('-m', 'cthulhu', os.path.join('programs', 'train.py'), '0', '--version', '-m', cwd=programs)
    script = os.path.join('programs', 'train.py')
    assert found.splitlines() == [
        f'{[script, "0", "--version", "-m"]} {script} {os.path.realpath(str(programs / "programs"))} Dense 2.3.1',
        'True None None',
    ]
    python('-m', 'cthulhu', os.path.join('programs', 'train.py'), '3', cwd=programs, fails=3)
    told = python('-m', 'cthulhu', os.path.join('programs', 'broken.py'), cwd=programs, fails=1)
    assert 'broken.py", line 4' in told and told.rstrip().endswith("KeyError: 'lost'")


def test_a_module_and_a_folder_run_too(programs):
    found = python('-m', 'cthulhu', '-m', 'train', '0', 'more', cwd=programs / 'programs').splitlines()[0]
    script = str(programs / 'programs' / 'train.py')
    assert found == f'{[script, "0", "more"]} {script} {programs / "programs"} Dense 2.3.1'
    found = python('-m', 'cthulhu', os.path.join('programs', 'packed'), 'a', cwd=programs)
    assert found == f'{[os.path.join("programs", "packed"), "a"]} 2.3.1\n'


def test_what_is_no_program_is_told(programs):
    assert 'which program?' in python('-m', 'cthulhu', cwd=programs, fails=2)
    assert 'nowhere.py' in python('-m', 'cthulhu', 'nowhere.py', cwd=programs, fails=1)
    assert python('-m', 'cthulhu', '--version') == f'Cthulhu {cthulhu.__version__}\n'


TENSORFLOW = """
import cthulhu.as_tf_keras
import tensorflow as tf, cthulhu, sys
from tensorflow import keras
import tensorflow.keras.layers as inner
from tensorflow.keras.models import Sequential
from tensorflow.compat.v1.keras.layers import LSTM
from tensorflow.python.keras.utils import conv_utils
from tensorflow.python.keras import backend
print(tf.keras is keras, keras.__version__, tf.keras.layers.Dense is cthulhu.layers.Daoloth, inner is cthulhu.layers)
print(Sequential is cthulhu.Pile, LSTM.__name__, conv_utils.__name__, backend is cthulhu.backend, tf.compat.v1.keras.Model is cthulhu.Lump)
layer = keras.layers.Conv2D(8, 3, 2)
print(layer.kernel_size, layer.strides)
print(int(tf.reduce_sum(tf.constant([1, 2]))), tf.__name__, 'keras' in sys.modules and sys.modules['keras'].__name__.startswith('cthulhu'))
"""


@pytest.mark.skipif(
    importlib.util.find_spec('tensorflow') is None, reason='the door of tensorflow.keras needs TensorFlow'
)
def test_the_door_of_tensorflow():
    assert python('-c', TENSORFLOW).splitlines()[-4:] == [
        'True 2.3.1 True True',
        'True LSTM cthulhu.utils.conv_utils True True',
        '(3, 3) (2, 2)',  # and no window of 3 by 2
        '3 tensorflow False',
    ]


@pytest.mark.skipif(importlib.util.find_spec('tensorflow') is not None, reason='TensorFlow is installed')
def test_the_door_of_tensorflow_needs_it():
    assert 'pip install' in python('-c', 'import cthulhu.as_tf_keras', fails=1)


def test_releases_are_numbered_from_the_api_that_they_have():
    # what nine projects ask of a Keras
    assert tuple(map(int, cthulhu.__version__.split('.'))) >= (2, 4, 0)


def test_names_of_the_backend_are_reached_without_an_import():
    assert K.symbolic(len) is len and K.eager(len) is len
    assert K.tensorflow_backend.Update is K.Update
    assert K.tensorflow_backend._get_available_gpus() == [
        '/device:GPU:' + name[5:] for name in K.devices() if 'gpu' in name
    ]
    with pytest.raises(AttributeError, match="module 'cthulhu.backend' has no attribute 'nothing'"):
        K.nothing
    assert cthulhu.engine.saving.load_model is cthulhu.models.load_model
