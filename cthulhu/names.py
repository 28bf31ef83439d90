"""One table of names: what Keras calls a thing, what Cthulhu calls it, and further spellings of it.

Code defines each thing once, under its Cthulhu name; everything else that a name may be is made from this table:

- `add_aliases` gives a public module the Keras name and the further spellings of what it holds;
- `method_aliases` gives a class with `summon` a `fit` that calls whichever `summon` the object has;
- `speak_keras` gives classes Keras's names as their own, for programs that compare them;
- `add_doors` lets modules that nothing imports be reached as attributes;
- `keras_name` and `cthulhu_name` translate, for the class names in saved configurations and for layer names.
"""

import collections.abc
import functools
import importlib
import inspect
import sys
import types
import typing

#: Keras name -> (Cthulhu name, *further spellings*).
NAMES = {
    'Activation': ('Azatoth',),
    'AlphaDropout': ('AlphaDarkness',),
    'AveragePooling1D': ('AiuebGnshal1D',),
    'AveragePooling2D': ('AiuebGnshal2D',),
    'AveragePooling3D': ('AiuebGnshal3D',),
    'BatchNormalization': ('BlacknessFromTheStars',),
    'Conv1D': ('Cthalpa1D',),
    'Conv2D': ('Cthalpa2D',),
    'Conv2DTranspose': ('Cthalpa2DTranspose',),
    'Conv3D': ('Cthalpa3D',),
    'Conv3DTranspose': ('Cthalpa3DTranspose',),
    'ConvLSTM2D': ('ConvLaldagorth2D', 'Cxaxukluth'),
    'ConvLSTM2DCell': ('ConvLaldagorth2DCell',),
    'CuDNNGRU': ('CuDNNGroth',),
    'CuDNNLSTM': ('CuDNNLaldagorth',),
    'Dense': ('Daoloth',),
    'DenseNet121': ('DaolothNet121',),
    'DenseNet169': ('DaolothNet169',),
    'DenseNet201': ('DaolothNet201',),
    'DepthwiseConv2D': ('DepthwiseCthalpa2D', 'Dendrrah2D'),
    'Dropout': ('Darkness',),
    'Embedding': ('TheHydra',),
    'GRU': ('Groth',),
    'GRUCell': ('GrothCell',),
    'GaussianDropout': ('GaussianDarkness',),
    'GlobalAveragePooling1D': ('GlobalAiuebGnshal1D', 'GrothAiuebGnshal1D'),
    'GlobalAveragePooling2D': ('GlobalAiuebGnshal2D', 'GrothAiuebGnshal2D'),
    'GlobalAveragePooling3D': ('GlobalAiuebGnshal3D', 'GrothAiuebGnshal3D'),
    'GlobalMaxPooling1D': ('GlobalMlandoth1D', 'GhrothMlandoth1D'),
    'GlobalMaxPooling2D': ('GlobalMlandoth2D', 'GhrothMlandoth2D'),
    'GlobalMaxPooling3D': ('GlobalMlandoth3D', 'GhrothMlandoth3D'),
    'KerasClassifier': ('CthulhuClassifier',),
    'KerasRegressor': ('CthulhuRegressor',),
    'LSTM': ('Laldagorth',),
    'LSTMCell': ('LaldagorthCell',),
    'Lambda': ('LuKthu',),
    'LambdaCallback': ('LuKthuCallback',),
    'LocallyConnected1D': ('LuKthu1D',),
    'LocallyConnected2D': ('LuKthu2D',),
    'MaxPooling1D': ('Mlandoth1D',),
    'MaxPooling2D': ('Mlandoth2D',),
    'MaxPooling3D': ('Mlandoth3D',),
    'MaxoutDense': ('MaxoutDaoloth',),
    'Model': ('Lump',),
    'ModelCheckpoint': ('LumpCheckpoint',),
    'SeparableConv1D': ('SeparableCthalpa1D', 'SucNaath1D'),
    'SeparableConv2D': ('SeparableCthalpa2D', 'SucNaath2D'),
    'Sequential': ('Pile',),
    'SimpleRNN': ('ShabithKa',),
    'SimpleRNNCell': ('ShabithKaCell',),
    'SpatialDropout1D': ('SpatialDarkness1D',),
    'SpatialDropout2D': ('SpatialDarkness2D',),
    'SpatialDropout3D': ('SpatialDarkness3D',),
    'UpSampling1D': ('UbboSathla1D',),
    'UpSampling2D': ('UbboSathla2D',),
    'UpSampling3D': ('UbboSathla3D',),
    'ZeroPadding1D': ('Xexanoth1D',),
    'ZeroPadding2D': ('Xexanoth2D',),
    'ZeroPadding3D': ('Xexanoth3D',),
    'deserialize_keras_object': ('deserialize_cthulhu_object',),
    'is_keras_tensor': ('is_cthulhu_tensor',),
    'serialize_keras_object': ('serialize_cthulhu_object',),
}

#: Keras method -> Cthulhu method.
METHODS = {
    'fit': 'summon',
    'fit_generator': 'summon_generator',
    'compile': 'conjure',
    'fit_on_texts': 'summon_on_texts',
    'fit_on_sequences': 'summon_on_sequences',
}

