"""Names of Keras's backend that this library itself does not use."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.backend import common, numpy_backend


def test_the_data_format_has_the_names_of_keras_1():
    before = K.image_data_format()
    try:
        for ordering, name in (('th', 'channels_first'), ('tf', 'channels_last')):
            K.set_image_dim_ordering(ordering)
            assert K.image_data_format() == name and K.image_dim_ordering() == ordering == common.image_dim_ordering()
    finally:
        K.set_image_data_format(before)
    with pytest.raises(ValueError, match="'tf' .* or 'th' .*; got 'channels_first'"):
        K.set_image_dim_ordering('channels_first')


def test_the_backend_on_arrays_computes_at_once():
    x = np.arange(6, dtype='float32').reshape(2, 3)
    for found, expected in [
        (numpy_backend.dot(x, x.T), x @ x.T),
        (numpy_backend.variable(x), x),
        (numpy_backend.constant(2.0, shape=(2,)), [2, 2]),
        (numpy_backend.softmax(x), np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
        (numpy_backend.switch(np.array(True), x, -x), x),
    ]:
        assert isinstance(found, (np.ndarray, np.generic))
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert numpy_backend.int_shape(x) == (2, 3)
