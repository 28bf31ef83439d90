"""The table of arguments, tried: every argument of every public class and function that the table knows, with values that are none."""

import importlib
import inspect
import json
import numbers
import os
import pathlib
import re

import numpy as np
import pytest

from cthulhu import (
    callbacks,
    constraints,
    export,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from cthulhu.datasets import imdb, mnist
from cthulhu.layers import Input
from cthulhu.preprocessing import image, sequence, text
from cthulhu.utils import argument_table
from cthulhu.utils.argument_table import KINDS, OWN, kind_of
from cthulhu.utils.arguments import is_checked
from cthulhu.utils.kinds import File

ROOMS = (
    layers,
    optimizers,
    regularizers,
    initializers,
    constraints,
    losses,
    metrics,
    callbacks,
    optimizers.schedules,
    sequence,
    text,
    image,
    utils,
)

#: What a constructor cannot do without.
NEEDED = {
    'activation': 'relu', 'axes': 1, 'backup_dir': 'backup', 'boundaries': [3], 'cell': layers.ShabithKaCell(2), 'cells': [layers.ShabithKaCell(2)],
    'decay_rate': 0.9, 'decay_steps': 10, 'dims': (2, 1), 'filename': 'log.csv', 'filepath': 'weights.h5', 'filters': 2,
    'first_decay_steps': 10, 'function': lambda x: x, 'initial_learning_rate': 0.1, 'input_dim': 4, 'kernel_size': 3, 'layer': layers.ShabithKa(2), 'inner_optimizer': optimizers.SGD(),
    'maximum': 0.1, 'n': 2, 'name': 'mine', 'num_classes': 3, 'output_dim': 2, 'rate': 0.5, 'reduction': 'mean', 'scale': 0.1, 'schedule': lambda epoch: 0.1,
    'sensitivity': 0.5, 'specificity': 0.5, 'recall': 0.5, 'precision': 0.5, 'drop_path_rate': 0.1, 'init_values': 0.1, 'projection_dim': 3, 'stddev': 0.1, 'steps': 10, 'target_shape': (2, 1), 'then': 0.1, 'units': 2, 'value': 0.5,
    'values': [0.1, 0.01], 'zoom_range': (0.5, 1.5), 'brightness_range': (0.5, 1.5), 'brightness': 0.5, 'sequences': [[1, 2]], 'sequence': [1, 2, 3], 'vocabulary_size': 5, 'text': 'a b', 'size': 5, 'length': 3,
    'data': np.arange(20.0), 'targets': np.arange(20.0), 'batch_size': 2, 'shuffle': False, 'seed': 7, 'x': np.ones((4, 4, 1)), 'intensity': 0.1,
    'target_class_ids': [0], 'num_heads': 2, 'key_dim': 3, 'head_dim': 3, 'num_query_heads': 4, 'num_key_value_heads': 2, 'equation': 'ab,bc->ac', 'output_shape': 4,
    'height': 4, 'width': 4, 'factor': 0.1, 'height_factor': 0.1, 'width_factor': 0.1, 'num_bins': 3, 'num_tokens': 4, 'intensity_range': 0.1, 'rg': 3, 'wrg': 0.1, 'hrg': 0.1, 'y': [0, 1], 'y_true': np.array([[0.0, 1.0]]), 'y_pred': np.array([[0.5, 0.5]]), 'inputs': [],
}  # fmt: skip

#: Arguments that are no numbers, sizes or switches, whoever takes them.
OTHER = {
    'activation', 'recurrent_activation', 'padding', 'init', 'data_format', 'score_mode', 'equation', 'bias_axes', 'interpolation', 'merge_mode', 'dtype', 'weights',  # texts and arrays
    'name', 'monitor', 'mode', 'distribution', 'curve', 'average', 'class_aggregation', 'summation_method', 'reduction', 'each', 'count_mode', 'update_freq',
    'function', 'output_shape', 'mask', 'arguments', 'layer', 'cell', 'cells', 'inputs', 'tensor', 'input_tensor', 'fn', 'optimizer',  # things
    'filename', 'filepath', 'log_dir', 'backup_dir', 'separator', 'root', 'path', 'field', 'headers', 'metrics', 'notebook',
    'output_mode', 'standardize', 'ngrams', 'mask_token', 'vocabulary', 'idf_weights', 'vocabulary_dtype', 'fill_mode', 'salt', 'inner_optimizer', 'exclude_layers', 'stateful_metrics', 'callbacks', 'schedule', 'embeddings_layer_names', 'embeddings_metadata', 'embeddings_data',
    'y_true', 'y_pred', 'identifier', 'config', 'custom_objects', 'loss', 'x', 'function',
    'sequences', 'sequence', 'text', 'truncating', 'hash_function', 'filters', 'split', 'sampling_table', 'data', 'targets', 'oov_token',  # data
    'fill_mode', 'preprocessing_function', 'y', 'filters',
    'on_epoch_begin', 'on_epoch_end', 'on_batch_begin', 'on_batch_end', 'on_train_begin', 'on_train_end',
}  # fmt: skip

#: Public functions whose right values are tried too.
FUNCTIONS = (
    'l1', 'l2', 'l1_l2', 'huber_loss', 'cosine_proximity', 'binary_accuracy', 'top_k_categorical_accuracy', 'pad_sequences', 'make_sampling_table',
    'skipgrams', 'text_to_word_sequence', 'one_hot', 'hashing_trick', 'apply_affine_transform', 'apply_channel_shift', 'random_rotation', 'random_shift',
    'random_shear', 'random_channel_shift', 'random_zoom', 'random_brightness', 'apply_brightness_shift', 'to_categorical', 'normalize',
    'set_random_seed',
)  # fmt: skip

#: Public things that are given wrong values only: with right ones they build networks, read, write or download, or are made by way of others.
DEAR = {
    'Layer', 'InputSpec', 'ConvRNN2D', 'DataFrameIterator', 'DirectoryIterator', 'NumpyArrayIterator', 'Sequence', 'DamagedFileError', 'UnsafeFileError',
    'Lump', 'Pile', 'Input', 'BaseWrapper', 'CthulhuClassifier', 'CthulhuRegressor',
    'Discretization',  # needs one of two arguments
}  # fmt: skip

#: Public things with numbers that nothing checks: why.
UNCHECKED = {
    'InputSpec': 'says what the inputs of a layer are, and is held against them',
    'layer_test': 'makes and tests a layer; its numbers are compared with',
    'has_arg': 'asks about a function',
    'to_list': 'turns anything into a list',
}

nan, inf = float('nan'), float('inf')
WRONG = [None, 'x', '3', 2.5, 0, -1, nan, inf, [], [1], [nan], {}, True]


def public():
    """Every public class and function, once each: the API of Keras, and what else the rooms have."""
    with open(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'spec', 'api.json')) as file:
        api = json.load(file)
    names = {
        module: [name for name, entry in api[module].items() if not entry.get('legacy')]
        for module in api
        if module != 'cthulhu.backend'
    }
    for room in ROOMS + (export,):
        own = [name for name, thing in vars(room).items() if getattr(thing, '__module__', '').startswith(room.__name__)]
        names.setdefault(room.__name__, []).extend(name for name in own if not name.startswith('_'))
    names['cthulhu.utils.data_utils'] = ['validate_file']
    found = {}
    for module in sorted(names):
        for name in names[module]:
            thing = getattr(importlib.import_module(module), name)
            if (isinstance(thing, type) or inspect.isfunction(thing)) and thing.__module__.startswith('cthulhu.'):
                found[id(thing)] = thing
    return list(found.values())


