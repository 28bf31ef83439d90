"""What projects that are built on the package keras_applications hand to it."""

import cthulhu
from cthulhu.applications import keras_modules_injection


def test_a_function_is_given_the_modules_of_the_library():
    @keras_modules_injection
    def Network(classes, include_top=True, **kwargs):
        return classes, include_top, kwargs

    classes, include_top, given = Network(10, include_top=False)
    assert (classes, include_top) == (10, False) and Network.__name__ == 'Network'
    assert given == {name: getattr(cthulhu, name) for name in ('backend', 'layers', 'models', 'utils')}
