"""Operations in NumPy inside of the framework's graphs: its `UserFunction`, which it calls with the values."""

import numpy as np

from cthulhu.backend.cntk.framework import C, UserFunction
from cthulhu.backend.cntk.tensors import of_dtype


class Hosted(UserFunction):
    """One operation; see `Program.host`. An error in it is put into a list, as the framework would lose its kind.

    The framework never frees it: what it refers to must go when its program does, so it knows no Tensor and is released then.
    """

    def __init__(self, errors, real, name, nodes, dtypes, function, gradient, shape, needs_gradient):
        self._errors, self._real, self._name, self._dtypes = errors, real, name, dtypes
        self._function, self._gradient = function, gradient
        self._shape, self._needs = tuple(shape), needs_gradient
        super().__init__(nodes, as_numpy=False, name=name)

    def release(self):
        """Let go of the functions, and of the arrays that are in them: it will not be called any more."""
        self._function = self._gradient = None

    def infer_outputs(self):
        return [C.output_variable(self._shape, self._real.type, [], needs_gradient=self._needs)]

    def forward(self, arguments, device=None, outputs_to_retain=None):
        listed = arguments if isinstance(arguments, (list, tuple)) else [arguments]
        try:
            arrays = [of_dtype(value.data().to_ndarray(), dtype) for value, dtype in zip(listed, self._dtypes)]
            result = np.asarray(self._function(*arrays))
        except Exception as error:
            self._errors.append(error)
            arrays, result = None, np.zeros(self._shape)
        return (arrays, result), self._value(result)

    def backward(self, state, root_gradients, variables=None):
        arrays, result = state
        gradient = root_gradients.data().to_ndarray()
        try:
            if self._gradient is None:
                raise NotImplementedError(
                    f'{self._name} has no gradient on the cntk backend, as CNTK lacks it. Use K.stop_gradient on what it is given.'
                )
            found = self._gradient(gradient, result, *arrays)
        except Exception as error:
            self._errors.append(error)
            found = [np.zeros(x.shape) for x in arrays] if arrays is not None else None
        if variables is None or len(self._dtypes) == 1:
            return self._value(found[0])
        places = {x.uid: place for place, x in enumerate(self.inputs)}
        for x in variables:
            variables[x] = self._value(found[places[x.uid]])
        return None

    def _value(self, array):
        array = np.ascontiguousarray(array, self._real)
        return C.Value(C.NDArrayView.from_dense(array))
