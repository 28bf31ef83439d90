"""`K.einsum` against NumPy's, on lengths that are known and on those that are not."""

import numpy as np
import pytest

from cthulhu import backend as K
from cthulhu.backend.composed import einsum
from tests.backend.helpers import check, check_function, check_gradient

pytestmark = pytest.mark.usefixtures('fresh')
random = np.random.RandomState(7)

# equation, shapes of the operands
CASES = [
    ('ab,bc->ac', (2, 3), (3, 4)),
    ('abc,cd->abd', (2, 3, 4), (4, 5)),
    ('abc,cde->abde', (2, 3, 4), (4, 5, 2)),
    ('abcd,cde->abe', (2, 3, 4, 5), (4, 5, 2)),
    ('aecd,abcd->acbe', (2, 3, 4, 5), (2, 6, 4, 5)),
    ('acbe,aecd->abcd', (2, 4, 6, 3), (2, 3, 4, 5)),
    ('abc,abc->', (2, 3, 4), (2, 3, 4)),
    ('ab,ab->a', (2, 3), (2, 3)),
    ('ab,ab->ab', (2, 3), (2, 3)),
    ('a,b->ab', (2,), (3,)),
    ('a,b->ba', (2,), (3,)),
    ('a,a->', (3,), (3,)),
    ('ab,b->a', (2, 3), (3,)),
    ('b,ab->a', (3,), (2, 3)),
    ('ab,ac->abc', (2, 3), (2, 4)),
    ('abcd,ad->acb', (2, 3, 4, 5), (2, 5)),
    ('ab,cd->ca', (2, 3), (4, 5)),
    ('ab,bc->ca', (2, 3), (3, 4)),
    ('abd,cd->', (2, 3, 4), (5, 4)),
    ('...a,ab->...b', (2, 3, 4), (4, 5)),
    ('ab...,bc->ac...', (2, 3, 4, 5), (3, 6)),
    ('...ab,...bc->...ac', (2, 3, 4, 5), (2, 3, 5, 2)),
    ('...ab,...bc->...ac', (2, 1, 4, 5), (3, 5, 2)),
    ('ab,bc', (2, 3), (3, 4)),
    ('ba,bc', (2, 3), (2, 4)),
    ('...a,a', (2, 3, 4), (4,)),
    ('abc->cab', (2, 3, 4)),
    ('abc->b', (2, 3, 4)),
    ('...a->a...', (2, 3, 4)),
    ('cab', (2, 3, 4)),
    ('ab,bc,cd->ad', (2, 3), (3, 4), (4, 5)),
    ('ab,bc,cd->', (2, 3), (3, 4), (4, 5)),
]


@pytest.mark.parametrize('equation, shapes', [(case[0], case[1:]) for case in CASES])
def test_against_numpy(equation, shapes):
    arrays = [random.normal(size=shape) for shape in shapes]
    fixed = (
        range(len(shapes)) if any(1 in shape for shape in shapes) else ()
    )  # that a length is 1 must be known, for Theano
    expected = np.einsum(equation, *arrays)
    check_function(
        lambda backend, *x: backend.einsum(equation, *x), expected, *arrays, fixed=fixed, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize('case', [CASES[i] for i in (2, 4, 5, 8, 13, 15, 22, 27)], ids=lambda case: case[0])
def test_gradients(case):
    arrays = [random.normal(size=shape) for shape in case[1:]]
    check_gradient(lambda *x: K.einsum(case[0], *x), *arrays)


def test_static_shapes():
    def shape(equation, *shapes):
        return K.int_shape(K.einsum(equation, *[K.placeholder(each) for each in shapes]))

    assert shape('abc,cde->abde', (None, 3, 4), (4, 5, 6)) == (None, 3, 5, 6)
    assert shape('aecd,abcd->acbe', (None, 3, 4, 5), (None, 6, 4, 5)) == (None, 4, 6, 3)
    assert shape('...a,ab->...b', (None, None, 4), (4, 5)) == (None, None, 5)


@pytest.mark.parametrize(
    'equation, shapes, message',
    [
        ('ab,bc->ac', [(2, 3)], 'letters for the axes of each of the 1 operands'),
        (3, [(2, 3)], 'got 3'),
        ('aa->a', [(2, 2)], 'diagonals are not taken'),
        ('abc->a', [(2, 3)], 'an operand with 2 dimensions'),
        ('a->a', [(2, 3)], 'an operand with 2 dimensions'),
        ('a...->a', [(2, 3)], "its result must have '...', too"),
        ('ab->ac', [(2, 3)], "an axis 'c' that no operand has"),
        ('a1->a', [(2, 3)], 'axes are named by letters'),
        ('ab,bc->ac', [(2, 3), (4, 5)], r"axis 'b' would have the lengths \[3, 4\]"),
        ('...a,...a->...', [(2, 5), (3, 5)], r'would have the lengths \[2, 3\]'),
    ],
)
def test_errors(equation, shapes, message):
    with pytest.raises(ValueError, match=message):
        K.einsum(equation, *[K.placeholder(shape) for shape in shapes])


def test_terms_and_lengths():
    assert einsum.terms('b...,bc', (4, 2)) == ([['b', -3, -2, -1], ['b', 'c']], [-3, -2, -1, 'c'])
    assert einsum.lengths([[-1, 'a'], [-1]], [(1, None), (None,)]) == {-1: None, 'a': None}


@pytest.mark.parametrize('axis', [-1, 1, (1, 2), [2, -1], (1, 3)])
def test_layer_normalization(axis):
    x = random.normal(size=(2, 3, 4, 5)) * 3 + 1
    axes = tuple(sorted(a % 4 for a in np.atleast_1d(axis)))
    gamma, beta = (
        random.normal(size=[(2, 3, 4, 5)[a] for a in axes]),
        random.normal(size=[(2, 3, 4, 5)[a] for a in axes]),
    )
    shape = [n if a in axes else 1 for a, n in enumerate(x.shape)]
    plain = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 0.01)
    check('layer_normalization', plain, x, axis=axis, epsilon=0.01, rtol=1e-4, atol=1e-5)
    whole = plain * gamma.reshape(shape) + beta.reshape(shape)
    options = {'axis': axis, 'epsilon': 0.01}
    check('layer_normalization', whole, x, gamma, beta, rtol=1e-4, atol=1e-5, **options)
    check_gradient('layer_normalization', x, gamma, beta, kwargs=options)


def test_layer_normalization_of_half_floats_has_the_sums_of_whole_ones():
    x = np.float16([[300.0, -300.0, 100.0, 0.0]])
    found = K.eval(K.layer_normalization(K.constant(x, dtype='float16')))
    assert found.dtype == 'float16'
    wide = x.astype('float64')
    np.testing.assert_allclose(found, (wide - wide.mean()) / wide.std(), rtol=2e-3, atol=2e-3)