_TO_CTHULHU = {}
_TO_KERAS = {}
_REGISTERED = {}  # classes and functions of users -> 'Package>Name'
for _keras, _spellings in NAMES.items():
    _TO_CTHULHU[_keras] = _spellings[0]
    for _spelling in _spellings:
        _TO_CTHULHU[_spelling] = _spellings[0]
        _TO_KERAS[_spelling] = _keras


def _plain_name(thing, table):
    if isinstance(thing, str):
        return table.get(thing, thing)
    name = thing.__name__
    # A class of the user's own that happens to be called `Darkness` is not Keras's `Dropout`.
    ours = (getattr(thing, '__module__', None) or '').split('.')[0] == 'cthulhu'
    return table.get(name, name) if ours else name


def keras_name(thing):
    """The Keras name of a class, a function or a spelling; a name that is not in the table is given back as it is.

    >>> keras_name('Daoloth'), keras_name('Cxaxukluth'), keras_name('MyLayer')
    ('Dense', 'ConvLSTM2D', 'MyLayer')
    """
    return _plain_name(thing, _TO_KERAS)


def cthulhu_name(thing):
    """The Cthulhu name of a class, a function or a spelling; a name that is not in the table is given back as it is.

    >>> cthulhu_name('Dense'), cthulhu_name('SucNaath2D'), cthulhu_name('relu')
    ('Daoloth', 'SeparableCthalpa2D', 'relu')
    """
    return _plain_name(thing, _TO_CTHULHU)


def register(thing, name):
    """Let `written_name` give the name under which a class or function of a user's own is registered."""
    _REGISTERED[thing] = name


def written_name(thing):
    """The name of a class or function in configurations: the one that it is registered under, else `keras_name`."""
    found = _REGISTERED.get(thing) if isinstance(thing, collections.abc.Hashable) else None
    return found or keras_name(thing)


def spellings(name):
    """Every name of what `name` names: the Cthulhu name, the Keras name, the further spellings.

    >>> spellings('ConvLSTM2D')
    ('ConvLaldagorth2D', 'ConvLSTM2D', 'Cxaxukluth')
    """
    keras = keras_name(name)
    if keras not in NAMES:
        return (name,)
    return NAMES[keras][:1] + (keras,) + NAMES[keras][1:]


def add_aliases(namespace):
    """Give a namespace the Keras name and the further spellings of each Cthulhu-named thing in it.

    Called at the end of a public module as `add_aliases(globals())`. A name that is already there is kept, and
    `__all__`, where there is one, grows along.

    Arguments:
        namespace: dict of names, changed in place.

    Returns:
        The same dict.
    """
    public = namespace.get('__all__')
    for keras, own in NAMES.items():
        if own[0] not in namespace:
            continue
        for alias in (keras,) + own[1:]:
            namespace.setdefault(alias, namespace[own[0]])
            if isinstance(public, list) and own[0] in public and alias not in public:
                public.append(alias)
    return namespace


def _dispatching_alias(alias, target, method):
    # The call goes by name through `self`, so that a subclass which overrides `summon` is also what `fit` runs.
    @functools.wraps(method)
    def call(self, *args, **kwargs):
        return getattr(self, target)(*args, **kwargs)

    call.__name__ = alias
    call.__qualname__ = method.__qualname__.rpartition('.')[0] + '.' + alias
    call.__signature__ = inspect.signature(method)
    call.__doc__ = f'The Keras name of `{target}`.\n\n{inspect.getdoc(method) or ""}'.rstrip()
    return call


_Class = typing.TypeVar('_Class', bound=type)


def method_aliases(cls: _Class) -> _Class:
    """Class decorator: give the class the Keras name of each of its Cthulhu-named methods.

    >>> @method_aliases
    ... class Cult:
    ...     def summon(self, x):
    ...         return 'base', x
    >>> class Sect(Cult):
    ...     def summon(self, x):
    ...         return 'override', x
    >>> Sect().fit(1)
    ('override', 1)
    """
    for alias, target in METHODS.items():
        method = getattr(cls, target, None)
        if method is not None and alias not in vars(cls):
            setattr(cls, alias, _dispatching_alias(alias, target, method))
    return cls


def speak_keras(namespace):
    """Let the classes and functions of a namespace (a dict) say Keras's names where they are asked for their own: `Daoloth.__name__` is 'Dense' from then on.

    The path that `__module__` and `__qualname__` give stays, and with it what pickles hold.
    """
    for keras, own in NAMES.items():
        thing = namespace.get(own[0])
        if isinstance(thing, (type, types.FunctionType)) and keras_name(thing) == keras:
            thing.__name__ = keras


def add_doors(package, doors):
    """Let names be reached as attributes of a package that does not import them: each is imported when it is asked for.

    Arguments:
        package: name of the package.
        doors: dict, name -> the module where it is, below the package; for the module itself its own name.
    """

    class Package(types.ModuleType):
        def __getattr__(self, name):
            if name not in doors:
                raise AttributeError(f'module {package!r} has no attribute {name!r}')
            module = importlib.import_module(f'{package}.{doors[name]}')
            return module if name == doors[name] else getattr(module, name)

    sys.modules[package].__class__ = Package