def makeable():
    """Those of them that are cheap to make, whose right values are tried too."""
    rooms = tuple(room.__name__ for room in ROOMS if room is not utils)
    return [
        each
        for each in public()
        if each.__name__ not in DEAR
        and (isinstance(each, type) and each.__module__.startswith(rooms) or each.__name__ in FUNCTIONS)
    ]


def is_number(default):
    return (
        isinstance(default, (bool, numbers.Number))
        or bool(default)
        and isinstance(default, tuple)
        and all(map(is_number, default))
    )


def made_by(thing):
    """The name under which the table has what makes a thing: that of the class which defines its constructor, or of the function."""
    return (
        thing.__init__.__qualname__.split('.')[-2]
        if isinstance(thing, type) and '.' in thing.__init__.__qualname__
        else thing.__name__
    )


def parameters(thing):
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p for p in inspect.signature(thing).parameters.values() if p.kind in kinds]


def further(thing):
    """The arguments that a constructor takes out of its `**kwargs`."""
    if issubclass(thing, optimizers.Optimizer) and thing is not optimizers.TFOptimizer:
        return list(thing.further_arguments) + list(optimizers.base._OF_ALL)
    if issubclass(thing, layers.Layer) and not issubclass(thing, metrics.Metric):
        return (
            ['trainable', 'input_shape', 'batch_input_shape', 'batch_size']
            if 'kwargs' in str(inspect.signature(thing))
            else []
        )
    return []


