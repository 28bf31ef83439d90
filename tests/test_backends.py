"""docs/backends.md says what is so: each row of its table holds on the active backend."""

import os
import re
import tempfile

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import distribution
from cthulhu.layers import Daoloth, Input
from cthulhu.models import Lump
from cthulhu.optimizers import Optimizer

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'docs', 'backends.md')


def rows():
    with open(PATH, encoding='utf-8') as lines:
        table = lines.read().split('## What a backend does not do')[1].split('\n## ')[0]
    cells = [
        [cell.strip() for cell in line.strip('|').split('|')] for line in table.split('\n') if line.startswith('|')
    ]
    return {what: (backends.split(', '), happens) for what, backends, happens in cells[2:]}


def gradients():
    x = K.variable(1.0)
    K.gradients(x * 2.0, [x])


def broadcasts():
    x, y = K.placeholder((None, None)), K.placeholder((None, None))
    assert K.function([x, y], [x + y])([np.ones((2, 1)), np.ones((2, 3))])[0].shape == (2, 3)


def dataset():
    if not K.supports('datasets'):
        return K.dataset_batches([1])
    import tensorflow as tf

    assert list(K.dataset_batches(tf.data.Dataset.range(2))) == [0, 1]


def other_protocol():
    class Own(Optimizer):
        def _resource_apply_dense(self, grad, var):
            return var.assign_sub(0.1 * grad)

    Own()


def loops_over_nothing():
    x = K.placeholder((None, 2))
    (all_,), (last,) = K.scan(lambda now, states, time: ([now[0]], [now[0] + states[0]]), [x], [K.constant([1.0, 2.0])])
    nothing, kept = K.function([x], [all_, last])([np.zeros((0, 2))])
    assert nothing.shape == (0, 2) and kept.tolist() == [1, 2]


def second_derivatives():
    x = K.placeholder((2,))
    (first,) = K.gradients(K.sum(x * x * x), [x])
    (second,) = K.gradients(K.sum(first), [x])
    np.testing.assert_allclose(K.function([x], [second])([[1.0, 2.0]])[0], [6.0, 12.0])


def more_of_what_was_decoded():
    p, steps = K.placeholder((1, 2, 3)), K.placeholder((1,), dtype='int32')
    labels = K.ctc_decode(p, steps)[0][0] + 1
    found = K.function([p, steps], [labels])([[[[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]], [2]])[0]
    assert found.tolist() == [[1, 2]]


def saved_model():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'doubled')
        K.write_saved_model(path, {'x': K.placeholder((None, 2))}, lambda made: {'y': 2 * made[0]})
        assert os.path.isfile(os.path.join(path, 'saved_model.pb'))


def many_steps():
    x = K.placeholder((2,))
    done, (sums,) = K.function([x], [K.sum(x)]).many_steps({}, 3, [(2,)])([np.arange(6.0).reshape(3, 2)], 3)
    assert done == 3 and sums.tolist() == [1, 5, 9]


def several_machines():
    if not K.supports('ranks'):  # where it does, tests/engine/test_shared.py starts processes
        distribution.initialize('127.0.0.1:1', 2, 0)


def between_layers():
    x = Input((2,))
    assert Lump(x, x * 2.0).predict(np.ones((1, 2))).tolist() == [[2, 2]]


def computes_by(policy):
    x = Input((2,))
    layer = Daoloth(1, kernel_initializer='ones', dtype=policy)
    assert Lump(x, layer(x)).predict(np.ones((1, 2))).tolist() == [[2]] and K.dtype(layer.kernel) == 'float32'


TRIALS = {
    '[several machines](machines.md)': several_machines,
    '[the policy](training.md#mixed-precision) `mixed_float16`': lambda: computes_by('mixed_float16'),
    'the policy `mixed_bfloat16`': lambda: computes_by('mixed_bfloat16'),
    '[operations between layers](models.md#operations-between-layers) as layers of a model': between_layers,
    '`K.scan` of no steps, where only the run tells how many': loops_over_nothing,
    '`K.gradients`, training': gradients,
    '`K.gradients` of what `K.gradients` gave': second_derivatives,
    'more operations on what `K.ctc_decode` gave, whose shape depends on values': more_of_what_was_decoded,
    '[optimizers written against `OptimizerV2`](programs.md#tensorflows-keras)': other_protocol,
    '`K.get_session`, `K.set_session`': lambda: K.set_session(K.get_session()),
    '`K.manual_variable_initialization(True)`': lambda: K.manual_variable_initialization(True),
    '`K.graph_definition`, the graph in TensorBoard': K.graph_definition,
    '`K.write_saved_model`, `export_saved_model`': saved_model,
    '`K.dataset_batches`': dataset,
    '`many_steps` of a function': many_steps,
    '`K.placeholder()` without shape or rank': K.placeholder,
    'variables of `bfloat16`': lambda: K.get_value(K.variable([1.0], 'bfloat16')),
    'lengths of 1 that broadcast although no shape says that they are 1': broadcasts,
}


def test_every_row_is_tried():
    assert sorted(rows()) == sorted(TRIALS)


@pytest.mark.parametrize('what', sorted(TRIALS))
def test_row(what):
    backends, happens = rows()[what]
    try:
        here = [K.active.name] + ['Theano 1.0.5'] * (K.supports('theano') and not K.supports('empty_loops'))
        if not set(here) & set(backends):
            TRIALS[what]()
            return
        found = re.match('`(.*?)`', happens)
        with pytest.raises({'NotImplementedError': NotImplementedError}.get(found and found.group(1), ValueError)):
            TRIALS[what]()
    finally:
        K.manual_variable_initialization(False)
