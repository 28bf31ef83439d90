"""layer_test: everything that a layer should do, checked in one call. For people who write layers."""

import copy
import warnings

import numpy as np

from cthulhu import backend as K
from cthulhu import layers
from cthulhu.engine.base_layer import Layer
from cthulhu.engine.input_layer import Input
from cthulhu.engine.lump import Lump
from cthulhu.engine.pile import Pile
from cthulhu.utils.generic_utils import CustomObjectScope, is_all_none, to_list, unpack_singleton

__all__ = ['layer_test']


def layer_test(
    layer_cls,
    kwargs=None,
    input_shape=None,
    input_dtype=None,
    input_data=None,
    expected_output=None,
    expected_output_dtype=None,
    expected_mask=None,
    input_mask=None,
    custom_objects=None,
    fixed_batch_size=False,
    train=True,
    gradients=True,
    rtol=1e-4,
    atol=1e-5,
):
    """Check a layer: the shape of its output with and without None, its dtype, values and mask; that its configuration and
    its weights survive a round trip; a step of training; its use in a Pile (or, with several inputs, a Lump); and its
    gradients, against finite differences.

    Arguments:
        layer_cls: the class of the layer.
        kwargs: dict, the arguments to make it with.
        input_shape: tuple with the batch axis, for random data; None on an axis lets it vary. A list for several inputs.
        input_dtype: dtype of the inputs, `floatx()` if left out; for integers, data from 0 to 9.
        input_data: array, or list of arrays, instead of random data.
        expected_output: array (or list), or a function of the input data and the list of weights that gives it.
        expected_output_dtype: dtype of the output; that of the input by default, where the input is floating.
        expected_mask: array, the mask of the output for `input_mask`; False if there should be none.
        input_mask: boolean array (batch, time), or a list: the masks of the inputs. By default a random one is tried on a
            layer that supports masking.
        custom_objects: dict, name -> class or function, for what the configuration names.
        fixed_batch_size: whether the layer needs to know the batch size.
        train: whether to make a step of training.
        gradients: whether to check the gradients with respect to inputs and trainable weights.
        rtol, atol: tolerance of the values.

    Returns:
        The output of the layer in the test phase, an array (or a list of them).

    Raises:
        AssertionError: the first thing that is wrong.

    Example:
        >>> from cthulhu.layers import Daoloth
        >>> layer_test(Daoloth, {'units': 3}, input_shape=(2, 4)).shape
        (2, 3)
    """
    several = isinstance(input_shape, list) or isinstance(input_data, (list, tuple))
    data = _data(input_shape, input_dtype, input_data)
    shapes = [tuple(s) for s in (input_shape if several else [input_shape])] if input_shape else [x.shape for x in data]
    shapes = [x.shape if fixed_batch_size else (None,) + shape[1:] for x, shape in zip(data, shapes)]
    known = dict(custom_objects or {})
    known.setdefault(layer_cls.__name__, layer_cls)
    check = _Check(layer_cls, data, shapes, several, rtol, atol)
    with CustomObjectScope(known):
        layer = layer_cls(**(kwargs or {}))
        config = check.configuration(layer, layers)
        x, y = check.call(layer)
        outputs = check.values(layer, x, y, expected_output, expected_output_dtype)
        check.shapes_agree(layer, outputs)
        check.masks(layer, x, y, outputs, input_mask, expected_mask)
        if gradients:
            check.gradients(layer, config, outputs)
        check.model(layer, config, outputs, train)
    return outputs if isinstance(y, list) else outputs[0]