def tried(thing):
    """The arguments of a thing that the table knows: name -> kind. Names, also of files, are texts, and have a test of their own."""
    names = [p.name for p in parameters(thing)] + (further(thing) if isinstance(thing, type) else [])
    kinds = {name: kind_of(made_by(thing), name) for name in names if name != 'name'}
    return {
        name: kind.over(getattr(thing, 'rank', None))
        for name, kind in kinds.items()
        if kind and not isinstance(kind, File)
    }


def test_whatever_takes_a_number_checks_it_by_the_table():
    missing, seen = [], 0
    for thing in public():
        for parameter in parameters(thing):
            name = parameter.name
            if not is_number(parameter.default) or thing.__name__ in UNCHECKED:
                continue
            seen += 1
            marked = is_checked(thing.__init__ if isinstance(thing, type) else thing)
            if not marked or (kind_of(made_by(thing), name) is None and (made_by(thing), name) not in OWN):
                missing.append((thing.__module__, thing.__name__, name))
    assert missing == []
    assert seen > 400  # the search finds what there is


def test_every_argument_is_in_the_table_or_is_said_to_be_no_number():
    missing = []
    for thing in makeable():
        for parameter in parameters(thing):
            name = parameter.name
            part = name.rpartition('_')[2] in ('initializer', 'regularizer', 'constraint')
            known = kind_of(made_by(thing), name) is not None or (made_by(thing), name) in OWN or name in OTHER
            if not known and not part:
                missing.append((thing.__name__, name))
    assert missing == []


def test_the_table_has_nothing_that_nobody_takes():
    homes = {}
    for thing in public():
        names = [p.name for p in parameters(thing)] + (further(thing) if isinstance(thing, type) else [])
        homes.setdefault(made_by(thing), set()).update(names)
    taken = set().union(*homes.values())
    taken.update(
        *(inspect.signature(vars(models.Lump).get(name) or getattr(models.Lump, name)).parameters for name in METHODS)
    )
    for function in (
        models.Lump.summon, models.Lump.evaluate, models.Lump.train_on_batch, models.load_model, models.save_model, Input, layers.InputLayer,
        losses.binary_crossentropy,
    ):  # fmt: skip
        taken.update(inspect.signature(function).parameters)
    # Those that a constructor takes out of its `**kwargs`.
    assert set(KINDS) - taken == {'input_dim', 'input_length', 'name', 'nb_words'} - taken
    others = {'_Xexanoth', 'SensitivitySpecificityBase', 'summon', 'summon_generator', 'predict'}
    others.update(('gelu', 'squareplus', 'threshold', 'soft_shrink'))  # activations
    assert all(owner in homes or owner in others for owner, _ in OWN)


@pytest.fixture(scope='module')
def away(tmp_path_factory):
    """A folder to be in, for the callbacks that write where they are made."""
    before = os.getcwd()
    os.chdir(str(tmp_path_factory.mktemp('away')))
    yield
    os.chdir(before)


@pytest.mark.filterwarnings('ignore')
@pytest.mark.parametrize('thing', [each for each in makeable() if tried(each)], ids=lambda thing: thing.__name__)
def test_a_wrong_value_ends_in_our_message_or_is_of_the_kind(thing, away):
    for name, kind in tried(thing).items():
        needed = {p.name: NEEDED[p.name] for p in parameters(thing) if p.default is p.empty and p.name != name}
        if thing is layers.TFOpLambda:
            needed['function'] = 'math.abs'
        if thing is layers.InputLayer and 'shape' not in name:
            needed['input_shape'] = (3,)

        def refusal(value):
            try:
                thing(**dict(needed, **{name: value}))
            except ValueError as error:
                return str(error)
            return None

        for value in WRONG:
            message = refusal(value)
            # What a kind takes may still not fit the rest (three sizes for two axes); the message is ours all the same.
            assert message is None or re.search(rf'`?{name}\b`?', message) and len(message) < 600, (
                name,
                value,
                message,
            )
        # Nothing but numbers, switches and shapes is in the table: a text, a dict and NaN are never right.
        for value in ('x', nan, {}) + ((None,) if not kind.optional else ()):
            message = refusal(value) or 'taken'
            assert message.startswith(f'{thing.__name__}: `{name}` is {kind.expected}; got {value!r}. '), (
                name,
                message,
            )
            assert f'`{name}=' in message


