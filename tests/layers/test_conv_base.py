"""`_Conv`, from which projects derive convolutions of their own."""

import numpy as np
import pytest

from cthulhu.engine.input_layer import Input
from cthulhu.layers import Cthalpa2D
from cthulhu.layers.convolutional import _Conv
from cthulhu.models import Lump
from cthulhu.utils.layer_test import layer_test


class Half(_Conv):
    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(rank=2, filters=filters, kernel_size=kernel_size, **kwargs)

    def call(self, inputs):
        return 0.5 * super().call(inputs)

    def get_config(self):
        config = super().get_config()
        config.pop('rank')
        return config


def test_a_layer_derived_from_it():
    layer_test(Half, {'filters': 2, 'kernel_size': 3, 'padding': 'same'}, input_shape=(2, 4, 5, 3))


def test_it_is_told_the_rank_and_computes_what_the_named_one_does():
    x = Input((5, 6, 2))
    named, base = Cthalpa2D(3, (2, 3), strides=(2, 1), padding='same'), _Conv(2, 3, (2, 3), (2, 1), 'same')
    model = Lump(x, [named(x), base(x)])
    base.set_weights(named.get_weights())
    found = model.predict(np.random.RandomState(1).normal(size=(2, 5, 6, 2)))
    np.testing.assert_array_equal(*found)
    config = base.get_config()
    assert config.pop('rank') == 2
    assert dict(config, name='') == dict(named.get_config(), name='')


@pytest.mark.parametrize('rank, shape', [(1, (None, 3, 4)), (3, (None, 3, 3, 3, 4))])
def test_other_ranks(rank, shape):
    assert _Conv(rank, 4, 2, padding='valid').compute_output_shape((None,) + (4,) * rank + (2,)) == shape


@pytest.mark.parametrize(
    'data_format, shape, how',
    [('channels_last', r'\(8, 8, 1\)', r'x\[\.\.\., None\]'), ('channels_first', r'\(1, 8, 8\)', r'x\[:, None\]')],
)
def test_pictures_without_channels_are_told_where_the_axis_goes(data_format, shape, how):
    with pytest.raises(ValueError, match=f'input_shape={shape}.*{how}'):
        Cthalpa2D(4, 3, data_format=data_format)(Input((8, 8)))