def _data(shape, dtype, data):
    if data is not None:
        data = data if isinstance(data, (list, tuple)) else [data]
        return [np.asarray(x, dtype=dtype) if dtype or not hasattr(x, 'dtype') else x for x in data]
    if shape is None:
        raise ValueError('layer_test needs `input_shape` or `input_data`.')
    batch = np.random.randint(2, 5)
    made = []
    for each in shape if isinstance(shape, list) else [shape]:
        sizes = [
            batch if axis == 0 and n is None else np.random.randint(2, 5) if n is None else n
            for axis, n in enumerate(each)
        ]
        kind = np.dtype(dtype or K.floatx())
        made.append(
            (np.random.randint(0, 10, sizes) if kind.kind in 'iu' else np.random.uniform(-1, 1, sizes)).astype(kind)
        )
    return made


class _Check:
    """The checks of one layer. The messages say which one failed."""

    def __init__(self, cls, data, shapes, several, rtol, atol):
        self.cls = cls
        self.data = data
        self.shapes = shapes
        self.several = several
        self.tolerance = {'rtol': rtol, 'atol': atol}

    def that(self, condition, what, *values):
        """Raise an AssertionError unless the condition holds."""
        if not condition:
            raise AssertionError(f'layer_test of {self.cls.__name__}: {what % values}')

    def close(self, found, expected, what, **tolerance):
        """Raise an AssertionError unless two arrays agree."""
        np.testing.assert_allclose(
            found, expected, err_msg=f'layer_test of {self.cls.__name__}: {what}', **(tolerance or self.tolerance)
        )

    def inputs(self, dtype=None):
        """New input tensors for the data."""
        made = [
            Input(batch_shape=s, dtype=dtype if dtype and _floating(x) else str(x.dtype))
            for s, x in zip(self.shapes, self.data)
        ]
        return made if self.several else made[0]

    def configuration(self, layer, layers):
        """The configuration makes the same layer again, by the class and by name."""
        config = copy.deepcopy(layer.get_config())
        for maker, again in (
            ('from_config', self.cls.from_config(copy.deepcopy(config))),
            ('serialize and deserialize', layers.deserialize(copy.deepcopy(layers.serialize(layer)))),
        ):
            self.that(type(again) is self.cls, '%s made a %s.', maker, type(again).__name__)
            self.that(
                _plain(again.get_config()) == _plain(config),
                'the configuration changed with %s:\n%s\nbecame\n%s', maker, config, again.get_config(),
            )  # fmt: skip
        return config

    def call(self, layer):
        """Call the layer on new inputs; give the inputs and the output."""
        x = self.inputs()
        y = layer(x)
        self.that(layer.built, '`built` is False after a call: `build` must set it, or call that of the base class.')
        return x, y

    def run(self, x, y, data=None):
        """The values of `y` in the test phase, as a list."""
        return K.function(to_list(x), to_list(y))(data or self.data)

    def values(self, layer, x, y, expected, expected_dtype):
        """The output is what it should be. Returns it as a list of arrays."""
        outputs = self.run(x, y)
        if expected_dtype is None and all(_floating(each) for each in self.data):
            expected_dtype = str(self.data[0].dtype)
        if expected_dtype is not None:
            for tensor, value in zip(to_list(y), outputs):
                self.that(
                    K.dtype(tensor) == expected_dtype,
                    'dtype of the output: expected %s, found %s.',
                    expected_dtype,
                    K.dtype(tensor),
                )
                self.that(
                    value.dtype == expected_dtype,
                    'dtype of the values: expected %s, found %s.',
                    expected_dtype,
                    value.dtype,
                )
        if callable(expected):
            expected = expected(unpack_singleton(self.data) if not self.several else self.data, layer.get_weights())
        if expected is not None:
            for value, want in zip(outputs, to_list(expected, allow_tuple=True)):
                self.that(
                    value.shape == np.shape(want),
                    'shape of the output: expected %s, found %s.',
                    np.shape(want),
                    value.shape,
                )
                self.close(value, want, 'the output is not the expected one.')
        return outputs

    def shapes_agree(self, layer, outputs):
        """`compute_output_shape`, with all sizes and with None, agrees with what comes out."""
        full = [x.shape for x in self.data]
        for shapes in (full, self.shapes, [(None,) + shape[1:] for shape in full]):
            computed = layer.compute_output_shape(list(shapes) if self.several else shapes[0])
            computed = computed if isinstance(computed, list) else [computed]
            self.that(
                len(computed) == len(outputs),
                'compute_output_shape gives %d shapes for %d outputs.',
                len(computed),
                len(outputs),
            )
            for shape, value in zip(computed, outputs):
                fits = len(shape) == value.ndim and all(n is None or n == m for n, m in zip(shape, value.shape))
                if shapes is full:
                    fits = fits and None not in shape[1:]
                self.that(
                    fits and isinstance(shape, tuple), 'compute_output_shape(%s) is %s, but the output has the shape %s.', shapes, shape, value.shape
                )  # fmt: skip
        for tensor, value in zip(to_list(layer.get_output_at(0)), outputs):
            shape = K.int_shape(tensor)
            fits = len(shape) == value.ndim and all(n is None or n == m for n, m in zip(shape, value.shape))
            self.that(fits, 'the output tensor says %s, but its value has the shape %s.', shape, value.shape)

    def masks(self, layer, x, y, outputs, input_mask, expected):
        """The mask of the output; a layer that does not support masks refuses one."""
        given = to_list(input_mask) if input_mask is not None else None
        if given is None:
            given = [np.random.rand(*a.shape[:2]) > 0.4 if a.ndim > 2 else None for a in self.data]
            if is_all_none(given):
                return
        tensors = [None if m is None else K.placeholder(shape=(None,) * np.ndim(m), dtype='bool') for m in given]
        refuses = not layer.supports_masking and type(layer).compute_mask is Layer.compute_mask
        try:
            with K.name_scope(layer.name):
                mask = layer.compute_mask(x, tensors if self.several else tensors[0])
        except TypeError:
            self.that(refuses, 'compute_mask raised a TypeError although the layer supports masking.')
            self.that(expected is None, 'a mask was expected, but the layer refuses masks.')
            return
        self.that(not refuses, 'the layer does not support masking, but took a mask without an error.')
        found = []
        for tensor, value in zip(to_list(mask), outputs):
            if tensor is None:
                found.append(None)
                continue
            feeds = [(t, m) for t, m in zip(tensors, given) if t is not None]
            f = K.function(to_list(x) + [t for t, _ in feeds], [tensor])
            found.append(f(list(self.data) + [m for _, m in feeds])[0])
            self.that(
                found[-1].shape == value.shape[: found[-1].ndim] or found[-1].ndim == value.ndim,
                'the mask of the output has the shape %s, the output %s.', found[-1].shape, value.shape,
            )  # fmt: skip
        if expected is False:
            self.that(is_all_none(found), 'no mask of the output was expected.')
        elif expected is not None:
            self.that(found[0] is not None, 'a mask of the output was expected, but there is none.')
            np.testing.assert_array_equal(
                found[0], expected, err_msg=f'layer_test of {self.cls.__name__}: mask of the output'
            )

    def model(self, layer, config, outputs, train):
        """In a model of its own the layer predicts the same, is restored with the model, and learns for a step."""
        inner = self.cls.from_config(copy.deepcopy(config))
        if self.several or len(outputs) > 1:
            x = self.inputs()
            model = Lump(x, inner(x))
        else:
            entry = self.inputs()
            model = Pile()
            model.add(entry)
            model.add(inner)
        weights = layer.get_weights()
        model.set_weights(weights)
        for found, value in zip(inner.get_weights(), weights):
            self.close(found, value, 'get_weights gives something else than set_weights was given.')
        batch = len(self.data[0]) if self.shapes[0][0] is not None else 32
        data = self.data if self.several else self.data[0]
        for value, expected in zip(to_list(model.predict(data, batch_size=batch)), outputs):
            self.close(
                value, expected, 'a layer with the same configuration and weights predicts something else in a model.'
            )
        again = type(model).from_config(copy.deepcopy(model.get_config()))
        again.set_weights(model.get_weights())
        for value, expected in zip(to_list(again.predict(data, batch_size=batch)), outputs):
            self.close(
                value, expected, 'a model with the layer, made again from its configuration, predicts something else.'
            )
        if train and all(_floating(value) for value in outputs):
            model.conjure('sgd', 'mse')
            with warnings.catch_warnings():
                if not model.trainable_weights:
                    warnings.simplefilter('ignore')  # that there is nothing to train, which is so
                loss = model.train_on_batch(
                    data, [value + 1.0 for value in outputs] if len(outputs) > 1 else outputs[0] + 1.0
                )
            self.that(np.all(np.isfinite(loss)), 'a step of training gave the loss %s.', loss)
            for weight in model.get_weights():
                self.that(np.all(np.isfinite(weight)), 'a step of training made a weight infinite or nan.')

    def gradients(self, layer, config, values):
        """The gradients of a random sum of the outputs, against finite differences along a random direction, in float64."""
        floatx = K.floatx()
        K.set_floatx('float64')
        try:
            twin = self.cls.from_config(_in_double(config))
            x = self.inputs('float64')
            y = twin(x)
            twin.set_weights(layer.get_weights())
            data = [a.astype('float64') if _floating(a) else a for a in self.data]
            tensors = [(t, i) for i, t in enumerate(to_list(x)) if _floating(data[i])]
            weights = list(twin.trainable_weights)
            outputs = [(t, v.shape) for t, v in zip(to_list(y), values) if K.dtype(t).startswith('float')]
            if not outputs or not tensors and not weights:
                return
            random = np.random.RandomState(0)
            with K.name_scope('gradient_check'):
                total = 0.0
                for tensor, shape in outputs:
                    total = total + K.sum(tensor * K.constant(random.uniform(0.5, 1.5, shape), dtype='float64'))
                slopes = K.gradients(total, [t for t, _ in tensors] + weights)
            connected = [g for g in slopes if g is not None]
            f = K.function(to_list(x), [total] + connected)
            results = iter(f(data)[1:])
            slopes = [None if g is None else next(results) for g in slopes]
            for (_, index), slope in zip(tensors, slopes):
                step = random.uniform(-1, 1, data[index].shape)

                def along(size, index=index, step=step):
                    moved = list(data)
                    moved[index] = data[index] + size * step
                    return f(moved)[0]

                self._slope(along, slope, step, f'input {index}')
            for weight, slope in zip(weights, slopes[len(tensors) :]):
                start = K.get_value(weight)
                step = random.uniform(-1, 1, start.shape)

                def along(size, weight=weight, start=start, step=step):
                    K.set_value(weight, start + size * step)
                    return f(data)[0]

                self._slope(along, slope, step, 'weight {}'.format(getattr(weight, 'name', '')))
                K.set_value(weight, start)
        finally:
            K.set_floatx(floatx)

    def _slope(self, along, slope, step, what):
        size = 1e-6
        expected = (along(size) - along(-size)) / (2 * size)
        found = 0.0 if slope is None else np.sum(slope * step)
        self.close(found, expected, f'the gradient with respect to {what} is wrong.', rtol=1e-4, atol=1e-5)


def _floating(x):
    return np.dtype(getattr(x, 'dtype', 'float64')).kind == 'f'


def _in_double(config):
    """A configuration, with float64 wherever it says float32, in layers within too."""
    if isinstance(config, dict):
        return {k: 'float64' if k == 'dtype' and v == 'float32' else _in_double(v) for k, v in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_in_double(item) for item in config)
    return copy.deepcopy(config)


def _plain(config):
    """A configuration with lists for tuples and arrays, for comparison."""
    if isinstance(config, dict):
        return {k: _plain(v) for k, v in config.items()}
    if isinstance(config, (list, tuple)):
        return [_plain(item) for item in config]
    return config.tolist() if isinstance(config, (np.ndarray, np.generic)) else config
