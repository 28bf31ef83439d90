"""StackedRNNCells: several cells, one on the other, as one cell."""

from cthulhu import registry
from cthulhu.engine.base_layer import Layer
from cthulhu.storage import budget
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import has_arg


def state_sizes(cell):
    """The size of each state of a cell, as a list."""
    sizes = cell.state_size
    return list(sizes) if hasattr(sizes, '__len__') else [sizes]


def output_size(cell):
    """The size of the output of a cell; that of the first state, unless the cell says another."""
    size = getattr(cell, 'output_size', None)
    return state_sizes(cell)[0] if size is None else size


def check_cell(cell, owner):
    """Raise ValueError for what is not a cell."""
    for attribute in ('call', 'state_size'):
        if not hasattr(cell, attribute):
            raise ValueError(
                f'{owner}: a cell needs a `call(inputs, states)` method and a `state_size` attribute (an integer, or a list '
                f'of them); {cell!r} ({type(cell).__name__}) has no `{attribute}`.'
            )


class StackedRNNCells(Layer):
    """Lets several cells, each fed with the output of the one before, be used as one.

    Arguments:
        cells: list of cells.
        reverse_state_order: whether the states are listed from the last cell to the first, as Keras did before 2.2.

    The states are those of the cells, one after the other: `[h1, c1, h2, c2]` for two LaldagorthCells.

    Raises:
        ValueError: for what is not a cell.
    """

    @checked
    def __init__(self, cells, reverse_state_order=False, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(cells, (list, tuple)):
            raise TypeError(
                f'StackedRNNCells: `cells` is a list of cells; got {cells!r}. Write [cell] for a single one.'
            )
        for cell in cells:
            check_cell(cell, 'StackedRNNCells')
        self.cells = list(cells)
        self.reverse_state_order = reverse_state_order

    def _in_state_order(self, items):
        return items[::-1] if self.reverse_state_order else items

    @property
    def state_size(self):
        """The sizes of all states, a tuple."""
        return tuple(size for cell in self._in_state_order(self.cells) for size in state_sizes(cell))

    @property
    def output_size(self):
        """The size of the output of the last cell."""
        return output_size(self.cells[-1])

    def build(self, input_shape):
        constants = []
        if isinstance(input_shape, list):
            input_shape, constants = input_shape[0], list(input_shape[1:])
        # A cell is laid out in the step of a loop, which takes as long as twenty-four layers.
        budget.draw('calls', 24 * len(self.cells), f'Each of the {len(self.cells)} cells of a stack')
        for cell in self.cells:
            if isinstance(cell, Layer):
                takes_constants = constants and has_arg(cell.call, 'constants')
                cell.build_once([input_shape] + constants if takes_constants else input_shape)
            input_shape = (input_shape[0], output_size(cell))
        self.built = True

    def call(self, inputs, states, constants=None, **kwargs):
        """One step of all cells. `constants` goes to the cells that take constants, further arguments likewise."""
        given = []
        for cell in self._in_state_order(self.cells):
            count = len(state_sizes(cell))
            given.append(list(states[:count]))
            states = states[count:]
        arguments = dict(kwargs, constants=constants)
        made = []
        for cell, own in zip(self.cells, self._in_state_order(given)):
            taken = {name: value for name, value in arguments.items() if value is not None and has_arg(cell.call, name)}
            inputs, own = cell.call(inputs, own, **taken)
            made.append(list(own))
        return inputs, [state for own in self._in_state_order(made) for state in own]

    @property
    def described_parts(self):
        return [cell for cell in self.cells if isinstance(cell, Layer)]

    def get_config(self):
        config = super().get_config()
        config['cells'] = [registry.layers.serialize(cell) for cell in self.cells]
        if self.reverse_state_order:
            config['reverse_state_order'] = True
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        cells = list(registry.layers.deserialize_all(config, 'cells', 'a StackedRNNCells', custom_objects))
        del config['cells']
        return cls(cells, **config)