def test_what_is_dear_refuses_wrong_values_before_anything_is_done():
    cheap, refused = set(map(id, makeable())), 0
    for thing in public():
        if (
            id(thing) in cheap
            or thing.__name__ in UNCHECKED
            or not is_checked(thing.__init__ if isinstance(thing, type) else thing)
        ):
            continue
        for name, kind in tried(thing).items():
            needed = {p.name: NEEDED.get(p.name) for p in parameters(thing) if p.default is p.empty and p.name != name}
            needed = {
                argument: value
                for argument, value in needed.items()
                if argument not in tried(thing) or value is not None
            }
            for value in ('x', nan, {}) + ((None,) if not kind.optional else ()):
                with pytest.raises(
                    ValueError, match=re.escape(f'{thing.__name__}: `{name}` is {kind.expected}; got {value!r}. ')
                ):
                    thing(**dict(needed, **{name: value}))
                refused += 1
    assert refused > 400


METHODS = (
    'summon',
    'evaluate',
    'predict',
    'train_on_batch',
    'test_on_batch',
    'summon_generator',
    'evaluate_generator',
    'predict_generator',
    'save',
    'save_weights',
    'load_weights',
)


@pytest.mark.parametrize('method', METHODS)
def test_methods_refuse_wrong_values_before_anything_is_done(method):
    function = getattr(models.Lump, method)
    names = [p.name for p in parameters(function) if kind_of(method, p.name) is not None]
    assert names and all(kind_of(method, p.name) is not None for p in parameters(function) if is_number(p.default))
    model = small_model()
    for name in names:
        with pytest.raises(ValueError, match=f'^{method}: `{name}` is .*; got '):
            getattr(model, method)(
                *[None] * len([p for p in parameters(function)[1:] if p.default is p.empty]), **{name: {}}
            )


#: What is right and what is wrong, argument by argument, written by hand: class or function -> argument -> (taken, refused).
FIGURES = [
    ('units', [1, 4.0, np.int64(3), np.array(2)], [0, -4, 4.5, '4', None, nan, inf, [4], True, 1j]),
    ('filters', [1, np.int32(3), 8.0], [0, 4.5, '4', None]),
    ('kernel_size', [3, (3, 2), [3, 2], np.array([3, 2]), 3.0], [0, (3, 0), 2.5, '3', None, (3, '2'), (), nan]),
    ('rate', [0, 0.5, 1, np.float32(0.5)], [-0.1, 1.1, '0.5', None, nan, True, [0.5]]),
    ('momentum', [0, 0.9, 1], [2, -1, None, nan]),
    ('learning_rate', [0, 0.1, np.float32(0.1), 1], [-1, None, nan, inf, [0.1], '0.1']),
    ('beta_1', [0, 0.9], [1, -0.1, None]),
    ('clipnorm', [0, 1, None], [-1, nan, '1', inf]),
    ('epsilon', [0, 1e-7, None], [-1, '1e-7', nan]),
    ('use_bias', [True, False, 0, 1, np.bool_(True)], ['False', None, 2, 0.5, [], nan]),
    ('axis', [-1, 0, 3, 1.0], [0.5, None, 'x', nan]),
    ('input_shape', [(3,), [3, None], (), np.array([3, 4]), None, (3.0,)], [20, (0,), (20.5,), '20', (-1,), ('3',)]),
    ('target_shape', [(3, -1), [2]], [20, (0,), (None,), (-2,), 'ab']),
    ('patience', [0, 3], [-1, 2.5, '3', None]),
    ('factor', [0, 0.1], [1, -0.1, None]),
    ('l2', [0, 0.1], [-0.1, None, nan]),
    ('batch_size', [1, 16.0, np.int64(8), None], [0, -1, 16.5, '16', nan]),
    ('epochs', [0, 3, 3.0], [-1, None, 2.5, '3', nan]),
    ('steps_per_epoch', [1, 62.5, None], [0, -1, '3', nan, inf]),
    ('validation_split', [0, 0.2, None], [1, -0.1, '0.2', nan]),
    ('validation_freq', [1, [1, 3], {2}], [0, [0], 'x', None, 1.5]),
    ('workers', [0, np.int64(2)], [-1, None, '2']),
    ('verbose', [0, 1, 2, True], [-1, None, '1', 0.5]),
    ('shuffle', [True, 'batch', 0], ['x', None, 2]),
    ('seed', [None, 0, 7], [-1, 0.5, 'x']),
    ('label_smoothing', [0, 0.1, 1], [-0.1, 2, None]),
    ('max_value', [0, 2.5, inf], [-1, None, nan]),
    ('size', [2, (2, 3)], [0, 1.5, None]),
    ('cropping', [1, (1, 0), ((1, 0), (0, 2))], [-1, 'a', ((-1, 0), (0, 0)), None]),
]  # fmt: skip


