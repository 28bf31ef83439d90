"""`Backend`: the abstract primitives of `contract` and the functions that `composed` builds from them, joined."""

import functools
import inspect
import sys

from cthulhu.backend import composed, config, contract
from cthulhu.backend.contract.math import Math
from cthulhu.backend.contract.nn import NN
from cthulhu.backend.contract.random import Random
from cthulhu.backend.contract.run import Run
from cthulhu.backend.contract.shape import Shape
from cthulhu.backend.inference import dtypes


class Backend(
    composed.Run,
    composed.Math,
    composed.Shape,
    composed.NN,
    composed.Random,
    composed.RNN,
    composed.Ranks,
    Run,
    Math,
    Shape,
    NN,
    Random,
):
    """Every function of `cthulhu.backend`, as methods of one object; the state of the library on one framework.

    Attributes:
        name: str, what `K.backend()` returns.
        dtypes: tuple of str, the dtypes that tensors may have.

    Raises:
        TypeError: when a subclass that lacks a primitive is made. `class Partial(Backend, partial=True)` may lack some.
    """

    name = None
    dtypes = tuple(each for each in dtypes.NAMES if each != 'bfloat16')

    def __init_subclass__(cls, partial=False, **kwargs):
        super().__init_subclass__(**kwargs)
        lacks = sorted(n for n in dir(cls) if getattr(getattr(cls, n, None), '__isabstractmethod__', False))
        if lacks and not partial:
            raise TypeError(
                f'{cls.__name__} ({cls.name or cls.__module__}) is not a complete backend. It lacks {len(lacks)} '
                f'functions: {", ".join(lacks)}. cthulhu/backend/contract says what each does.'
            )
        cls._inherit_docstrings()
        for name in _ASKED_FOR_DTYPES:
            if not hasattr(getattr(cls, name), 'gets_known_dtype'):
                setattr(cls, name, with_known_dtype(inspect.getattr_static(cls, name)))

    def standardize_dtype(self, dtype):
        """The name of the dtype that is asked for, as functions with an argument `dtype` take it.

        Arguments:
            dtype: its name, a type of NumPy's, Python's or the framework's, or another name: 'float' is 'float32', as for TensorFlow, 'half' 'float16',
                'double' 'float64'. None for `floatx()`.

        Raises:
            ValueError: there is none on this backend.

        >>> K.standardize_dtype('half'), K.standardize_dtype(int)
        ('float16', 'int64')
        """
        return config.floatx() if dtype is None else dtypes.asked(dtype, self.dtypes)

    @classmethod
    def _inherit_docstrings(cls):
        # `help(K.abs)` finds them anyway; `K.abs.__doc__` and documentation tools do not.
        for base in cls.__mro__:
            for name, function in vars(base).items():
                if inspect.isfunction(function) and not function.__doc__ and not name.startswith('_'):
                    docs = (vars(b)[name].__doc__ for b in cls.__mro__ if name in vars(b))
                    function.__doc__ = next(filter(None, docs), None)
                if inspect.isfunction(function) and function.__name__ not in vars(base):
                    # made by a function that makes methods: configurations and error messages go by the name
                    function.__name__ = name
                    function.__qualname__ = f'{base.__qualname__}.{name}'

    def __repr__(self):
        return f'<{type(self).__name__} {self.name!r}>'


def with_known_dtype(function):
    """A method that gets the name of a dtype of its backend in its argument `dtype`, whatever was written for it, or its default.

    Arguments:
        function: of a backend's class: a method, or a static one.
    """
    is_static = isinstance(function, staticmethod)
    function = function.__func__ if is_static else function
    signature = inspect.signature(function)
    names = list(signature.parameters)
    place = names.index('dtype') - (not is_static) if 'dtype' in names else sys.maxsize
    default = signature.parameters['dtype'].default if 'dtype' in names else inspect.Parameter.empty

    def known(backend, dtype):
        return default if dtype is None and default is not inspect.Parameter.empty else backend.standardize_dtype(dtype)

    @functools.wraps(function)
    def method(self, *args, **kwargs):
        if len(args) > place:
            args = *args[:place], known(self, args[place]), *args[place + 1 :]
        elif 'dtype' in kwargs:
            kwargs['dtype'] = known(self, kwargs['dtype'])
        return function(*args, **kwargs) if is_static else function(self, *args, **kwargs)

    if is_static:
        own = inspect.Parameter('self', inspect.Parameter.POSITIONAL_OR_KEYWORD)
        method.__signature__ = signature.replace(parameters=[own, *signature.parameters.values()])
    method.gets_known_dtype = True
    return method


def _functions_of_dtypes(cls):
    """The names of the functions that have an argument `dtype`."""
    found = []
    for name in dir(cls):
        function = inspect.getattr_static(cls, name)
        parameters = inspect.signature(function).parameters if inspect.isfunction(function) else ()
        # `map_fn` may be given a list of them, and casts to each.
        if 'dtype' in parameters and not name.startswith('_') and name not in ('map_fn', 'standardize_dtype'):
            found.append(name)
    return found


_ASKED_FOR_DTYPES = _functions_of_dtypes(Backend)

# These make no operations, or see themselves to which graph they go, and to other threads.
_OF_NO_GRAPH = """
batch_get_value batch_set_value clear_session control_dependencies dataset_batches device_scope devices dtype eval get_graph get_session get_uid
get_value graph_definition graph_scope int_shape is_native_dataset is_placeholder is_sparse is_tensor is_variable join_ranks leave_ranks
manual_variable_initialization name_scope ndim provisional random_step rank_group rehearsal reset_uids set_framework_seed set_learning_phase set_random_step set_session set_value standardize_dtype static_shape sum_arrays_over_ranks supports
""".split()


def wrap_what_makes_graphs(cls, wrap):
    """Have `wrap(method)` stand for each public method of the class of a backend, inherited ones too, that makes operations."""
    for name in dir(cls):
        method = inspect.getattr_static(cls, name)
        if inspect.isfunction(method) and not name.startswith('_') and name not in _OF_NO_GRAPH:
            setattr(cls, name, wrap(method))


# Backends of other people import it from there, and the contract is below what joins it.
contract.Backend = Backend
