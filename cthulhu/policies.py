"""Which float type layers compute in, and which their weights have: policies, as Keras 3 names them.

What a policy does is in `engine.own_dtype`; the scaling of losses that float16 needs is in `optimizers.loss_scale`.
"""

from cthulhu import backend as K
from cthulhu.backend.inference import dtypes
from cthulhu.callers import warn

__all__ = ['DTypePolicy', 'Policy', 'dtype_policy', 'global_policy', 'set_dtype_policy', 'set_global_policy']

#: Name of a policy of two types -> the type that is computed in.
MIXED = {'mixed_float16': 'float16', 'mixed_bfloat16': 'bfloat16'}


class DTypePolicy:
    """The types of a layer: that of its weights, and that in which it computes.

    Arguments:
        name: str: 'mixed_float16' or 'mixed_bfloat16' (weights in float32, computing in the other type), or a float type, for both.

    Attributes:
        compute_dtype: str, what floating inputs are cast to, and what outputs have.
        variable_dtype: str, the type of the weights.

    Raises:
        ValueError: for another name.
        NotImplementedError: the backend does not compute in that type.

    >>> policy = DTypePolicy('float32')
    >>> policy.compute_dtype, policy.variable_dtype
    ('float32', 'float32')
    """

    def __init__(self, name):
        if isinstance(name, DTypePolicy):
            name = name.name
        name = dtypes.asked(name, (*MIXED, 'float16', 'float32', 'float64'), 'dtype policy')
        _require(name)
        self.name = name
        self.compute_dtype = MIXED.get(name, name)
        self.variable_dtype = 'float32' if name in MIXED else name

    def __repr__(self):
        return f'<DTypePolicy "{self.name}">'

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self):
        return hash(self.name)

    def get_config(self):
        """The arguments of the constructor, as a dict."""
        return {'name': self.name}

    @classmethod
    def from_config(cls, config):
        """Make a policy of what `get_config` gave."""
        return cls(**config)


#: The name in tf.keras.
Policy = DTypePolicy

_global = None


def global_policy():
    """The policy of layers that are made without a `dtype`: that of `set_global_policy`, or else `floatx()`."""
    return DTypePolicy(K.floatx()) if _global is None else _global


def set_global_policy(policy):
    """Have layers that are made from now on without a `dtype` follow a policy. `Input` keeps `floatx()`.

    Arguments:
        policy: name of a policy, or a DTypePolicy; None for `floatx()`, as at first.

    Raises:
        ValueError: there is no such policy.
        NotImplementedError: the backend does not compute in that type.
    """
    global _global
    _global = None if policy is None else DTypePolicy(policy)


dtype_policy = global_policy
set_dtype_policy = set_global_policy


def read(dtype):
    """What a layer makes of its argument `dtype`: the type of its weights, and the policy where it is one of two types, or None.

    Arguments:
        dtype: name of a type or policy, a DTypePolicy, its configuration as Keras writes it, or None for the global policy.

    Raises:
        ValueError: there is no such type, or policy.
    """
    if dtype is None:
        policy = _global
        if policy is None:
            return K.floatx(), None
    elif isinstance(dtype, DTypePolicy):
        policy = dtype
    elif isinstance(dtype, dict) and isinstance(dtype.get('config'), dict) and 'name' in dtype['config']:
        return read(dtype['config']['name'])
    elif isinstance(dtype, str) and dtype.startswith('mixed_'):
        policy = DTypePolicy(dtype)
    else:
        return K.standardize_dtype(dtype), None
    return policy.variable_dtype, policy if policy.name in MIXED else None


def is_supported(name):
    """Whether the backend computes in the type of a policy."""
    return name not in MIXED or K.supports(MIXED[name])


def of_file(name):
    """The name of a policy that a file has, where the backend can follow it; else that of the type of its weights, with a warning."""
    if is_supported(name):
        return name
    warn(
        f'The file has layers of the policy {name!r}, and the {K.backend()} backend does not compute in {MIXED[name]}: they compute in float32, the type of their '
        'weights.'
    )
    return 'float32'


def _require(name):
    if not is_supported(name):
        raise NotImplementedError(
            f'dtype policy {name!r}: the {K.backend()} backend does not compute in {MIXED[name]}. Leave the policy out there, or choose another backend: TensorFlow, '
            'JAX and PyTorch do.'
        )
