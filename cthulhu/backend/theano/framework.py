"""What differs between Theano 1.0.5 and PyTensor, its successor. Everything above this file is the same on both."""

import sys
import warnings

import numpy as np

from cthulhu.backend.frameworks import is_here

# Theano itself where it installs; PyTensor on the Pythons of today.
IS_PYTENSOR = is_here('pytensor') and (sys.version_info >= (3, 11) or not is_here('theano'))

with warnings.catch_warnings():
    # They say that no BLAS was found to link C code to; the products of matrices then run in NumPy's, which is good.
    warnings.simplefilter('ignore')
    if IS_PYTENSOR:
        import pytensor as theano
        import pytensor.sparse as sparse
        import pytensor.tensor as T
        from pytensor.compile import SharedVariable
        from pytensor.compile.mode import Mode
        from pytensor.gradient import DisconnectedType, disconnected_grad, grad
        from pytensor.graph.basic import Apply, Constant, Variable
        from pytensor.graph.fg import FunctionGraph
        from pytensor.graph.op import Op
        from pytensor.ifelse import IfElse, ifelse
        from pytensor.link.c import cmodule
        from pytensor.link.c.basic import CLinker
        from pytensor.link.c.op import COp as CompiledOp
        from pytensor.link.vm import VMLinker
        from pytensor.printing import Print
        from pytensor.scan.basic import scan as _scan
        from pytensor.tensor.elemwise import DimShuffle
        from pytensor.tensor.variable import TensorConstant
    else:
        import theano
        import theano.tensor as T
        from theano import sparse
        from theano.compile import Mode, SharedVariable
        from theano.gof import Apply, CLinker, Constant, FunctionGraph, Op, Variable, cmodule
        from theano.gof.op import Op as CompiledOp
        from theano.gof.vm import VM_Linker as VMLinker
        from theano.gradient import DisconnectedType, disconnected_grad, grad
        from theano.ifelse import IfElse, ifelse
        from theano.printing import Print
        from theano.scan_module.scan import scan as _scan
        from theano.tensor import TensorConstant
        from theano.tensor.elemwise import DimShuffle

        # Of constants it is computed while functions are made; its C code, which the cache cannot keep, is not worth that.
        DimShuffle.python_constant_folding = lambda self, node: True

__all__ = [
    'Apply',
    'CLinker',
    'CompiledOp',
    'Constant',
    'DimShuffle',
    'DisconnectedType',
    'FunctionGraph',
    'IS_PYTENSOR',
    'IfElse',
    'Mode',
    'Operation',
    'Print',
    'SharedVariable',
    'T',
    'VMLinker',
    'Variable',
    'argsort',
    'broadcastable_at',
    'clone_node',
    'cmodule',
    'compiler_flags',
    'constant',
    'disconnected_grad',
    'flags',
    'grad',
    'ifelse',
    'name',
    'placeholder',
    'remembered',
    'round_half_to_even',
    'scan',
    'shared',
    'sparse',
    'static',
    'tensor_type',
    'theano',
    'unbroadcast',
]

name = 'PyTensor' if IS_PYTENSOR else 'Theano'


def tensor_type(dtype, is_one):
    """The type of dense tensors of a dtype; `is_one`: for each axis whether its length is known to be 1."""
    if IS_PYTENSOR:
        return T.TensorType(dtype, shape=tuple(1 if one else None for one in is_one))
    return T.TensorType(dtype, tuple(bool(one) for one in is_one))


def placeholder(dtype, shape, name=None):
    """A variable of the rank of `shape`; of lengths, types keep only which are 1, as that decides what broadcasts."""
    return tensor_type(dtype, [n == 1 for n in shape])(name)


def shared(value, name=None):
    """A shared variable that begins with an array, which is copied."""
    is_one = [n == 1 for n in value.shape]
    options = {'shape': tuple(1 if one else None for one in is_one)} if IS_PYTENSOR else {'broadcastable': is_one}
    return theano.shared(value, name=name, borrow=False, **options)


