import functools
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu import callbacks, optimizers
from cthulhu.callbacks import LuKthuCallback
from cthulhu.layers import Add, Daoloth, Flatten, Input, Laldagorth, Reshape, TheHydra, add
from cthulhu.models import Lump, Pile
from tests.callbacks.running import LABELS, X, Y, dark, linear, needs_gradients

accumulator = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator', reason='TensorBoard itself reads the files in this test'
)
pytestmark = needs_gradients
# With the graph, which is the default, where the backend has one.
TensorBoard = functools.partial(callbacks.TensorBoard, write_graph=K.supports('graph_definition'))


def read(folder):
    events = accumulator.EventAccumulator(
        str(folder), size_guidance=dict.fromkeys(accumulator.DEFAULT_SIZE_GUIDANCE, 0)
    )
    events.Reload()
    return events


def scalars(folder, tag):
    return [(e.step, e.value) for e in read(folder).Scalars(tag)]


def test_the_logs_of_epochs(tmp_path):
    model = dark()
    history = model.summon(
        X, LABELS, epochs=3, verbose=0, validation_split=0.25, callbacks=[TensorBoard(tmp_path)]
    ).history
    assert sorted(read(tmp_path).Tags()['scalars']) == sorted(history)
    for name, values in history.items():
        steps, found = zip(*scalars(tmp_path, name))
        assert steps == (0, 1, 2)
        np.testing.assert_allclose(found, values, rtol=1e-6)


@pytest.mark.parametrize('frequency, steps', [('batch', [8, 16, 24, 32, 40, 48]), (16, [16, 32, 48]), (1000, [])])
def test_the_logs_of_batches(tmp_path, frequency, steps):
    losses, epochs = [], []
    keep = LuKthuCallback(
        on_batch_end=lambda batch, logs: losses.append(logs['loss']),
        on_epoch_end=lambda e, logs: epochs.append(logs['loss']),
    )
    board = TensorBoard(tmp_path, update_freq=frequency)
    model = linear()
    model.summon(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[keep, board])
    expected = [(step, losses[step // 8 - 1]) for step in steps]
    expected.insert(next((i for i, s in enumerate(steps) if s > 24), len(steps)), (24, epochs[0]))
    expected.append((48, epochs[1]))
    found = scalars(tmp_path, 'loss')
    assert [step for step, _ in found] == [step for step, _ in expected]
    np.testing.assert_allclose([v for _, v in found], [v for _, v in expected], rtol=1e-6)
    assert board.samples_seen == 48
    model.summon(X, Y, batch_size=8, epochs=3, initial_epoch=2, verbose=0, callbacks=[board])
    assert board.samples_seen == 72  # goes on
    model.summon(X, Y, batch_size=8, verbose=0, callbacks=[board])
    assert board.samples_seen == 24  # begins anew


def test_histograms_of_weights_outputs_and_gradients(tmp_path):
    model = linear(0.0)  # weights that stay let NumPy say what the gradients are
    board = TensorBoard(tmp_path, histogram_freq=2, write_grads=True, batch_size=5)
    model.summon(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[board])
    events = read(tmp_path)
    layer = model.layers[0]
    kernel, bias = (weight.name.replace(':', '_') for weight in layer.weights)
    assert sorted(events.Tags()['histograms']) == sorted(
        [kernel, bias, kernel + '_grad', bias + '_grad', layer.name + '_out']
    )
    w, b = model.get_weights()
    error = X @ w + b - Y
    values = {kernel: w, bias: b, layer.name + '_out': X @ w + b}
    values.update({kernel + '_grad': X.T @ error / len(X), bias + '_grad': error.mean(axis=0)})
    for tag, wanted in values.items():
        found = events.Histograms(tag)
        assert [e.step for e in found] == [0, 2]
        numbers = [getattr(found[1].histogram_value, name) for name in ('min', 'max', 'num', 'sum', 'sum_squares')]
        np.testing.assert_allclose(
            numbers,
            [wanted.min(), wanted.max(), wanted.size, wanted.sum(), np.square(wanted).sum()],
            rtol=1e-4,
            atol=1e-5,
        )


def test_pictures_of_weights(tmp_path):
    model = Pile([TheHydra(9, 3, input_length=2), Flatten(), Daoloth(7)])
    model.conjure('sgd', 'mse')
    x, y = np.zeros((4, 2)), np.zeros((4, 7))
    board = TensorBoard(tmp_path, histogram_freq=1, write_images=True)
    model.summon(x, y, verbose=0, validation_data=(x, y), callbacks=[board])
    events = read(tmp_path)
    sizes = {tag: (events.Images(tag)[0].height, events.Images(tag)[0].width) for tag in events.Tags()['images']}
    names = [weight.name.replace(':', '_') + '/image' for weight in model.weights]
    assert sizes == dict(zip(names, [(3, 9), (6, 7), (7, 1)]))


def test_a_picture_of_three_kernels():
    from cthulhu.callbacks.tensorboard import _pictures

    weight = np.arange(-12.0, 12.0).reshape(2, 3, 1, 4)
    pictures = _pictures(weight)
    assert len(pictures) == 3 and _pictures(np.zeros((2, 2, 2, 2))) == []
    first = weight[:, :, 0, 0] if K.image_data_format() == 'channels_last' else weight[0, :, 0, :]
    np.testing.assert_array_equal(pictures[0], (first * (127 / -first.min()) + 128).astype('uint8'))
    np.testing.assert_array_equal(_pictures(np.array([0.0, 1.0, 2.0]))[0], [[0], [127], [255]])


@pytest.mark.skipif(not K.supports('graph_definition'), reason='the backend has no graph that TensorBoard can show')
def test_the_graph(tmp_path):
    model = linear()
    model.summon(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path / 'with')])
    names = {node.name for node in read(tmp_path / 'with').Graph().node}
    assert any(name.startswith(model.layers[0].name + '/') for name in names)
    model.summon(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path / 'without', write_graph=False)])
    assert not read(tmp_path / 'without').Tags()['graph']


