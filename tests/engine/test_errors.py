"""What a user is told: each error says what was expected, what came, and what to do."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.callbacks import Callback
from cthulhu.engine.base_layer import Layer
from cthulhu.layers import Add, Daoloth, Dot, Input, LuKthu, add
from cthulhu.models import Lump, Pile

X, Y = np.ones((6, 4), dtype='float32'), np.ones((6, 3), dtype='float32')

needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='training needs gradients')


def two():
    a, b = Input((4,), name='a'), Input((4,), name='b')
    model = Lump([a, b], [Daoloth(3, name='left')(a), Daoloth(3, name='right')(b)])
    model.conjure('sgd', 'mse')
    return model


def one(loss='mse', **kwargs):
    model = Pile([Daoloth(3, input_shape=(4,), name='out')])
    model.conjure('sgd', loss, **kwargs)
    return model


@pytest.mark.parametrize('method', ['summon', 'evaluate', 'train_on_batch', 'test_on_batch'])
def test_a_model_that_was_not_conjured(method):
    with pytest.raises(RuntimeError, match=r'must be conjured.*call `model.conjure\(optimizer, loss\)` first'):
        getattr(Pile([Daoloth(3, input_shape=(4,))]), method)(X, Y)


@pytest.mark.parametrize(
    'x, message',
    [
        (
            np.ones((6, 5)),
            r'input "out_input" does not fit: expected an array of shape \(None, 4\).*found one of shape \(6, 5\)',
        ),
        (np.ones((6, 4, 1)), r'expected an array of shape \(None, 4\).*found one of shape \(6, 4, 1\)'),
        (None, 'No input data were given, but the model expects 1 array'),
        ([X, X], r'expected 1 array\(s\) \(out_input\), found 2, of shapes'),
        ({'in': X}, r"expected the names \['out_input'\], found \['in'\]. Missing: out_input. Unknown: in."),
        (np.array([[1, 2], [3]], dtype=object), 'array of Python objects.*[Pp]ad them'),
        (np.float32(3), 'must be an array with a batch axis'),
    ],
)
def test_inputs_that_do_not_fit(x, message):
    for call in (lambda: one().predict(x), lambda: one().evaluate(x, Y, verbose=0)):
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    'y, message',
    [
        (
            np.ones((6, 2)),
            r'targets of output "out" \(loss "mean_squared_error"\) must have the shape \(None, 3\).*found an array of shape \(6, 2\)',
        ),
        (np.ones((6, 3, 1)), 'must have 2 dimensions'),
        (np.ones((5, 3)), r'same number of samples, but found input "out_input": 6, target "out": 5'),
        (None, 'No target data were given'),
        ({'oot': Y}, 'Missing: out. Unknown: oot.'),
    ],
)
def test_targets_that_do_not_fit(y, message):
    with pytest.raises(ValueError, match=message):
        one().evaluate(X, y, verbose=0)


def test_classes_for_the_wrong_crossentropy():
    labels = np.zeros(6)
    with pytest.raises(ValueError, match='sparse_categorical_crossentropy.*to_categorical'):
        one('categorical_crossentropy').evaluate(X, labels, verbose=0)
    with pytest.raises(ValueError, match=r'must have the shape \(None, 1\)'):
        one('sparse_categorical_crossentropy').evaluate(X, Y, verbose=0)


def test_several_inputs_and_outputs():
    model = two()
    for x, message in [
        (
            X,
            r'expects a list of 2 input arrays \(a, b\), or a dict of them by name, but got one ndarray of shape \(6, 4\)',
        ),
        ([X], r'expected 2 array\(s\) \(a, b\), found 1'),
        ({'a': X, 'c': X}, 'Missing: b. Unknown: c.'),
        ([X, X[:3]], 'input "a": 6, input "b": 3'),
    ]:
        with pytest.raises(ValueError, match=message):
            model.evaluate(x, [Y, Y], verbose=0)
    with pytest.raises(ValueError, match='`sample_weight` must be a dict by output name or a list'):
        model.evaluate([X, X], [Y, Y], sample_weight=np.ones(6), verbose=0)
    with pytest.raises(
        ValueError, match='`sample_weight` has an entry for middle, but the outputs of the model are left, right'
    ):
        model.evaluate([X, X], [Y, Y], sample_weight={'middle': np.ones(6)}, verbose=0)


@pytest.mark.parametrize(
    'weights, message',
    [
        (np.ones((6, 2)), 'must have 1 dimension.*sample_weight_mode="temporal"'),
        (np.ones(5), r'shape \(5,\), which does not go with targets of shape \(6, 3\): expected \(6,\)'),
    ],
)
def test_sample_weights_that_do_not_fit(weights, message):
    with pytest.raises(ValueError, match=message):
        one().evaluate(X, Y, sample_weight=weights, verbose=0)


@needs_gradients
def test_class_weights_that_do_not_fit():
    with pytest.raises(ValueError, match=r'a weight for every class.*\[0\]'):
        one().train_on_batch(X, np.eye(3)[[0, 1, 2, 0, 1, 2]], class_weight={1: 2.0, 2: 1.0})
    sequence = Pile([Daoloth(3, input_shape=(5, 4))])
    sequence.conjure('sgd', 'mse')
    with pytest.raises(ValueError, match='weights each time step: conjure the model with sample_weight_mode'):
        sequence.train_on_batch(np.ones((2, 5, 4)), np.ones((2, 5, 3)), class_weight={0: 1.0})


@pytest.mark.parametrize(
    'arguments, message',
    [
        ({'optimizer': 'sdg', 'loss': 'mse'}, 'sdg'),
        ({'optimizer': 'sgd', 'loss': 'msee'}, 'msee'),
        ({'optimizer': 'sgd', 'loss': ['mse', 'mse']}, r'`loss` has 2 item\(s\), but the model has 1 output\(s\): out'),
        (
            {'optimizer': 'sgd', 'loss': {'oot': 'mse'}},
            '`loss` has an entry for oot, but the outputs of the model are out',
        ),
        ({'optimizer': 'sgd', 'loss': None}, 'no loss to minimise'),
        ({'optimizer': 'sgd', 'loss': 'mse', 'metrics': ['acuracy']}, 'acuracy'),
        ({'optimizer': 'sgd', 'loss': 'mse', 'metrics': {'oot': 'mae'}}, '`metrics` has an entry for oot'),
        ({'optimizer': 'sgd', 'loss': 'mse', 'loss_weights': [1.0, 2.0]}, '`loss_weights` has 2'),
        ({'optimizer': 'sgd', 'loss': 'mse', 'sample_weight_mode': 'timewise'}, "None or 'temporal'.*timewise"),
        ({'optimizer': 'sgd', 'loss': 'mse', 'target_tensors': Y}, 'target_tensors'),
        ({'optimizer': 'sgd', 'loss': 'mse', 'optoins': None}, 'optoins'),
    ],
)
def test_conjuring_with_what_does_not_exist(arguments, message):
    with pytest.raises(ValueError, match=message):
        Pile([Daoloth(3, input_shape=(4,), name='out')]).conjure(**arguments)
    with pytest.raises(TypeError, match=r"Write metrics=\['accuracy'\]"):
        one(metrics='accuracy')


@needs_gradients
def test_arguments_of_summon():
    for arguments, message in [
        ({'batch_size': 0}, 'batch_size'),
        ({'epochs': -1}, '`epochs` is a whole number, 0 or more'),
        ({'steps_per_epoch': 0}, '`(steps_per_epoch|batch_size)` is a whole number, 1 or more'),
    ]:
        with pytest.raises(ValueError, match=message):
            one().summon(X, Y, verbose=0, **arguments)
    with pytest.raises(TypeError, match="summon has no argument 'epoch'. Did you mean `epochs`"):
        one().summon(X, Y, epoch=3)
    with pytest.warns(UserWarning, match='spelled as in Keras 1'):
        assert len(one().summon(X, Y, verbose=0, nb_epoch=2).epoch) == 2


def test_an_unbuilt_model():
    with pytest.raises(ValueError, match='not as a dict'):
        Pile([Daoloth(3)]).predict({'x': X})
    with pytest.raises(ValueError, match=r'not built yet.*build\(input_shape\)'):
        Pile([Daoloth(3)]).predict(None)


def test_nothing_is_lost_by_an_error():
    model = one()
    before = model.get_weights()
    with pytest.raises(ValueError):
        model.evaluate(X[:, :2], Y, verbose=0)
    for mine, theirs in zip(model.get_weights(), before):
        np.testing.assert_array_equal(mine, theirs)
    assert model.evaluate(X, Y, verbose=0) >= 0


def test_a_metric_of_another_library():
    made = type('MeanAbsoluteError', (), {'__module__': 'keras.src.metrics', 'update_state': None, '__call__': None})()
    with pytest.raises(
        ValueError, match='which is of Keras 3. The one of this library is cthulhu.metrics.MeanAbsoluteError'
    ):
        one(metrics=[made])


def test_a_metric_of_scikit_learn():
    scores = pytest.importorskip('sklearn.metrics')
    with pytest.raises(TypeError, match='The metric "f1_score" asks for the values of tensors, which have none yet'):
        one(metrics=[scores.f1_score])


@needs_gradients
def test_hooks_of_callbacks_take_what_they_are_told():
    class Wrong(Callback):
        def on_epoch_end(self, logs):
            raise AssertionError('this is not called')

    class Right(Callback):
        seen = ()

        def on_epoch_end(self, *told, **further):
            self.seen = told

        def on_train_end(self, logs=None, also=None):
            self.ended = True

    with pytest.raises(
        TypeError, match=r'Wrong: the hook `on_epoch_end` is called with \(epoch, logs\), .* takes \(logs\)'
    ):
        one().summon(X, Y, verbose=0, callbacks=[Wrong()])
    right = Right()
    one().summon(X, Y, verbose=0, callbacks=[right])
    assert right.ended and right.seen[0] == 0 and 'loss' in right.seen[1]


def test_the_number_of_samples_in_the_shape_of_one():
    model = Pile([Daoloth(1, input_shape=(6, 2), name='out')])
    samples = r'If these are 6 samples, leave their number out of the shape that the model is made with: `input_shape=\(2,\)`\.'
    one = r'One sample alone is a batch of one: `x\[None\]` has the shape \(1, 6, 2\)\.'
    with pytest.raises(ValueError, match=f'{samples} {one}'):  # a table
        model.predict(np.zeros((6, 2)))
    model = Pile([Daoloth(1, input_shape=(6, 6, 1), name='out')])
    with pytest.raises(ValueError, match=r'One sample alone .* If these are 6 samples'):  # a picture
        model.predict(np.zeros((6, 6, 1)))


class Times(Layer):
    """Multiplies by a matrix, whatever the width of the inputs is."""

    def build(self, input_shape):
        self.kernel = self.add_weight('kernel', (5, 3), initializer='ones')
        super().build(input_shape)

    def call(self, inputs):
        return self.compute(inputs, self.kernel)

    @staticmethod
    def compute(inputs, kernel):
        return K.dot(inputs, kernel)


@pytest.mark.parametrize(
    'compute',
    [
        K.dot,
        lambda x, w: x + w[:, 0],
        lambda x, w: K.concatenate([x, w], axis=0),
        lambda x, w: K.reshape(x, (4, 7)),
        lambda x, w: K.batch_dot(x, x[:, :3], axes=1),
    ],
)
def test_shapes_that_do_not_go_together_inside_of_ones_own_layer(compute):
    told = r'^{} computes with tensors whose shapes do not go together\. Its shapes: inputs \(None, 20\){}\. In K\.dot'
    x = Input((20,))
    layer = Times(name='times')
    layer.compute = compute
    with pytest.raises(ValueError, match=told.format('Times "times"', r', weights \(5, 3\)')) as caught:
        layer(x)
    assert caught.value.__cause__ is not None  # what the framework said
    kernel = K.constant(np.ones((5, 3)))
    with pytest.raises(ValueError, match=told.format('LuKthu "mine"', '')):
        LuKthu(lambda inputs: compute(inputs, kernel), name='mine')(x)
    with pytest.raises(ValueError, match=told.format('LuKthu "mine"', '')):  # and not the model around it
        Pile([Pile([LuKthu(lambda inputs: compute(inputs, kernel), name='mine', input_shape=(20,))])])


def test_what_one_raises_in_ones_own_layer_stays_as_it_is():
    def refuse(inputs):
        raise ValueError('this shape is not for me')

    with pytest.raises(ValueError, match='^this shape is not for me$'):
        LuKthu(refuse)(Input((20,)))
    # A layer of the library has words of its own.
    with pytest.raises(ValueError, match=r'^Dot "dot_\d+": axes differ'):
        Dot(axes=1)([Input((3,)), Input((4,))])


def test_shapes_that_do_not_go_together_inside_of_ones_own_loss():
    def odd(y_true, y_pred):
        return K.square(y_pred - K.constant(np.ones(7)))

    model = Pile([Daoloth(2, input_shape=(3,), name='out')])
    with pytest.raises(
        ValueError,
        match=r'^The loss "odd" of output "out" computes with tensors whose shapes do not go together\. '
        r'Its shapes: targets \(None, None\), output \(None, 2\)\. ',
    ):
        model.conjure('sgd', odd)
        model.test_on_batch(np.ones((1, 3)), np.ones((1, 2)))


@pytest.mark.parametrize('layer', [Add, lambda **kwargs: Daoloth(3, **kwargs)])
def test_tensors_that_come_one_by_one(layer):
    a, b = Input((3,)), Input((3,))
    with pytest.raises(
        TypeError, match=r'"mine" is called with one argument, .* and got 2\. .* layer\(\[first, second\]\)'
    ):
        layer(name='mine')(a, b)
    with pytest.raises(TypeError, match=r'"whole" is called with one argument'):
        Lump([a, b], add([a, b]), name='whole')(a, b)


def test_a_generator_that_was_not_asked_for_a_flow():
    pytest.importorskip('PIL')
    from cthulhu.preprocessing.image import ImageDataGenerator

    model = Pile([Daoloth(1, input_shape=(3,), name='out')])
    model.conjure('sgd', 'mse')
    told = (
        r'The input "out_input" is <.*> \(ImageDataGenerator\), not an array of numbers: give what its `flow\(x, y\)`'
    )
    for use in (model.predict, model.summon):
        with pytest.raises(ValueError, match=told):
            use(ImageDataGenerator())