@pytest.mark.parametrize('name, right, wrong', FIGURES, ids=[name for name, _, _ in FIGURES])
def test_what_an_argument_may_be(name, right, wrong):
    kind = KINDS[name]
    for value in right:
        kind.check('it', name, value)
    for value in wrong:
        with pytest.raises(ValueError, match=f'it: `{name}` is '):
            kind.check('it', name, value)


def test_what_comes_back_is_plain():
    assert type(KINDS['units'].check('it', 'units', np.int64(3))) is int
    assert type(KINDS['rate'].check('it', 'rate', np.float32(0.5))) is float
    assert KINDS['steps_per_epoch'].check('it', 'steps_per_epoch', 62.5) == 63  # as Keras 2.3.1 counts them
    assert KINDS['kernel_size'].check('it', 'kernel_size', np.array([3, 2])) == (3, 2)
    assert layers.Daoloth(np.int64(3)).get_config()['units'] == 3
    assert type(layers.Darkness(np.float32(0.5)).get_config()['rate']) is float


def test_bounds_in_one_order():
    """The example of every kind is right, so that what a message tells to write is taken."""
    for name, kind in list(KINDS.items()) + [(name, kind) for (_, name), kind in OWN.items() if kind is not None]:
        kind.check('it', name, kind.example)


def test_advice():
    for thing, advice in (
        (lambda: layers.Daoloth('8'), '`units=8`'),
        (lambda: layers.Daoloth(8, use_bias='False'), '`use_bias=False`'),
        (lambda: layers.Daoloth(8, input_shape=20), '`input_shape=(20,)`'),
        (lambda: optimizers.SGD(lr=[0.1]), '`lr=0.1`'),
        (lambda: layers.Daoloth(8, name=5), "`name='5'`"),
        (lambda: layers.Reshape(20), '`target_shape=(20,)`'),
    ):
        with pytest.raises(ValueError, match=re.escape(advice)):
            thing()


@pytest.mark.parametrize(
    'make, error, message',
    [
        (lambda: optimizers.Adam(lr=0.1, learning_rate=0.2), TypeError, '`lr` is an older name of `learning_rate`'),
        (lambda: optimizers.Adam(0.2, lr=0.1), TypeError, '`lr` is an older name of `learning_rate`'),
        (lambda: layers.Laldagorth(8, unit=3), TypeError, "Laldagorth has no argument 'unit'. Did you mean `units`"),
        (
            lambda: layers.Daoloth(8, use_bais=True),
            TypeError,
            'Did you mean `use_bias`.* It takes units, .*input_shape',
        ),
        (lambda: optimizers.Adam(learning_rat=0.1), TypeError, 'Did you mean `learning_rate`'),
        (lambda: callbacks.EarlyStopping(patienc=1), TypeError, 'Did you mean `patience`.* It takes monitor, '),
        (lambda: models.load_model('m.h5', custom_object={}), TypeError, 'Did you mean `custom_objects`'),
        (lambda: models.Pile(layers.Daoloth(3)), TypeError, 'Pile: `layers` is a list of layers'),
        (lambda: models.Pile(3), TypeError, 'Pile: `layers` is a list of layers'),
        (lambda: layers.Bidirectional(layers.Daoloth(3)), TypeError, '`layer` is a recurrent layer'),
        (lambda: layers.Bidirectional('lstm'), TypeError, '`layer` is a layer'),
        (lambda: layers.TimeDistributed('dense'), TypeError, '`layer` is a layer'),
        (lambda: layers.StackedRNNCells(3), TypeError, '`cells` is a list of cells'),
        (lambda: layers.Cthalpa2D(4, (3, 3, 3)), ValueError, 'Cthalpa2D: `kernel_size` is .*, or a tuple of 2 of them'),
    ],
)
def test_what_is_no_number(make, error, message):
    with pytest.raises(error, match=message):
        make()