def constant(value):
    """A constant of its own: `T.constant` of Theano gives the same object for equal numbers."""
    value = np.array(value)
    if IS_PYTENSOR:
        return T.constant(value)
    return TensorConstant(tensor_type(str(value.dtype), [n == 1 for n in value.shape]), value)


def static(x):
    """The lengths that the type of `x` knows: tuple of int and None."""
    if not hasattr(x.type, 'broadcastable'):
        return (None,) * x.ndim
    if IS_PYTENSOR:
        return tuple(getattr(x.type, 'shape', None) or (None,) * x.ndim)
    return tuple(1 if one else None for one in x.type.broadcastable)


def broadcastable_at(x, axes):
    """`x`, with the knowledge that `axes` have length 1 (checked when it runs)."""
    axes = [a for a in axes if not x.type.broadcastable[a]]
    if not axes:
        return x
    return T.specify_broadcastable(x, *axes) if IS_PYTENSOR else T.addbroadcast(x, *axes)


def unbroadcast(x):
    """`x`, whose type forgets which lengths are 1 (on PyTensor, all lengths)."""
    if IS_PYTENSOR:
        return _Forget()(x) if any(n is not None for n in x.type.shape) else x
    axes = [a for a, one in enumerate(x.type.broadcastable) if one]
    return T.unbroadcast(x, *axes) if axes else x


def remembered(x):
    """What `unbroadcast` was given, where it gave `x`."""
    forgot = IS_PYTENSOR and x.owner is not None and isinstance(x.owner.op, _Forget)
    return x.owner.inputs[0] if forgot else x


def clone_node(node, inputs):
    """`node` on other inputs, which may know more or less of their shapes."""
    return node.clone_with_new_inputs(inputs, strict=False)


def argsort(x, axis=-1):
    """Of equal elements the first comes first."""
    return T.argsort(x, axis=axis, kind='mergesort')


def round_half_to_even(x):
    return T.round(x, mode='half_to_even')


def scan(step, sequences, states, count, outputs, mode):
    """The framework's loop: `step` returns the new states, then `outputs` further results.

    Returns:
        List of stacked results, in that order.
    """
    options = {'return_updates': False} if IS_PYTENSOR else {}
    results = _scan(
        step,
        sequences=sequences,
        outputs_info=list(states) + [None] * outputs,
        n_steps=count,
        mode=mode,
        return_list=True,
        **options,
    )
    return results if IS_PYTENSOR else results[0]


def flags():
    """What the C++ compiler is given by the user: list of str."""
    return (theano.config.gcc__cxxflags if IS_PYTENSOR else theano.config.gcc.cxxflags).split()


def compiler_flags(more):
    """A context in which the C++ compiler is given further flags, a list."""
    value = ' '.join(flags() + more)
    if IS_PYTENSOR:
        return theano.config.change_flags(gcc__cxxflags=value)
    return theano.configparser.change_flags({'gcc.cxxflags': value})


class Operation(Op):
    """An operation of our own, without settings."""

    __props__ = ()

    # PyTensor's name for `grad`, where it is new.
    def pullback(self, inputs, outputs, gradients):
        return self.grad(inputs, gradients)


if IS_PYTENSOR:
    from pytensor.tensor.type import TensorType as _TensorType

    class _Forget(Operation):
        """The same values, as a type that knows only the rank: a loop's state may not promise more than its next one."""

        view_map = {0: [0]}

        def make_node(self, x):
            return Apply(self, [x], [_TensorType(x.dtype, shape=(None,) * x.ndim)()])

        def perform(self, node, inputs, outputs):
            outputs[0][0] = inputs[0]

        def infer_shape(self, fgraph, node, shapes):
            return shapes

        def grad(self, inputs, gradients):
            return [gradients[0]]

        def c_code(self, node, name, inputs, outputs, sub):
            return 'Py_XDECREF({out}); {out} = {x}; Py_XINCREF({out});'.format(x=inputs[0], out=outputs[0])

        def c_code_cache_version(self):
            return (1,)