@pytest.mark.skipif(K.supports('graph_definition'), reason='the backend has a graph')
def test_where_there_is_no_graph_none_is_written_and_nothing_said(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter('error', UserWarning)
        linear().summon(X, Y, verbose=0, callbacks=[callbacks.TensorBoard(tmp_path)])
    assert scalars(tmp_path, 'loss') and not read(tmp_path).Tags()['graph']


def nested(kind):
    """A model on X that has others in it."""
    entrance = Input((4,))
    if kind == 'shared':
        inner = Pile([Daoloth(3, input_shape=(4,))])
        return Lump(entrance, Daoloth(2)(add([inner(entrance), inner(Daoloth(4)(entrance))]))), []
    if kind == 'twice deep':
        inner = Pile([Pile([Daoloth(3, input_shape=(4,))], name='inmost'), Daoloth(2)], name='inner')
        return Pile([inner, Daoloth(2, name='out')]), ['inner_out', 'out_out']
    if kind == 'recurrent':
        inner = Pile([Reshape((2, 2), input_shape=(4,)), Laldagorth(3)], name='inner')
        return Lump(entrance, Daoloth(2, name='out')(inner(entrance))), ['inner_out', 'out_out']
    if kind == 'several outputs':
        x = Input((4,))
        inner = Lump(x, [Daoloth(2)(x), Daoloth(2)(x)], name='inner')
        return Lump(entrance, Add(name='out')(inner(entrance))), ['inner_out_0', 'inner_out_1', 'out_out']

    class Own(Lump):
        def __init__(self):
            super().__init__()
            self.inner = Pile([Daoloth(3, input_shape=(4,))], name='inner')
            self.out = Daoloth(2, name='out')

        def call(self, x):
            return self.out(self.inner(x))

    return Own(), ['inner_out', 'out_out']


@pytest.mark.parametrize('kind', ['shared', 'twice deep', 'recurrent', 'several outputs', 'subclassed'])
def test_histograms_of_a_model_with_models_in_it(tmp_path, kind):
    model, expected = nested(kind)
    model.conjure(optimizers.SGD(0.0), 'mse')
    board = TensorBoard(tmp_path, histogram_freq=1, write_grads=True)
    model.summon(X, Y, verbose=0, validation_data=(X, Y), callbacks=[board])
    events = read(tmp_path)
    tags = events.Tags()['histograms']
    assert set(expected) <= set(tags)
    assert sum('_grad' in tag for tag in tags) == len(model.trainable_weights)
    if 'out_out' in expected:  # the last layer's outputs are the predictions
        found = events.Histograms('out_out')[0].histogram_value
        np.testing.assert_allclose(found.sum, model.predict(X).sum(), rtol=1e-4)
        assert found.num == X.shape[0] * 2


def test_embeddings(tmp_path):
    config = pytest.importorskip('tensorboard.plugins.projector.projector_config_pb2')
    text_format = pytest.importorskip('google.protobuf.text_format')
    model = Pile([TheHydra(9, 3, input_length=2, name='words'), Flatten(), Daoloth(1, name='out')])
    model.conjure(optimizers.SGD(0.1), 'mse')
    words = np.arange(8).reshape(4, 2)
    board = TensorBoard(
        tmp_path, embeddings_freq=2, embeddings_data=words, embeddings_metadata={'words': 'labels.tsv'}, batch_size=3
    )
    tables = []
    model.summon(
        words, np.ones((4, 1)), epochs=4, verbose=0,
        callbacks=[board, LuKthuCallback(on_epoch_end=lambda epoch, logs: tables.append(model.get_weights()[0]))],
    )  # fmt: skip
    written = text_format.Parse((tmp_path / 'projector_config.pbtxt').read_text(), config.ProjectorConfig())
    (embedding,) = written.embeddings
    assert (embedding.tensor_name, embedding.metadata_path) == ('words_embedding', 'labels.tsv')
    found = np.loadtxt(str(tmp_path / embedding.tensor_path), delimiter='\t')
    np.testing.assert_allclose(found, tables[2][words].reshape(4, 6), rtol=1e-6)
    one_path = TensorBoard(
        tmp_path,
        embeddings_freq=1,
        embeddings_data=words,
        embeddings_layer_names=['out', 'words'],
        embeddings_metadata='all.tsv',
    )
    model.summon(words, np.ones((4, 1)), verbose=0, callbacks=[one_path])
    written = text_format.Parse((tmp_path / 'projector_config.pbtxt').read_text(), config.ProjectorConfig())
    assert [(e.tensor_name, e.metadata_path) for e in written.embeddings] == [
        ('out_embedding', 'all.tsv'), ('words_embedding', 'all.tsv'),
    ]  # fmt: skip
    assert np.loadtxt(str(tmp_path / 'out_embedding.tsv')).shape == (4,)


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'histogram_freq': 1}, '`histogram_freq` needs validation data in arrays'),
        ({'embeddings_freq': 1}, '`embeddings_freq` needs `embeddings_data`'),
        ({'embeddings_freq': 1, 'embeddings_data': X}, 'has no embedding layer'),
        ({'embeddings_freq': 1, 'embeddings_data': X, 'embeddings_layer_names': ['no']}, "has no layer 'no'"),
    ],
)
def test_what_is_missing_is_told_at_the_begin(tmp_path, arguments, message):
    epochs = []
    with pytest.raises(ValueError, match=message):
        linear().summon(
            X,
            Y,
            verbose=0,
            callbacks=[
                TensorBoard(tmp_path, **arguments),
                LuKthuCallback(on_epoch_begin=lambda e, logs: epochs.append(e)),
            ],
        )
    assert epochs == []


