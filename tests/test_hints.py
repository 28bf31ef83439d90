"""What an editor is told: the types of the public doors, and the names that are made when the library is imported."""

import ast
import inspect
import os
import typing

import numpy as np
import pytest

import cthulhu
from cthulhu import backend as K
from cthulhu import names
from cthulhu.callbacks import Callback, History
from cthulhu.engine import Input, Layer, Lump, Pile
from cthulhu.layers import Daoloth
from cthulhu.models import clone_model, load_model, model_from_config, model_from_json, model_from_yaml, save_model
from cthulhu.utils import hints, normalize, to_categorical

HERE = os.path.dirname(cthulhu.__file__)
METHODS = """
conjure summon evaluate predict train_on_batch test_on_batch predict_on_batch summon_generator evaluate_generator predict_generator
get_layer get_weights set_weights save save_weights load_weights to_json to_yaml summary compile fit fit_generator
""".split()
HOOKS = [name for name in vars(Callback) if name.startswith('on_')] + [
    'set_params',
    'set_model',
    'get_state',
    'set_state',
]
DOORS = (
    [(Lump, name) for name in METHODS]
    + [(Pile, name) for name in METHODS + ['__init__', 'add', 'pop', 'build', 'predict_proba', 'predict_classes']]
    + [(Callback, name) for name in HOOKS]
)
FUNCTIONS = [
    Input, clone_model, load_model, model_from_config, model_from_json, model_from_yaml, save_model, normalize, to_categorical,
]  # fmt: skip


def check(function):
    found = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    assert set(found) == (set(parameters) | {'return'}) - {'self'}
    for name, parameter in parameters.items():
        if parameter.default not in (None, parameter.empty):
            accepted = getattr(found[name], '__args__', None) or (found[name],)
            assert type(parameter.default) in accepted, name


@pytest.mark.parametrize('owner,name', DOORS)
def test_a_method_says_what_it_takes_and_gives(owner, name):
    check(getattr(owner, name))


@pytest.mark.parametrize('function', FUNCTIONS)
def test_a_function_says_what_it_takes_and_gives(function):
    check(function)


def accepted(hint):
    """The classes of a hint, whose union with Any says nothing against others."""
    return tuple(each for each in getattr(hint, '__args__', None) or (hint,) if isinstance(each, type))


def given(function):
    return typing.get_type_hints(function)['return']


@pytest.fixture
def model():
    model = Pile([Daoloth(3, input_shape=(2,), name='only')])
    model.conjure('sgd', 'mse')
    return model


def test_what_is_given_is_what_was_said(model, tmp_path):
    x, y = np.ones((4, 2)), np.zeros((4, 3))
    for method, arguments in ((model.predict, (x,)), (model.predict_on_batch, (x,)), (model.get_layer, ('only',))):
        assert isinstance(method(*arguments), accepted(given(method)))
    for method in (model.evaluate, model.test_on_batch):
        assert float in accepted(given(method)) and np.ndim(method(x, y)) == 0
    path = str(tmp_path / 'model.h5')
    assert model.save(path) is None and given(model.save) is type(None)
    assert type(load_model(path)) is Pile and given(load_model) is Lump
    assert type(model_from_json(model.to_json())) is Pile and given(model_from_json) is Lump
    loaded, failed = model.load_weights(path)
    assert given(model.load_weights) == typing.Tuple[typing.List[str], typing.Dict[str, str]] == hints.Loaded
    assert loaded == ['only'] and failed == {}
    assert given(model.get_weights) == typing.List[np.ndarray]
    assert [type(each) for each in model.get_weights()] == [np.ndarray] * 2
    assert given(type(model).layers.fget) == typing.List[Layer] and isinstance(model.layers[0], Layer)
    assert given(Lump.metrics_names.fget) == typing.List[str] and model.metrics_names == ['loss']


@pytest.mark.skipif(not K.supports('gradients'), reason='it trains')
def test_a_training_gives_a_history(model):
    x, y = np.ones((4, 2)), np.zeros((4, 3))
    history = model.summon(x, y, verbose=0)
    assert given(model.summon) is given(model.summon_generator) is type(history) is History
    assert isinstance(history.history['loss'], list) and isinstance(history.history['loss'][0], float)
    assert float in accepted(given(model.train_on_batch)) and np.ndim(model.train_on_batch(x, y)) == 0


def told(path):
    """The names that a file binds only for those who check types, and what each is bound to."""
    with open(os.path.join(HERE, path), encoding='utf-8') as file:
        tree = ast.parse(file.read())
    found = {}
    blocks = [tree.body] if path.endswith('.pyi') else [
        node.body for node in ast.walk(tree) if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.dump(node.test)
    ]  # fmt: skip
    for statement in (statement for block in blocks for statement in block if isinstance(statement, ast.Assign)):
        (target,) = statement.targets
        pairs = zip(target.elts, statement.value.elts) if isinstance(target, ast.Tuple) else [(target, statement.value)]
        found.update((name.id, value.id) for name, value in pairs)
    return found


@pytest.mark.parametrize(
    'module,path',
    [
        (cthulhu, '__init__.py'),
        (cthulhu.models, 'models.py'),
        (cthulhu.layers, 'layers/keras_names.pyi'),
        (cthulhu.callbacks, 'callbacks/__init__.py'),
        (cthulhu.utils, 'utils/__init__.py'),
        (cthulhu.applications, 'applications/__init__.py'),
    ],
)
def test_an_editor_knows_the_other_names(module, path):
    table = {
        alias: own[0] for keras, own in names.NAMES.items() if own[0] in vars(module) for alias in (keras,) + own[1:]
    }
    assert told(path) == table and table
    for alias, own in table.items():
        assert getattr(module, alias) is getattr(module, own)


@pytest.mark.parametrize(
    'owner,path',
    [
        (Lump, 'engine/lump.py'),
        (Lump, 'engine/generator_doors.py'),
        (cthulhu.preprocessing.text.Tokenizer, 'preprocessing/text.py'),
    ],
)
def test_an_editor_knows_the_other_names_of_methods(owner, path):
    found = told(path)
    assert found
    for alias, own in found.items():
        assert names.METHODS[alias] == own
        assert inspect.signature(getattr(owner, alias)) == inspect.signature(getattr(owner, own))


def test_no_name_of_a_method_is_left_out():
    paths = 'engine/lump.py', 'engine/generator_doors.py', 'preprocessing/text.py'
    assert set(names.METHODS) == set().union(*map(told, paths))


def test_type_checkers_are_told_that_there_are_types():
    assert os.path.exists(os.path.join(HERE, 'py.typed'))  # and in what is installed: .ci/smoke.py


def test_an_editor_knows_the_functions_of_the_backend():
    with open(os.path.join(HERE, 'backend', 'functions.pyi'), encoding='utf-8') as file:
        bound = [each for each in ast.parse(file.read()).body if isinstance(each, ast.Assign)]
    found = {each.targets[0].id: each.value.attr for each in bound}
    assert found.pop('is_keras_tensor') == 'is_cthulhu_tensor'
    assert found == {name: name for name in K._FUNCTIONS}
