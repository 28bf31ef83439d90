"""The settings of a recurrent layer with a cell of its own: those of the cell, which it makes, and lets be read through itself."""

import inspect

from cthulhu import regularizers
from cthulhu.callers import warn
from cthulhu.engine.settings import arguments
from cthulhu.utils.arguments import checked

_FLOW = ('return_sequences', 'return_state', 'go_backwards', 'stateful', 'unroll')


def runs(cell_class, flow=_FLOW, before=None):
    """Class decorator for a recurrent layer: its constructor takes what the cell takes, an `activity_regularizer`, and what its base class takes.

    Arguments:
        cell_class: class of the cell. Its settings are those of the layer, which has them as attributes.
        flow: names of the arguments of the base class that can be given by position, too.
        before: name of the argument of the cell that those stand before; after all if left out.
    """

    def complete(cls):
        base = cls.__bases__[0]
        signature = _joined(cell_class, base, flow, before)
        parameters = [p for p in signature.parameters.values() if p.name not in ('self', 'kwargs')]
        names, needed = [p.name for p in parameters], {p.name for p in parameters if p.default is p.empty}
        defaults = {p.name: p.default for p in parameters if p.default is not p.empty}

        def __init__(self, *args, **kwargs):
            given = dict(zip(names, args), **kwargs) if not kwargs.keys() & names[: len(args)] else None
            if given is None or len(args) > len(names) or not needed <= given.keys():
                try:
                    signature.bind(self, *args, **kwargs)
                except TypeError as error:
                    raise TypeError(f'{cls.__name__}: {error}.') from None
            values = dict(defaults, **given)
            further = {name: values.pop(name) for name in given if name not in names}
            if further.pop('implementation', None) is not None:
                warn(f'{cls.__name__}: `implementation` changes nothing here; leave it out.')
            cell = cell_class(dtype=further.get('dtype'), **{name: values[name] for name in cell_class.settings})
            super(cls, self).__init__(cell, **{name: values[name] for name in flow}, **further)
            self.activity_regularizer = regularizers.get(values['activity_regularizer'])

        __init__.__signature__ = signature
        __init__.__qualname__ = f'{cls.__qualname__}.__init__'
        cls.__init__ = checked(__init__)
        cls.cell_class = cell_class
        cls.settings = _with_activity(cell_class.settings)
        for name in cell_class.settings:
            setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name), doc=f'{name} of the cell.'))
        return cls

    return complete


def _joined(cell_class, base, flow, before):
    """The signature of a constructor with the arguments of a cell and of a recurrent layer."""
    of_cell = inspect.signature(cell_class.__init__).parameters
    of_base = inspect.signature(base.__init__).parameters
    known = dict(of_cell, activity_regularizer=of_cell['bias_regularizer'].replace(name='activity_regularizer'))
    known.update((name, of_base[name]) for name in flow)
    names = list(_with_activity(arguments(cell_class.__init__)))
    place = names.index(before) if before else len(names)
    names[place:place] = flow
    return inspect.Signature([known[name] for name in ['self'] + names + ['kwargs']])


def _with_activity(names):
    """The names of a cell's settings, and `activity_regularizer` where it stands among those of a layer."""
    place = names.index('bias_regularizer') + 1
    return names[:place] + ('activity_regularizer',) + names[place:]


def with_input_shape(given):
    """The keyword arguments of a layer, with `input_dim` and `input_length` (of Keras 1) turned into an `input_shape`."""
    given = dict(given)
    length = given.pop('input_length', None)
    if 'input_dim' in given:
        given.setdefault('input_shape', (length, given.pop('input_dim')))
    return given