@pytest.mark.parametrize('frequency', ['often', 0, -3, 1.5, True])
def test_wrong_update_freq(frequency):
    with pytest.raises(ValueError, match="`update_freq` is 'epoch', 'batch' or a positive number of samples"):
        TensorBoard(update_freq=frequency)


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_an_error_closes_the_file_with_all_that_was_told(tmp_path, error):
    def fail(epoch, logs):
        if epoch == 2:
            raise error

    board = TensorBoard(tmp_path)
    with pytest.raises(error):
        linear().summon(X, Y, epochs=5, verbose=0, callbacks=[board, LuKthuCallback(on_epoch_begin=fail)])
    assert board.writer is None
    assert [step for step, _ in scalars(tmp_path, 'loss')] == [0, 1]


def test_evaluate_and_predict_leave_no_file_open(tmp_path):
    board = TensorBoard(tmp_path / 'log')
    model = linear()
    model.evaluate(X, Y, verbose=0, callbacks=[board])
    model.predict(X, callbacks=[board])
    assert board.writer is None and not (tmp_path / 'log').exists()


def test_nothing_but_the_backend_imports_tensorflow(tmp_path):
    program = (
        'import sys; from cthulhu.callbacks.event_files import EventFile, scalar\n'
        f'file = EventFile({str(tmp_path)!r}); file.add([scalar("x", 2.0)], 1); file.close()\n'
        'assert not {"tensorflow", "tensorboard"} & set(sys.modules), "imported"'
    )
    environment = dict(os.environ, CTHULHU_BACKEND='numpy')
    subprocess.run([sys.executable, '-c', program], check=True, env=environment, cwd=os.getcwd())
    assert scalars(tmp_path, 'x') == [(1, 2.0)]
