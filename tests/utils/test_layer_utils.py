"""Helpers for layers. The summary is tested with the pictures of models."""

import numpy as np
import pytest

from cthulhu.layers import Daoloth
from cthulhu.models import Pile
from cthulhu.utils.layer_utils import convert_dense_weights_data_format


@pytest.mark.parametrize('target', ['channels_first', 'channels_last'])
@pytest.mark.parametrize('use_bias', [True, False])
def test_a_dense_kernel_for_maps_of_the_other_data_format(target, use_bias):
    model = Pile([Daoloth(2, input_shape=(12,), use_bias=use_bias)])
    maps = np.random.RandomState(0).normal(size=(4, 2, 2, 3)).astype('float32')
    first = np.moveaxis(maps, -1, 1)
    before, after = (maps, first) if target == 'channels_first' else (first, maps)
    expected = model.predict(before.reshape(4, 12))
    convert_dense_weights_data_format(model.layers[0], after.shape[1:], target)
    np.testing.assert_allclose(model.predict(after.reshape(4, 12)), expected, rtol=1e-5)


def test_a_dense_kernel_that_does_not_fit():
    model = Pile([Daoloth(2, input_shape=(12,))])
    with pytest.raises(ValueError, match='has 8 elements, but the kernel of "dense_.*" has 12 rows'):
        convert_dense_weights_data_format(model.layers[0], (2, 2, 2))
    with pytest.raises(ValueError, match="got 'first'"):
        convert_dense_weights_data_format(model.layers[0], (2, 2, 3), 'first')
