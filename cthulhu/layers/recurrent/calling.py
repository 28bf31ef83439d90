"""How recurrent layers are called: with initial states and constants beside their inputs."""

from cthulhu import backend as K


class StatesAsInputs:
    """Mixin for a Layer: initial states and constants that layers made become inputs, so that they are part of the
    graph of layers; others stay arguments. A list of inputs holds the sequence, the initial states, and the constants,
    in this order.
    """

    _num_constants = None

    def _expect_constants(self, constants):
        """Told of the constants, a list of tensors, before the layer is built."""
        self._num_constants = len(constants)

    def _separate(self, inputs, initial_state=None, constants=None):
        """(inputs, list of initial states or None, list of constants or None), of arguments or of one list of all."""
        if isinstance(inputs, (list, tuple)):
            inputs, further = inputs[0], list(inputs[1:])
            if self._num_constants and constants is None and further:
                further, constants = further[: -self._num_constants], further[-self._num_constants :]
            if further and initial_state is not None:
                raise ValueError(
                    f'Layer "{self.name}" was given initial states twice: in the list of inputs, and as `initial_state`.'
                )
            initial_state = further or initial_state
        return inputs, _listed(initial_state), _listed(constants)

    def __call__(self, inputs, initial_state=None, constants=None, **kwargs):
        inputs, initial_state, constants = self._separate(inputs, initial_state, constants)
        if constants:
            self._expect_constants(constants)
        further = (initial_state or []) + (constants or [])
        made_by_layers = [K.is_cthulhu_tensor(x) for x in further]
        if any(made_by_layers) and not all(made_by_layers):
            raise ValueError(
                f'Layer "{self.name}": the initial states and constants must all be made by layers (Input included), or none '
                f'of them; got {further}.'
            )
        if any(made_by_layers):
            inputs = [inputs] + further
        elif initial_state:
            kwargs['initial_state'] = initial_state
        if constants and not any(made_by_layers):
            kwargs['constants'] = constants
        return super().__call__(inputs, **kwargs)


def _listed(x):
    if x is None:
        return None
    return list(x) if isinstance(x, (list, tuple)) else [x]
