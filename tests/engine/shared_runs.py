"""What one rank of a shared run does: `python -m tests.engine.shared_runs RANK COUNT PORT FOLDER CASE ...`; results go to FOLDER/RANK.npz and .json."""

import json
import os
import sys
import time
import warnings

import numpy as np

import cthulhu
from cthulhu import backend as K
from cthulhu import callbacks, layers, losses, metrics, models, optimizers
from tests.engine import twelve
from tests.engine.shared_data import Batches, Slow, Sparse, data

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def model(optimizer='adam', dropout=0.0, **further):
    made = models.Pile(
        [
            layers.Daoloth(
                12, activation='tanh', input_shape=(6,), kernel_regularizer='l2', activity_regularizer='l1_l2'
            ),
            layers.Darkness(dropout),
            layers.Daoloth(3, activation='softmax'),
        ]
    )
    random = np.random.RandomState(3)
    if cthulhu.distribution.is_first():  # rank 0's count
        made.set_weights([random.normal(0, 0.5, w.shape) for w in made.get_weights()])
    made.conjure(optimizer, 'sparse_categorical_crossentropy', metrics=['accuracy', metrics.SparseTopKCategoricalAccuracy(2)], **further)  # fmt: skip
    return made


def results(made, history, *figures):
    return {'weights': made.get_weights(), 'history': history, 'figures': [float(each) for each in figures]}


def synchronized(made):
    """The model with layers that normalise the whole batch."""
    config = made.get_config()
    for layer in config['layers']:
        if layer['class_name'] == 'BatchNormalization':
            layer['config']['synchronized'] = True
    new = models.Pile.from_config(config)
    new.conjure(cthulhu.optimizers.SGD(0.05, decay=0.1), 'mse', metrics=['mae'])
    return new


@case
def all_twelve():
    found = {'history': {}, 'weights': [], 'figures': []}
    for make in twelve.MODELS:
        made, x, y, options = make(cthulhu)
        if make is twelve.normalised:
            made = synchronized(made)
        twelve.start(made)
        history = twelve.train(made, x, y, options)
        found['history'].update((f'{make.__name__} {name}', values) for name, values in history.items())
        found['history'][make.__name__ + ' after'] = twelve.evaluate(made, x, y, options)
        found['weights'] += made.get_weights()
    return found


@case
def shuffled():
    """From arrays, mixed, with weights, a part held out, and batches that do not divide."""
    x, y = data()
    made = model()
    np.random.seed(cthulhu.distribution.rank())
    history = made.summon(
        x, y, batch_size=16, epochs=3, validation_split=0.2, sample_weight=np.linspace(0.5, 1.5, len(x)), verbose=0
    )
    return results(made, history.history, *made.evaluate(x, y, verbose=0), np.abs(made.predict(x)).sum(), made.predict(x[:1])[0, 0])  # fmt: skip


@case
def sequence():
    x, y = data()
    made = model(cthulhu.optimizers.SGD(0.1, momentum=0.9, clipnorm=0.5))
    np.random.seed(cthulhu.distribution.rank())
    history = made.summon(Batches(x, y, 13), epochs=2, workers=2, verbose=0, validation_data=Batches(x, y, 9))
    return results(made, history.history, *made.evaluate(Batches(x, y, 30), verbose=0), np.abs(made.predict(Batches(x, y, 9))).sum())  # fmt: skip


@case
def in_turn():
    """Sequences that take longer to compute than to send."""
    numbers, words = layers.Input((6,)), layers.Input((None,))
    pooled = layers.GlobalAveragePooling1D()(layers.Embedding(9, 4)(words))
    merged = layers.concatenate([numbers, pooled])
    made = models.Lump([numbers, words], layers.Daoloth(3, activation='softmax')(merged))
    twelve.start(made)
    made.conjure(optimizers.SGD(0.1), 'sparse_categorical_crossentropy', metrics=['accuracy'])
    batches = Slow(7)
    history = made.summon(batches, epochs=2, shuffle=False, verbose=0, workers=0).history
    further = model(optimizers.SGD(0.1))
    history['sparse'] = further.summon(Sparse(*data(50), 9), shuffle=False, verbose=0).history['loss']
    figures = made.evaluate(Slow(9), verbose=0, workers=2), [np.abs(made.predict(Slow(11), verbose=0)).sum()]
    return dict(results(made, history, *figures[0], *figures[1]), computed=batches.computed)


