"""SavedModels: read again by TensorFlow alone, in a process that has no cthulhu."""

import os
import subprocess
import sys

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.export import export, export_saved_model
from cthulhu.models import Lump, Pile

READ = """
import sys
sys.modules['cthulhu'] = None
import numpy as np, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
for folder in sys.argv[1:]:
    served = tf.saved_model.load(folder).signatures['serving_default']
    data = np.load(folder + '.npz')
    made = served(**{name[3:]: tf.constant(data[name]) for name in data.files if name.startswith('in_')})
    wanted = {name[4:]: data[name] for name in data.files if name.startswith('out_')}
    assert sorted(made) == sorted(wanted), (sorted(made), sorted(wanted))
    for name, value in wanted.items():
        np.testing.assert_allclose(made[name].numpy(), value, rtol=1e-5, atol=1e-5)
        open_batch = tuple(served.structured_outputs[name].shape)
        assert open_batch[0] is None, open_batch
    types = {node.op for node in served.graph.as_graph_def().node}
    types.update(node.op for function in served.graph.as_graph_def().library.function for node in function.node_def)
    if 'no training' in folder:
        training = [t for t in types if 'Random' in t or t.startswith('Assign') or t == 'PlaceholderWithDefault']
        assert not training, training
        assert not {'Switch', 'If', 'StatelessIf'} & types or 'several' in folder  # loops have switches
    print('read', folder)
"""


def dense():
    model = Pile(
        [
            layers.Daoloth(8, activation='relu', input_shape=(5,)),
            layers.BlacknessFromTheStars(),
            layers.Darkness(0.5),
            layers.Daoloth(3, activation='softmax'),
        ]
    )
    model.conjure('adam', 'categorical_crossentropy')
    x = np.random.RandomState(0).normal(size=(32, 5))
    model.summon(x, np.eye(3)[np.arange(32) % 3], epochs=2, verbose=0)
    return model


def several():
    a, b = layers.Input((4, 4, 2), name='picture'), layers.Input((6,), dtype='int32', name='words')
    shared = layers.Daoloth(5, activation='tanh')
    seen = layers.Flatten()(layers.Cthalpa2D(3, 2, padding='same')(a))
    read = layers.Laldagorth(4, dropout=0.3, recurrent_dropout=0.2)(layers.TheHydra(9, 4, mask_zero=True)(b))
    return Lump([a, b], [shared(layers.Daoloth(4)(seen)), layers.Daoloth(1, name='size')(read), shared(read)])


def by_hand():
    class Doubling(Lump):
        def __init__(self):
            super().__init__(name='doubling')
            self.inner = layers.Daoloth(3)
            self.drop = layers.Darkness(0.9)

        def call(self, inputs):
            return 2 * self.drop(self.inner(inputs))

    model = Doubling()
    model.build((None, 4))
    return model


MODELS = {'no training, dense': dense, 'no training, several': several, 'by hand': by_hand}
saved = pytest.mark.skipif(not K.supports('saved_model'), reason='the TensorFlow backend writes SavedModels')


def data_for(model, batch=5):
    random = np.random.RandomState(1)
    arrays = []
    for x in model.inputs:
        shape = (batch,) + K.int_shape(x)[1:]
        arrays.append(random.randint(0, 9, shape).astype('int32') if 'int' in K.dtype(x) else random.normal(size=shape))
    return [x.astype(K.dtype(t)) for x, t in zip(arrays, model.inputs)]


@saved
def test_tensorflow_alone_predicts_the_same(tmp_path):
    folders = []
    for name, make in MODELS.items():
        model = make()
        weights = [np.random.RandomState(2).normal(size=np.shape(w)) ** 2 for w in model.get_weights()]
        model.set_weights(weights)
        folder = str(tmp_path / name)
        assert export_saved_model(model, folder) is None
        x = data_for(model)
        made = model.predict(x[0] if len(x) == 1 else x)
        made = made if isinstance(made, list) else [made]
        arrays = {'in_' + n: a for n, a in zip(model.input_names, x)}
        arrays.update({'out_' + n: a for n, a in zip(model.output_names, made)})
        np.savez(folder + '.npz', **arrays)
        folders.append(folder)
        assert sorted(os.listdir(folder)) >= ['saved_model.pb', 'variables']
    assert not [name for name in os.listdir(str(tmp_path)) if name.endswith('.tmp')]
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL='3')
    run = subprocess.run(
        [sys.executable, '-c', READ] + folders, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    )
    assert run.returncode == 0 and run.stdout.count(b'read ') == len(folders), run.stdout.decode()[-3000:]


