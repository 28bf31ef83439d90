"""Evaluate functions of the backend on arrays, and compare with NumPy and with finite differences."""

import numpy as np

from cthulhu import backend as K
from cthulhu.backend.frameworks import is_implemented
from cthulhu.backend.load import load_backend


def backends():
    """The active backend, and the reference beside it."""
    found = [K.active]
    if K.active.name != 'numpy' and is_implemented('numpy'):
        found.append(load_backend('numpy'))
    return found


def single(x):
    """`x` as an array; float64 becomes the default float type."""
    x = np.asarray(x)
    return x.astype(K.floatx()) if x.dtype == np.float64 else x


def placeholders(backend, arrays, known='all', fixed=()):
    """A placeholder for each array.

    Arguments:
        known: 'all' lengths, all 'but the first', or 'none' of them: what the placeholders' static shapes say.
        fixed: indices of the arrays whose shapes are wholly known all the same.
    """
    made = []
    for i, x in enumerate(arrays):
        shape = x.shape
        if known != 'all' and i not in fixed:
            shape = tuple(n if known == 'but the first' and axis else None for axis, n in enumerate(shape))
        made.append(backend.placeholder(shape=shape, dtype=str(x.dtype)))
    return made


def evaluate(f, *arrays, **options):
    """The arrays that `f(backend, *tensors)` gives, by `K.function` of placeholders.

    Arguments:
        f: function (backend, *tensors) -> tensor or list of tensors.
        arrays: values of the tensors.
        backend, known, fixed: see `placeholders`; the active backend by default.

    Returns:
        Array, or list of arrays.
    """
    backend = options.pop('backend', K.active)
    inputs = placeholders(backend, arrays, **options)
    outputs = f(backend, *inputs)
    several = isinstance(outputs, (list, tuple))
    outputs = list(outputs) if several else [outputs]
    values = backend.function(inputs, outputs)(list(arrays))
    for tensor, value in zip(outputs, values):
        shape = backend.int_shape(tensor)
        if shape is not None:
            assert len(shape) == np.ndim(value), f'int_shape says {shape}, the value has shape {np.shape(value)}'
            wrong = [n for n, m in zip(shape, np.shape(value)) if n not in (None, m)]
            assert not wrong, f'int_shape says {shape}, the value has shape {np.shape(value)}'
    return values if several else values[0]


def check_function(f, expected, *arrays, **options):
    """`f(backend, *tensors)` gives `expected`, on the active backend and on NumPy, with static and with dynamic shapes.

    Arguments:
        expected: array, or list of arrays.
        fixed: indices of the arrays whose static shape the function needs.
        rtol, atol: relative and absolute tolerance.
    """
    fixed = options.pop('fixed', ())
    tolerance = {'rtol': options.pop('rtol', 1e-5), 'atol': options.pop('atol', 1e-6)}
    assert not options, options
    arrays = [single(x) for x in arrays]
    wanted = list(expected) if isinstance(expected, (list, tuple)) else [expected]
    for backend in backends():
        for known in ('all', 'but the first', 'none'):
            values = evaluate(f, *arrays, backend=backend, known=known, fixed=fixed)
            values = values if isinstance(expected, (list, tuple)) else [values]
            assert len(values) == len(wanted)
            for value, want in zip(values, wanted):
                message = f'{backend.name}, static lengths: {known}'
                assert np.shape(value) == np.shape(want), f'{message}: {np.shape(value)} != {np.shape(want)}'
                assert (np.asarray(value).dtype == bool) == (np.asarray(want).dtype == bool), message
                np.testing.assert_allclose(value, want, err_msg=message, **tolerance)


def check(name, expected, *arrays, **kwargs):
    """The backend's function `name` of `arrays` and `kwargs` gives `expected`; options as for `check_function`.

    >>> check('square', np.array([1.0, 4.0]), np.array([1.0, 2.0]))
    """
    options = {key: kwargs.pop(key) for key in ('fixed', 'rtol', 'atol') if key in kwargs}
    check_function(lambda backend, *x: getattr(backend, name)(*x, **kwargs), expected, *arrays, **options)


def check_gradient(f, *arrays, **options):
    """The gradients of `f(*tensors)`, a tensor, agree with central differences, in float64.

    Arguments:
        f: function of tensors; or the name of a function of the backend.
        arrays: values of the tensors.
        wrt: indices of the tensors to differentiate by; by default those of floats.
        kwargs: dict, arguments for the function named `f`.
        rtol, atol, step: tolerance, and half the step of the differences.
    """
    if not K.supports('gradients'):
        return
    kwargs = options.pop('kwargs', {})
    wrt = options.pop('wrt', None)
    rtol, atol, step = options.pop('rtol', 1e-4), options.pop('atol', 1e-6), options.pop('step', 1e-5)
    assert not options, options
    arrays = [np.asarray(x) for x in arrays]
    arrays = [x.astype('float64') if x.dtype.kind == 'f' else x for x in arrays]
    if wrt is None:
        wrt = [i for i, x in enumerate(arrays) if x.dtype.kind == 'f']
    function = getattr(K, f) if isinstance(f, str) else f
    inputs = placeholders(K.active, arrays)
    output = function(*inputs, **kwargs)
    value = K.function(inputs, [output])(arrays)[0]
    # A weight for each element: a plain sum has gradient 0 for whatever sums to a constant.
    weights = np.random.RandomState(0).uniform(0.5, 1.5, np.shape(value))
    loss = K.sum(output * K.constant(weights, dtype='float64'))
    run = K.function(inputs, [loss])
    found = K.function(inputs, K.gradients(loss, [inputs[i] for i in wrt]))(arrays)
    generator = np.random.RandomState(1)
    for i, gradient in zip(wrt, found):
        assert gradient.shape == arrays[i].shape
        size = arrays[i].size
        # Along each axis of a small array; along random directions, which each move every element, of a larger one.
        directions = np.eye(size) if size <= 6 else generator.normal(size=(6, size))
        for direction in directions.reshape((-1,) + arrays[i].shape):
            sides = [run([x + h * direction if j == i else x for j, x in enumerate(arrays)])[0] for h in (step, -step)]
            wanted = (sides[0] - sides[1]) / (2 * step)
            message = f'gradient by argument {i} along {direction}'
            np.testing.assert_allclose(np.sum(gradient * direction), wanted, rtol=rtol, atol=atol, err_msg=message)
