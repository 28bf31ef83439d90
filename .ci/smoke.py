"""Try an installed Cthulhu that has NumPy alone: every module is there, models are built, predict, are saved, and loaded."""

import importlib
import os
import pkgutil
import re
import sys

import numpy as np

import cthulhu
from cthulhu import layers
from cthulhu.models import Pile, load_model

#: What wants packages that are not installed here, or changes what `import keras` means.
NEEDS_MORE = (
    r'cthulhu\.(backend\.(tensorflow|jax|torch|theano|cntk)\b|backend\.tensorflow_backend|export\.onnx_|as_|__main__)'
)


def check_modules():
    folder = os.path.dirname(cthulhu.__file__)
    assert folder.startswith(sys.prefix), f'{folder} is not what was installed'
    for module in pkgutil.walk_packages([folder], 'cthulhu.'):
        if not re.match(NEEDS_MORE, module.name):
            importlib.import_module(module.name)


def check_model(model, x):
    expected = model.predict(x)
    assert np.isfinite(expected).all() and expected.shape == (len(x), 3)
    model.conjure('adam', 'mse', metrics=['mae'])
    for name in ('model.h5', 'model.keras'):
        model.save(name)
        np.testing.assert_array_equal(load_model(name).predict(x), expected)
    np.testing.assert_allclose(load_model(name).evaluate(x, expected + 1, verbose=0), [1, 1], rtol=1e-5)


def main():
    check_modules()
    assert os.path.exists(os.path.join(os.path.dirname(cthulhu.__file__), 'py.typed'))
    x = np.random.RandomState(0).normal(size=(5, 8, 8, 1)).astype('float32')
    check_model(
        Pile(
            [
                layers.Cthalpa2D(4, 3, activation='relu', input_shape=(8, 8, 1)),
                layers.BlacknessFromTheStars(),
                layers.Mlandoth2D(),
                layers.Flatten(),
                layers.Daoloth(3, activation='softmax'),
            ]
        ),
        x,
    )
    check_model(Pile([layers.Laldagorth(6, input_shape=(8, 8)), layers.Daoloth(3)]), x[..., 0])
    print(f'Cthulhu {cthulhu.__version__} of {os.path.dirname(cthulhu.__file__)} works on NumPy {np.__version__}.')


if __name__ == '__main__':
    main()