@case
def normalised_together():
    """Layers that normalise what all ranks have, of which some have no sample of the last batch; frozen ones; and numbers that 16 bits do not hold."""
    x, y = data(13)
    inputs = layers.Input((6,))
    z = layers.BlacknessFromTheStars(synchronized=True)(layers.Daoloth(5)(inputs))
    frozen = layers.BlacknessFromTheStars(synchronized=True, trainable=False)
    z = layers.BlacknessFromTheStars(synchronized=True)(frozen(z), training=True)
    made = models.Lump(inputs, layers.Daoloth(3, activation='softmax')(z))
    twelve.start(made)
    made.conjure(optimizers.SGD(0.1), 'sparse_categorical_crossentropy')
    history = made.summon(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    figures = [made.evaluate(x, y, batch_size=11, verbose=0), *made.predict(x, batch_size=11)[-2:].ravel()]
    pictures = np.linspace(0, 1, 4 * 160 * 160).reshape(4, 160, 160, 1)
    short = models.Pile([layers.BlacknessFromTheStars(synchronized=True, input_shape=(160, 160, 1), dtype='float16')])
    short.conjure('sgd', 'mse')
    short.train_on_batch(pictures, pictures)
    return results(made, history.history, *figures, *[w.sum() for w in short.get_weights()[2:]])


@case
def bad_batch():
    """What one rank cannot compute ends the call of all, who go on; and so does a length that is no longer that of the others."""

    class Bad(Slow):
        def __getitem__(self, index):
            if index == 4:
                raise OSError('cut short')
            return super().__getitem__(index)[0][0], self.y[index * 7 : index * 7 + 7]

    made, found = model(), []
    try:
        made.summon(Bad(7), shuffle=False, verbose=0)
    except (OSError, RuntimeError) as error:
        found.append(f'{type(error).__name__}: {error}')
    made.summon(*data(20), epochs=1, verbose=0)

    class Shrinks(Batches):
        def on_epoch_end(self):
            self.size += cthulhu.distribution.rank()

    try:
        made.summon(Shrinks(*data(50), 7), epochs=2, shuffle=False, verbose=0)
    except ValueError as error:
        found.append(str(error))
    return results(made, {'errors': found})


@case
def hdf5(folder=None):
    import h5py

    x, y = data()
    path = os.path.join(sys.argv[4], f'data{cthulhu.distribution.rank()}.h5')
    with h5py.File(path, 'w') as file:
        file['x'], file['y'] = x, y
    made = model()
    with h5py.File(path, 'r') as file:
        np.random.seed(cthulhu.distribution.rank())
        history = made.summon(file['x'], file['y'], batch_size=10, epochs=2, shuffle='batch', verbose=0)
        return results(made, history.history, *made.evaluate(file['x'], file['y'], verbose=0))


@case
def own_shares():
    """A generator on each rank; together they give the batches of one."""
    x, y = data(60)
    rank, count = cthulhu.distribution.rank(), cthulhu.distribution.count()

    def batches():
        while True:
            for start in range(0, 60, 20):
                size = 20 // count + (20 % count if rank == count - 1 else 0)
                rows = slice(start + rank * (20 // count), start + rank * (20 // count) + size)
                yield x[rows], y[rows]

    made = model()
    history = made.summon(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    return results(made, history.history, *made.evaluate(batches(), steps=3, verbose=0))


@case
def single_batches():
    x, y = data()
    made = model()
    found = [made.train_on_batch(x[i : i + 7], y[i : i + 7]) for i in range(0, 28, 7)]
    return results(made, {'loss': [float(f[0]) for f in found]}, *made.test_on_batch(x[:2], y[:2]))


@case
def of_many_kinds():
    """Two outputs of which one has a mask, a sum as a loss, a layer that adds a loss and a metric, class weights, batches of one."""
    random = np.random.RandomState(7)
    words, numbers = random.randint(0, 6, (31, 5)), random.normal(size=(31, 4)).astype('float32')
    words[:, 0] = 1

    class Reports(layers.Layer):
        def call(self, inputs):
            self.add_metric(K.mean(K.abs(inputs)), name='size')
            self.add_loss(0.1 * K.mean(K.square(inputs)))
            return inputs * 2

    a, b = layers.Input((5,), dtype='int32'), layers.Input((4,))
    steps = layers.TimeDistributed(layers.Daoloth(2), name='steps')(
        layers.GRU(4, return_sequences=True)(layers.Embedding(6, 3, mask_zero=True)(a))
    )
    reports = Reports()
    kind = layers.Daoloth(3, activation='softmax', name='kind')(reports(layers.Daoloth(4)(b)))
    made = models.Lump([a, b], [steps, kind])
    twelve.start(made)
    loss = {'steps': 'mse', 'kind': cthulhu.losses.CategoricalCrossentropy(reduction='sum')}
    made.conjure(
        'rmsprop',
        loss,
        metrics={'kind': ['accuracy', metrics.AUC()], 'steps': 'mae'},
        loss_weights={'steps': 2.0, 'kind': 0.1},
    )
    y = [random.normal(size=(31, 5, 2)), np.eye(3)[random.randint(0, 3, 31)]]
    history = made.summon(
        [words, numbers],
        y,
        batch_size=6,
        epochs=2,
        shuffle=False,
        verbose=0,
        class_weight={'kind': {0: 1.0, 1: 0.5, 2: 2.0}},
    )
    return results(
        made,
        history.history,
        *made.evaluate([words, numbers], y, batch_size=10, verbose=0),
        *[np.abs(p).sum() for p in made.predict([words, numbers], batch_size=7)],
    )


@case
def reductions():
    """Losses that are sums, that have no reduction, that leave out a class; metrics of whole batches. The last batch has one sample."""
    random = np.random.RandomState(6)
    x, y = random.randint(0, 9, (13, 5)), random.randint(0, 3, (13, 5, 1))
    found = {'history': {}, 'weights': [], 'figures': []}
    for number, settings in enumerate(
        [{'reduction': 'sum'}, {'reduction': 'none'}, {'ignore_class': 0}, {'ignore_class': 2}]
    ):
        for masked in (True,) if 'reduction' in settings else (False, True)[: 1 + number % 2]:
            made = models.Pile([
                layers.TheHydra(9, 3, mask_zero=masked, input_length=5),
                layers.SimpleRNN(4, return_sequences=True),
                layers.TimeDistributed(layers.Daoloth(3, activation='softmax')),
            ])  # fmt: skip
            made.set_weights([np.random.RandomState(3).normal(0, 0.5, w.shape) for w in made.get_weights()])
            made.add_metric(K.mean(K.abs(made.output)), name='size')
            made.conjure(optimizers.SGD(0.05), losses.SparseCategoricalCrossentropy(**settings))
            history = made.summon(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history
            found['history'].update((f'{number} {masked} {name}', values) for name, values in history.items())
            found['weights'] += made.get_weights()
    return found


@case
def scores():
    """Metrics whose states have shapes that only their variables tell."""
    x, y = data()
    made = models.Pile([layers.Daoloth(1, kernel_initializer='ones', input_shape=(6,))])
    made.conjure('sgd', 'mse', metrics=[metrics.R2Score(), metrics.CosineSimilarity()])
    history = made.summon(x, np.minimum(y, 1), batch_size=9, epochs=2, shuffle=False, verbose=0)
    return results(made, history.history)


@case
def other_rates():
    """Batch by batch, with the learning rate of rank 0."""
    x, y = data()
    made = model(optimizers.SGD(0.1 * (cthulhu.distribution.rank() + 1)))
    return results(made, {'loss': [float(made.train_on_batch(x[:9], y[:9])[0]) for _ in range(3)]})


@case
def stopped():
    """A callback on the last rank alone ends all; another ends all after an epoch; callbacks that write are rank 0's."""
    x, y = data()
    last = cthulhu.distribution.rank() == cthulhu.distribution.count() - 1
    seen = []

    def stop(batch, logs):
        seen.append(batch)
        if last and batch == 2:
            made.stop_training = True

    path = os.path.join(sys.argv[4], f'log{cthulhu.distribution.rank()}.csv')
    told = [callbacks.CSVLogger(path)] + ([callbacks.LuKthuCallback(on_batch_end=stop)] if last else [])
    made = model()
    made.summon(x, y, batch_size=8, epochs=4, verbose=0, callbacks=told)
    epochs = len(made.history.epoch)
    early = callbacks.EarlyStopping('loss', min_delta=10.0)
    history = made.summon(x, y, batch_size=8, epochs=9, verbose=0, shuffle=False, callbacks=[early])
    return results(made, history.history, epochs, len(history.epoch), os.path.exists(path) == cthulhu.distribution.is_first())  # fmt: skip


@case
def own_rows():
    x, _ = data(31)
    made = model()
    whole = made.predict(x, batch_size=8)
    with cthulhu.distribution.keep_shares() as kept:
        own = made.predict(x, batch_size=8)
    np.testing.assert_array_equal(whole[kept.rows], own)
    return {'weights': [], 'history': {'rows': list(map(int, kept.rows))}, 'figures': []}


@case
def with_draws():
    x, y = data()
    np.random.seed(1)
    made = model(dropout=0.5)
    history = made.summon(x, y, batch_size=16, epochs=2, verbose=0)
    return results(made, history.history)


@case
def kept():
    """A run that goes on from the backup of rank 0 alone."""
    x, y = data()

    def run(epochs):
        np.random.seed(1)
        made = model(cthulhu.optimizers.SGD(0.1, momentum=0.9), dropout=0.3)
        folder = os.path.join(sys.argv[4], f'backup{cthulhu.distribution.rank()}')
        backup = callbacks.BackupAndRestore(folder, delete_checkpoint=False)
        history = made.summon(x, y, batch_size=16, epochs=epochs, verbose=0, callbacks=[backup, callbacks.EarlyStopping('loss', patience=9)])  # fmt: skip
        return made, history, folder

    _, _, folder = run(2)
    made, history, _ = run(4)
    np.random.seed(1)
    whole = model(cthulhu.optimizers.SGD(0.1, momentum=0.9), dropout=0.3)
    whole.summon(x, y, batch_size=16, epochs=4, verbose=0)
    differ = max(float(np.abs(a - b).max()) for a, b in zip(made.get_weights(), whole.get_weights()))
    assert os.path.exists(folder) == cthulhu.distribution.is_first()
    return results(made, history.history, differ, len(history.epoch))


def up_to(epoch):
    x, y = data()
    np.random.seed(1)
    made = model(cthulhu.optimizers.SGD(0.1, momentum=0.9))
    backup = callbacks.BackupAndRestore(os.path.join(sys.argv[4], 'backup'), delete_checkpoint=False)
    history = made.summon(x, y, batch_size=16, epochs=epoch, verbose=0, callbacks=[backup])
    return results(made, history.history)


@case
def first_half():
    return up_to(2)


@case
def whole():
    """What others began, in the same folder, or the whole."""
    return up_to(4)


@case
def other_data():
    """The last rank has other data, and all are told."""
    x, y = data(40 if cthulhu.distribution.rank() == cthulhu.distribution.count() - 1 else 50)
    try:
        model().summon(x, y, verbose=0)
    except ValueError as error:
        return {'history': {'error': str(error)}, 'weights': [], 'figures': []}


def told(act, kind):
    """The error that `act` ends with."""
    try:
        act()
    except kind as error:
        return {'history': {'error': str(error)}, 'weights': [], 'figures': []}


@case
def other_model():
    """The last rank has another activation."""
    x, y = data()
    made = model()
    if not cthulhu.distribution.is_first():
        made.layers[0].activation = cthulhu.activations.relu
    return told(lambda: made.summon(x, y, verbose=0), ValueError)


@case
def other_weights():
    """A callback of the last rank alone changes the weights."""
    x, y = data()
    made = model()

    def change(batch, logs):
        if not cthulhu.distribution.is_first():
            made.set_weights([w + 1 for w in made.get_weights()])

    return told(
        lambda: made.summon(x, y, verbose=0, callbacks=[callbacks.LuKthuCallback(on_batch_end=change)]), ValueError
    )


@case
def apart():
    """A callback of rank 0 alone evaluates."""
    x, y = data()
    made = model()
    kept = callbacks.LuKthuCallback(on_epoch_end=lambda epoch, logs: made.evaluate(x, y, verbose=0))
    own = [kept] if cthulhu.distribution.is_first() else []
    return told(lambda: made.summon(x, y, verbose=0, callbacks=own), cthulhu.distribution.RankLost)


class Counts(layers.Layer):
    """Adds up its inputs, or counts its samples in integers."""

    def __init__(self, dtype, **options):
        super().__init__(**options)
        self.kind = dtype

    def build(self, input_shape):
        self.total = self.add_weight(name='total', shape=(), initializer='zeros', trainable=False, dtype=self.kind)
        super().build(input_shape)

    def call(self, inputs):
        self.add_update(
            [K.update_add(self.total, K.shape(inputs)[0] if self.kind == 'int32' else K.sum(inputs))], inputs
        )
        return inputs


@case
def counting_layers():
    """What layers add up is not what one process would have: a warning, or an error."""
    x, y = data()
    said = []
    for kind in ('float32', 'int32'):
        made = models.Pile([Counts(kind, input_shape=(6,)), layers.Daoloth(3, activation='softmax')])
        made.conjure('sgd', 'sparse_categorical_crossentropy')
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter('always')
            try:
                made.summon(x, y, verbose=0)
            except ValueError as error:
                said.append(str(error))
        said += [str(each.message) for each in found]
    return {'history': {'said': said}, 'weights': [], 'figures': []}


@case
def mixed_otherwise():
    """A Sequence that each rank mixes with a seed of its own."""
    x, y = data()
    order = np.random.RandomState(cthulhu.distribution.rank()).permutation(len(x))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter('always')
        model().evaluate(Batches(x, y, 9), verbose=0)
        before = len(found)
        model().evaluate(Batches(x[order], y[order], 9), verbose=0)
    return {'history': {'before': before, 'said': [str(each.message) for each in found]}, 'weights': [], 'figures': []}


@case
def forever():
    """Trains until somebody ends it."""
    x, y = data()
    made = model()

    def note(batch, logs):
        with open(os.path.join(sys.argv[4], f'step{cthulhu.distribution.rank()}'), 'w') as file:
            file.write(str(batch))
        time.sleep(0.002)

    try:
        made.summon(
            x, y, batch_size=8, epochs=10**6, verbose=0, callbacks=[callbacks.LuKthuCallback(on_batch_end=note)]
        )
    except cthulhu.distribution.RankLost as error:
        return {'history': {'error': str(error)}, 'weights': [], 'figures': []}


@case
def failing():
    """The last rank raises an error in a callback."""
    x, y = data()

    def fail(epoch, logs):
        if epoch == 1 and cthulhu.distribution.rank() == cthulhu.distribution.count() - 1:
            raise KeyError('lost my notes')

    try:
        model().summon(x, y, epochs=9, verbose=0, callbacks=[callbacks.LuKthuCallback(on_epoch_end=fail)])
    except cthulhu.distribution.RankLost as error:
        return {'history': {'error': str(error)}, 'weights': [], 'figures': []}


def main(rank, count, port, folder, names):
    if count > 1:
        cthulhu.distribution.initialize(f'127.0.0.1:{port}', count, rank, timeout=float(os.environ.get('LIMIT', 20)))
    for name in names:
        found = CASES[name]()
        K.clear_session()
        with open(os.path.join(folder, f'{name}{rank}.json'), 'w') as file:
            json.dump({key: value for key, value in found.items() if key != 'weights'}, file, default=float)
        np.savez(os.path.join(folder, f'{name}{rank}.npz'), *found['weights'])


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