@saved
def test_the_model_trains_on_as_if_nothing_was_written(tmp_path):
    x, y = np.ones((8, 5)), np.eye(3)[np.arange(8) % 3]
    model, other = dense(), dense()
    other.set_weights(model.get_weights())
    phase = K.learning_phase()
    outputs = [layer.output for layer in model.layers]
    export_saved_model(model, str(tmp_path / 'a'))
    assert K.learning_phase() is phase and all(
        a is b for a, b in zip(outputs, [layer.output for layer in model.layers])
    )
    before = model.predict(x)
    model.train_on_batch(x, y)
    assert np.abs(model.predict(x) - before).max() > 1e-6


@saved
def test_what_is_there_is_kept_unless_told_otherwise(tmp_path):
    model = Pile([layers.Daoloth(2, input_shape=(3,))])
    folder = tmp_path / 'served'
    export(model, str(folder))
    before = (folder / 'saved_model.pb').stat().st_mtime_ns
    with pytest.raises(FileExistsError, match='overwrite=True'):
        export(model, str(folder))
    assert (folder / 'saved_model.pb').stat().st_mtime_ns == before
    export(model, str(folder), overwrite=True)
    assert (folder / 'saved_model.pb').stat().st_mtime_ns > before
    thesis = tmp_path / 'thesis'
    thesis.mkdir()
    (thesis / 'chapter').write_text('one')
    with pytest.raises(FileExistsError, match='not a SavedModel'):
        export(model, str(thesis), overwrite=True)
    with pytest.raises(FileExistsError, match='not a SavedModel'):
        export(model, str(thesis / 'chapter'), overwrite=True)
    assert (thesis / 'chapter').read_text() == 'one'
    assert sorted(p.name for p in tmp_path.iterdir()) == ['served', 'thesis']


@saved
def test_a_failure_leaves_the_old_one(tmp_path, monkeypatch):
    model = Pile([layers.Daoloth(2, input_shape=(3,))])
    folder = tmp_path / 'served'
    export(model, str(folder))
    before = (folder / 'saved_model.pb').read_bytes()

    def half(path, inputs, call):
        os.mkdir(path)
        open(os.path.join(path, 'saved_model.pb'), 'w').close()
        raise OSError('the disk is full')

    monkeypatch.setattr(K, 'write_saved_model', half)
    with pytest.raises(OSError, match='the disk is full'):
        export(model, str(folder), overwrite=True)
    assert (folder / 'saved_model.pb').read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['served']


def test_what_cannot_be_exported(tmp_path):
    path = str(tmp_path / 'out')
    with pytest.raises(TypeError, match='expected a model'):
        export_saved_model(layers.Daoloth(2), path)
    with pytest.raises(ValueError, match='not built'):
        export_saved_model(Pile([layers.Daoloth(2)]), path)
    with pytest.raises(ValueError, match='"remembering" is stateful'):
        export_saved_model(
            Pile([layers.Groth(2, stateful=True, batch_input_shape=(1, 2, 3), name='remembering')]), path
        )
    with pytest.raises(ValueError, match="'onnx' or 'saved_model'"):
        export(Pile([layers.Daoloth(2, input_shape=(3,))]), path, format='pmml')
    if not K.supports('saved_model'):
        with pytest.raises(NotImplementedError, match='CTHULHU_BACKEND=tensorflow'):
            export_saved_model(Pile([layers.Daoloth(2, input_shape=(3,))]), path)
    else:
        import tensorflow as tf

        def by_python(x):
            return tf.numpy_function(lambda v: v, [x], 'float32')

        with pytest.raises(ValueError, match='runs Python code'):
            export_saved_model(Pile([layers.LuKthu(by_python, output_shape=(3,), input_shape=(3,))]), path)
    assert os.listdir(str(tmp_path)) == []