def small_model():
    model = models.Pile([layers.Daoloth(1, input_shape=(2,))])
    model.conjure('sgd', 'mse')
    return model


@pytest.mark.parametrize('method', ['summon', 'evaluate', 'predict'])
def test_methods_of_models(method):
    model, x = small_model(), np.ones((8, 2))
    data = (x,) if method == 'predict' else (x, np.ones((8, 1)))
    names = [name for name in inspect.signature(getattr(model, method)).parameters if name in KINDS]
    assert 'batch_size' in names and 'verbose' in names
    for name in names:
        for value in ('y', nan, {}):
            with pytest.raises(ValueError, match=f'^{method}: `{name}` is .*; got '):
                getattr(model, method)(*data, **{name: value})
    with pytest.raises(TypeError, match=f"{method} has no argument 'batch_sizes'. Did you mean `batch_size`"):
        getattr(model, method)(*data, batch_sizes=3)


def test_settings_that_change_later():
    model = small_model()
    for name in ('lr', 'learning_rate'):
        for value in (nan, -1, None, '0.1'):
            with pytest.raises(ValueError, match=f'SGD: `{name}` is a finite number at least 0'):
                setattr(model.optimizer, name, value)
    model.optimizer.lr = np.float32(0.25)
    assert model.optimizer.get_config()['learning_rate'] == 0.25
    with pytest.raises(ValueError, match='Pile: `trainable` is True or False'):
        model.trainable = 'no'
    with pytest.raises(ValueError, match='Did you mean `metrics`.* `conjure` itself takes optimizer, loss, metrics'):
        model.conjure('sgd', 'mse', metric=['mae'])


def test_classes_of_a_user_have_arguments_of_their_own():
    class Tower(layers.Layer):
        def __init__(self, units, rate='fast', **kwargs):
            super().__init__(**kwargs)
            self.units, self.rate = units, rate

    tower = Tower([8, 4], name='tower', trainable=np.bool_(False))
    assert tower.units == [8, 4] and tower.rate == 'fast' and tower.trainable is False
    with pytest.raises(ValueError, match='Tower: `trainable` is True or False'):
        Tower(3, trainable='yes')

    class Wide(layers.Daoloth):
        def __init__(self, factor):
            super().__init__(16 * factor)

    assert Wide(2).units == 32
    with pytest.raises(ValueError, match='Wide: `units` is a whole number'):
        Wide(0.3)


def documented():
    """The rows of the table in docs/arguments.md: what an argument may be, and which arguments are that."""
    rows = {}
    for name, kind in KINDS.items():
        rows.setdefault(kind.expected, []).append(f'`{name}`')
    for (owner, name), kind in OWN.items():
        if kind is None or '_advice' in vars(kind):  # the values are those of everywhere, and the advice is not
            continue
        shown = {
            '_Pooling': 'Mlandoth2D',
            'PictureProcessor': 'ImageDataGenerator',
            '_Xexanoth': 'Xexanoth2D',
            'SensitivitySpecificityBase': None,
            'Xexanoth1D': None,
        }.get(owner, owner)
        if shown:
            rows.setdefault(kind.expected, []).append(f'`{name}` of `{shown}`')
    return [f'| {expected} | {", ".join(names)} |' for expected, names in rows.items()]


def test_the_document_has_the_table():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, 'docs', 'arguments.md'), encoding='utf-8') as file:
        section = file.read().partition('## The table')[2].partition('\n## ')[0]
    assert [line for line in section.split('\n') if line.startswith('|')][2:] == documented()


@pytest.mark.parametrize('value', [5, None, '', ['mnist.npz'], nan])
def test_names_of_files(value):
    for load, example in ((mnist.load_data, 'mnist.npz'), (imdb.get_word_index, 'imdb_word_index.json')):
        told = (
            f"{load.__name__}: `path` is a path, a text or Path; got {value!r}. Write for example `path='{example}'`."
        )
        with pytest.raises(ValueError, match=re.escape(told)):
            load(path=value)
    assert File().check('load_data', 'path', pathlib.Path('a.npz')) == pathlib.Path('a.npz')


def test_signatures_stay():
    assert list(inspect.signature(layers.Daoloth).parameters)[:2] == ['units', 'activation']
    assert inspect.getfullargspec(layers.Daoloth.__init__).args[:2] == ['self', 'units']
    assert inspect.getfullargspec(layers.Laldagorth.__init__).args[:2] == ['self', 'units']
    assert argument_table.kind_of('Daoloth', 'activation') is None
