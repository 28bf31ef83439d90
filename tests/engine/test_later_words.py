"""Words that Keras 3 and tf.keras taught their users, and functions that ask tensors for values."""

import json

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.callbacks import ReduceLROnPlateau
from cthulhu.layers import Daoloth, Input, Layer, LuKthu, Masking
from cthulhu.models import Pile, load_model

random = np.random.RandomState(0)
X, Y = random.rand(20, 3), random.rand(20, 2)
needs_gradients = pytest.mark.skipif(not K.supports('gradients'), reason='training needs gradients')


def model(**settings):
    made = Pile([Daoloth(2, input_shape=(3,))])
    made.conjure('sgd', 'mse', metrics=['mae'], **settings)
    return made


def test_values_by_name():
    made = model()
    names, values = ['loss', 'mae'], made.evaluate(X, Y, verbose=0)
    assert made.evaluate(X, Y, verbose=0, return_dict=True) == dict(zip(names, values))
    found = made.test_on_batch(X, Y, return_dict=True)
    assert list(found) == names and found['mae'] == pytest.approx(values[1], rel=1e-5)


@needs_gradients
def test_values_by_name_of_training():
    assert list(model().train_on_batch(X, Y, return_dict=True)) == ['loss', 'mae']


def test_weights_are_variables_too():
    made = model()
    assert made.variables == made.weights and made.trainable_variables == made.trainable_weights
    made.layers[0].trainable = False
    assert made.layers[0].non_trainable_variables == made.layers[0].weights

    class Own(Layer):
        def __init__(self):
            super().__init__()
            self.variables = 'mine'

    assert Own().variables == 'mine'
    with pytest.raises(AttributeError, match="'Daoloth' object has no attribute 'vraiables'"):
        made.layers[0].vraiables


def test_a_bar_by_the_word_auto(capsys):
    model().evaluate(X, Y, verbose='auto')
    assert '20/20 [====' in capsys.readouterr().out


def test_a_summary_with_the_layers_of_nested_models():
    lines = []
    Pile([model(), Daoloth(1, name='last')]).summary(print_fn=lines.append, expand_nested=True)
    assert sum('(Daoloth)' in line for line in lines) == 2


def test_settings_that_mean_nothing_here_are_taken_where_they_change_nothing():
    model(run_eagerly=False, jit_compile='auto', steps_per_execution=1)
    for setting, value in (('run_eagerly', True), ('jit_compile', True)):
        with pytest.raises(ValueError, match=f'conjure: `{setting}`: '):
            model(**{setting: value})


@needs_gradients
def test_classes_of_steps_without_a_last_axis():
    x, y = random.rand(5, 4, 2), random.randint(0, 3, size=(5, 4))
    made = Pile([Daoloth(3, activation='softmax', input_shape=(4, 2))])
    made.conjure('sgd', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    assert made.evaluate(x, y, verbose=0) == made.evaluate(x, y[..., None], verbose=0)
    losses = [made.train_on_batch(x, y)[0] for _ in range(2)]
    assert losses[1] < losses[0]
    with pytest.raises(ValueError, match=r'must have the shape \(None, 4, 1\), as the output has; found'):
        made.evaluate(x, y[:, 0], verbose=0)


@needs_gradients
def test_a_history_is_json():
    callbacks = [ReduceLROnPlateau('loss')]
    history = model().summon(X, Y, epochs=2, validation_split=0.2, verbose=0, callbacks=callbacks).history
    assert json.loads(json.dumps(history)) == history
    assert all(type(value) is float for values in history.values() for value in values)


@pytest.mark.parametrize('function', [lambda x: x if x > 0 else -x, lambda x: K.constant(float(x))])
def test_a_layer_that_asks_for_values_is_named(function):
    with pytest.raises(TypeError) as caught:
        LuKthu(function, name='mine')(Input((3,)))
    assert str(caught.value).startswith('LuKthu "mine" asks for the values of tensors, which have none yet')
    assert caught.value.__cause__ is not None


def test_a_layer_in_a_layer_is_named_once():
    class Own(Layer):
        def __init__(self):
            super().__init__(name='outer')
            self.inner = LuKthu(lambda x: x if x > 0 else -x, name='inner')

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(TypeError, match='^LuKthu "inner" asks for the values of tensors'):
        Own()(Input((3,)))


def test_the_place_that_was_given_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = model()
    for name in ('no/model.h5', 'no/model.keras', 'no/weights.h5'):
        save = made.save_weights if 'weights' in name else made.save
        with pytest.raises(FileNotFoundError) as caught:
            save(name)
        assert caught.value.filename == name
    (tmp_path / 'folder.h5').mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        made.save('folder.h5')
    assert caught.value.filename == 'folder.h5' and [path.name for path in tmp_path.iterdir()] == ['folder.h5']
    made.save_weights('own.weights.h5')
    with pytest.raises(ValueError, match='holds weights only, perhaps. Build the model, then load them'):
        load_model('own.weights.h5')


def test_one_loss_for_the_batch_under_a_mask_or_weights_of_steps_is_named():
    def whole(true, predicted):
        return K.mean(K.square(true - predicted))

    with pytest.raises(ValueError, match='^The loss "whole" of output "last" is one number .* the output has a mask: '):
        Pile([Masking(input_shape=(4, 2)), Daoloth(3, name='last')]).conjure('sgd', whole)
    with pytest.raises(ValueError, match='^The loss "whole" of output "last" .* weights of time steps: '):
        Pile([Daoloth(3, input_shape=(4, 2), name='last')]).conjure('sgd', whole, sample_weight_mode='temporal')
    made = Pile([Daoloth(2, input_shape=(3,))])  # weights of samples are factors of the one number
    made.conjure('sgd', whole)
    weighted = made.evaluate(X, Y, sample_weight=np.full(20, 2.0), verbose=0)
    assert weighted == pytest.approx(2 * made.evaluate(X, Y, verbose=0), rel=1e-5)
