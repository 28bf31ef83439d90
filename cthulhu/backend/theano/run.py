"""Primitives of `contract.run`: placeholders, variables, functions, gradients."""

import itertools
import sys

import numpy as np
import scipy.sparse

from cthulhu.backend import config
from cthulhu.backend.composed.counted import Steps
from cthulhu.backend.composed.sessionless import Sessionless
from cthulhu.backend.inference import dtypes
from cthulhu.backend.theano import compiling, framework, graphs, tensors
from cthulhu.backend.theano.framework import Constant, SharedVariable, T, Variable, sparse
from cthulhu.backend.theano.function import Function


class Run(Sessionless):
    """The names, the learning phase, and what runs."""

    capabilities = ['gradients', 'sparse', 'ctc', 'native_tensors', 'dilation', 'flipped_kernels', 'theano']
    # PyTensor can loop over nothing; Theano says that it never learnt to.
    capabilities += ['empty_loops'] * framework.IS_PYTENSOR

    def __init__(self):
        super().__init__()
        self._new_step()
        tensors.operators_of(self)

    # Counted steps: see random.py.

    def _new_step(self):
        self._step = tensors.note(framework.shared(np.zeros(1, 'uint64'), 'cthulhu_step'))
        # It stands for the number of the thread that computes, which is fed in its place.
        self._step._cthulhu_step = True
        self._runs_seen = Steps(itertools.count())

    def random_step(self):
        return self._runs_seen.now

    def set_random_step(self, step):
        self._runs_seen.now = int(step)

    def clear_session(self):
        super().clear_session()
        self._new_step()

    # Tensors.

    def _constant(self, value, dtype=None):
        return tensors.note(framework.constant(np.asarray(value, dtype)))

    def _tensor(self, x, dtype=None):
        """`x` as a tensor, of `dtype` if one is given; floats that are data are of `floatx()` otherwise."""
        if isinstance(x, Variable):
            x = tensors.note(x)
            return x if dtype is None or x.dtype == dtype else self.cast(x, dtype)
        if scipy.sparse.issparse(x):
            return self.new_constant(x.astype(dtype or config.floatx()))
        if isinstance(x, (list, tuple)) and any(isinstance(one, Variable) for one in x):
            return self.stack([self._tensor(one, dtype) for one in x])
        return self._constant(x, dtype or tensors.data_dtype(x, config.floatx()))

    def new_placeholder(self, shape, dtype, sparse, name):
        if not sparse:
            return tensors.note(framework.placeholder(dtype, shape, name), shape)
        if len(shape) != 2:
            raise ValueError(f'shape: a sparse placeholder has 2 dimensions, got {shape}.')
        return tensors.note(framework.sparse.csr_matrix(name=name, dtype=dtype), shape)

    def new_variable(self, value, name, constraint):
        made = tensors.note(framework.shared(value, name), value.shape)
        made.constraint = constraint
        return made

    def new_constant(self, value, name=None):
        if scipy.sparse.issparse(value):
            made = tensors.note(sparse.as_sparse_variable(scipy.sparse.csr_matrix(value)), value.shape)
        else:
            made = self._constant(value)
        made.name = name
        return made

    def make_learning_phase(self):
        phase = tensors.note(framework.placeholder('bool', (), self._unique('learning_phase')), ())
        phase._cthulhu_phase = True
        return phase

    def _is_phase(self, x):
        return getattr(x, '_cthulhu_phase', False)

    def is_tensor(self, x):
        return isinstance(x, Variable)

    def is_placeholder(self, x):
        return isinstance(x, Variable) and x.owner is None and not isinstance(x, (Constant, SharedVariable))

    def is_variable(self, x):
        return isinstance(x, SharedVariable)

    def is_sparse(self, tensor):
        return tensors.is_sparse(tensor) or scipy.sparse.issparse(tensor)

    def to_dense(self, tensor):
        if tensors.is_sparse(tensor):
            return sparse.dense_from_sparse(tensor)
        return self._tensor(tensor)

    def shape(self, x):
        x = self._tensor(x)
        if not x.ndim:
            return self._constant(np.zeros(0), 'int32')
        return T.stack([T.cast(x.shape[i], 'int32') for i in range(x.ndim)])

    def _dims(self, x):
        # As `composed` has it, but of int64, which is what the framework's shapes are.
        x = self._tensor(x)
        return [tensors.adopt(x.shape[i]) if n is None else n for i, n in enumerate(self.int_shape(x))]

    def dtype(self, x):
        return x.dtype if isinstance(x, Variable) else dtypes.of(x, config.floatx())

    def static_shape(self, x):
        return tensors.shape_of(x) if isinstance(x, Variable) else np.shape(x)

    def get_value(self, x):
        return np.array(x.get_value(borrow=True)) if self.is_variable(x) else self.eval(x)

    def set_value(self, x, value):
        value = self._array_for(x, value)
        x.set_value(value, borrow=True)

    def _matching(self, variable, value):
        """A variable's new value, of its dtype and type."""
        value = self._tensor(value, None if isinstance(value, Variable) else variable.dtype)
        return tensors.note(self.cast(value, variable.dtype), tensors.shape_of(variable))

    def identity(self, x, name=None):
        x = self._tensor(x)
        if tensors.is_sparse(x):
            return x
        return tensors.note(T.tensor_copy(x) if hasattr(T, 'tensor_copy') else T.basic.tensor_copy(x))

    def print_tensor(self, x, message=''):
        def say(op, value):
            sys.stderr.write(f'{op.message}{value}\n')

        return framework.Print(message, global_fn=say)(self._tensor(x))

    # Computing.

    def _value(self, x):
        x = self.to_dense(x)
        with self.graph_scope():  # loops in it are compiled, and the step is one for all threads
            for step in graphs.steps([x]):
                step.set_value(np.array([self._runs_seen.now], 'uint64'))
            value = graphs.computed(graphs.in_phase(self, [x], {}))[0]
        return np.array(value)

    def _evaluate(self, x):
        value = self._value(x)
        self._runs_seen.now += bool(graphs.steps([x]))
        return value

    def function(self, inputs, outputs, updates=None, after_updates=None, name=None, **framework_arguments):
        return Function(self, inputs, outputs, updates, after_updates, name, **framework_arguments)

    def gradients(self, loss, variables):
        wanted = list(variables) if isinstance(variables, (list, tuple)) else [variables]
        loss = self._tensor(loss)
        loss = self.sum(loss) if loss.ndim else loss
        found = framework.grad(loss, wanted, disconnected_inputs='ignore', return_disconnected='None')
        return [None if g is None else tensors.note(g, tensors.shape_of(x)) for g, x in zip(found, wanted)]

    def stop_gradient(self, variables):
        if isinstance(variables, (list, tuple)):
            return [self.stop_gradient(x) for x in variables]
        x = self._tensor(variables)
        return tensors.copy_notes(x, framework.disconnected_grad(x))

    def _scan_mode(self):
        return compiling.mode()
