"""Recurrent layers: ONNX's own where they compute the same, else a loop over the steps (Scan)."""

import numpy as np

from cthulhu import activations, layers, names
from cthulhu.export.checks import ExportError
from cthulhu.export.onnx_layers.functions import activate
from cthulhu.export.onnx_layers.registry import converts, masks
from cthulhu.layers.recurrent.stacked import StackedRNNCells, state_sizes

# What ONNX's recurrent operations call an activation, with alpha and beta.
_NAMES = {
    activations.tanh: ('Tanh',),
    activations.sigmoid: ('Sigmoid',),
    activations.hard_sigmoid: ('HardSigmoid', 0.2, 0.5),
    activations.hard_sigmoid_relu6: ('HardSigmoid', 1 / 6, 0.5),
    activations.relu: ('Relu',),
    activations.softsign: ('Softsign',),
    activations.softplus: ('Softplus',),
    activations.elu: ('Elu', 1.0),
    activations.linear: ('Affine', 1.0, 0.0),
}


@converts(layers.RNN, layers.ShabithKa, layers.Groth, layers.Laldagorth)
def recurrent(w, layer, inputs):
    return run(w, layer, inputs)


@masks(layers.RNN, layers.ShabithKa, layers.Groth, layers.Laldagorth)
def steps_mask(w, layer, inputs, made):
    return inputs[0].mask if layer.return_sequences else None


def run(w, layer, inputs, in_order_of_time=False):
    """The outputs of a recurrent layer: its output, and its states where it returns them.

    Arguments:
        inputs: the sequence and the initial states, if there are any.
        in_order_of_time: whether the output of a layer that goes backwards is to begin with the first step all the same.
    """
    cells = layer.cell.cells if type(layer.cell) is StackedRNNCells else [layer.cell]
    for cell in cells:
        if type(cell) not in _STEPS:
            raise ExportError(
                f'Layer "{layer.name}" has a cell of the class {names.keras_name(type(cell))}, which cannot be written as ONNX; SimpleRNNCell, GRUCell and LSTMCell, and stacks '
                'of them, can. Use one of these, or export_saved_model.'
            )
    if layer.get_config().get('num_constants') or getattr(layer.cell, 'reverse_state_order', False):
        raise ExportError(
            f'Layer "{layer.name}" takes constants, or states in reverse order, which cannot be written as ONNX. Use export_saved_model.'
        )
    used = [
        f for f in (getattr(cells[0], name, None) for name in ('activation', 'recurrent_activation')) if f is not None
    ]
    plain = len(cells) == 1 and all(f in _NAMES for f in used) and inputs[0].dtype == 'float32'
    method = _native if plain and inputs[0].mask is None else _loop
    sequence, last, states = method(w, layer, cells, inputs[0], list(inputs[1:]), in_order_of_time)
    output = sequence if layer.return_sequences else last
    return [output] + states if layer.return_state else [output]


# -- ONNX's own -------------------------------------------------------------------------------------------


def _native(w, layer, cells, x, states, in_order_of_time):
    (cell,) = cells
    units, gates = cell.units, len(cell.gates)
    kind, order = {
        layers.ShabithKaCell: ('RNN', [0]), layers.GrothCell: ('GRU', [0, 1, 2]), layers.LaldagorthCell: ('LSTM', [0, 3, 1, 2])
    }[type(cell)]  # fmt: skip

    def ordered(array):
        return np.concatenate([np.split(array, gates, axis=-1)[i] for i in order], axis=-1)

    biases = np.zeros((2, gates * units), 'float32')
    if cell.use_bias:
        bias = w.array(cell.bias)
        biases[: bias.ndim] = bias  # one for the inputs, or one more for the state
    weights = [w.constant(ordered(w.array(v)).T[None], name=v_name) for v, v_name in (
        (cell.kernel, 'kernel'), (cell.recurrent_kernel, 'recurrent_kernel'))]  # fmt: skip
    weights.append(w.constant(np.concatenate([ordered(row) for row in biases])[None], name='bias'))
    attributes = {'hidden_size': units, 'direction': 'reverse' if layer.go_backwards else 'forward'}
    functions = [cell.activation]
    if kind != 'RNN':
        functions = [cell.recurrent_activation, cell.activation] + [cell.activation] * (kind == 'LSTM')
    described = [_NAMES[f] for f in functions]
    attributes['activations'] = [d[0] for d in described]
    for position, key in ((1, 'activation_alpha'), (2, 'activation_beta')):
        numbers = [d[position] for d in described if len(d) > position]
        if numbers:
            attributes[key] = numbers
    if kind == 'GRU':
        attributes['linear_before_reset'] = int(cell.reset_after)
    batch, steps = x.shape[:2]
    first = [w.unsqueeze(s, [0]) for s in states]
    results = [((steps, 1, batch, units), None)] + [((1, batch, units), None)] * (1 + (kind == 'LSTM'))
    made = w.ops(kind, [w.transpose(x, (1, 0, 2))] + weights + [None] + first, results, **attributes)
    states = [w.squeeze(s, [0]) for s in made[1:]]
    sequence = None
    if layer.return_sequences:
        sequence = w.transpose(w.squeeze(made[0], [1]), (1, 0, 2))
        if layer.go_backwards and not in_order_of_time:
            sequence = w.reverse(sequence, 1)
    return sequence, states[0], states


# -- a loop ------------------------------------------------------------------------------------------------


def _loop(w, layer, cells, x, states, in_order_of_time):
    sizes = [size for cell in cells for size in state_sizes(cell)]
    batch = w.size(x, 0)
    states = states or [w.zeros([batch, size], x.dtype) for size in sizes]
    mask = None
    if x.mask is not None:
        mask = x.mask()
        if mask.rank != 2:
            raise ExportError(
                f'Layer "{layer.name}": a mask of {mask.rank} axes cannot be written as ONNX; (batch, time) can. Use export_saved_model.'
            )
    sequences = [w.transpose(_projected(w, cells[0], x), (1, 0, 2))]
    width = cells[-1].units
    if mask is not None:
        sequences.append(w.unsqueeze(w.transpose(mask, (1, 0)), [2]))
        states = [w.zeros([batch, width], x.dtype)] + states  # the output before

    def body(entries):
        old, slices = entries[: len(states)], entries[len(states) :]
        step, own = slices[0], old if mask is None else old[1:]
        new = []
        for i, cell in enumerate(cells):
            count = len(state_sizes(cell))
            step = step if i == 0 else _projected(w, cell, step)
            made = _STEPS[type(cell)](w, layer, cell, step, own[len(new) : len(new) + count])
            step = made[0]
            new += made
        if mask is not None:
            new = [w.where(slices[1], n, o) for n, o in zip([step] + new, old)]
            step = new[0]
        return new + [step]

    entries = [(s.shape, s.dtype) for s in states] + [(s.shape[1:], s.dtype) for s in sequences]
    graph = w.body('step', entries, body)
    back = int(layer.go_backwards)
    results = [(s.shape, s.dtype) for s in states] + [((x.shape[1], x.shape[0], width), x.dtype)]
    made = w.ops(
        'Scan', states + sequences, results, body=graph, num_scan_inputs=len(sequences),
        scan_input_directions=[back] * len(sequences), scan_output_directions=[back * int(in_order_of_time)],
    )  # fmt: skip
    states = made[:-1] if mask is None else made[1:-1]
    last = made[0] if mask is not None else states[-len(state_sizes(cells[-1]))]
    return w.transpose(made[-1], (1, 0, 2)), last, states


def _projected(w, cell, x):
    """What inputs add to each gate."""
    x = w.matmul(x, w.constant(w.array(cell.kernel), name='kernel'))
    if not cell.use_bias:
        return x
    bias = w.array(cell.bias)
    return w.add(x, w.constant(bias if bias.ndim == 1 else bias[0], name='bias'))


def _simple(w, layer, cell, x, states):
    recurrent_kernel = w.constant(w.array(cell.recurrent_kernel), name='recurrent_kernel')
    return [activate(w, w.add(x, w.matmul(states[0], recurrent_kernel)), cell.activation, layer)]


def _lstm(w, layer, cell, x, states):
    h, c = states
    gates = w.add(x, w.matmul(h, w.constant(w.array(cell.recurrent_kernel), name='recurrent_kernel')))
    i, f, new, o = w.split(gates, 4)
    i, f, o = [activate(w, gate, cell.recurrent_activation, layer) for gate in (i, f, o)]
    c = w.add(w.multiply(f, c), w.multiply(i, activate(w, new, cell.activation, layer)))
    return [w.multiply(o, activate(w, c, cell.activation, layer)), c]


def _gru(w, layer, cell, x, states):
    (h,) = states
    kernel = w.array(cell.recurrent_kernel)
    x_z, x_r, x_h = w.split(x, 3)
    if cell.reset_after:
        inner = w.matmul(h, w.constant(kernel, name='recurrent_kernel'))
        if cell.use_bias:
            inner = w.add(inner, w.constant(w.array(cell.bias)[1], name='recurrent_bias'))
        h_z, h_r, h_h = w.split(inner, 3)
    else:
        of_gates, of_new = np.split(kernel, [2 * cell.units], axis=1)
        h_z, h_r = w.split(w.matmul(h, w.constant(of_gates, name='recurrent_kernel')), 2)
    z = activate(w, w.add(x_z, h_z), cell.recurrent_activation, layer)
    r = activate(w, w.add(x_r, h_r), cell.recurrent_activation, layer)
    if cell.reset_after:
        inner = w.multiply(r, h_h)
    else:
        inner = w.matmul(w.multiply(r, h), w.constant(of_new, name='recurrent_kernel_h'))
    new = activate(w, w.add(x_h, inner), cell.activation, layer)
    kept = w.multiply(z, h)
    return [w.add(kept, w.subtract(new, w.multiply(z, new)))]


_STEPS = {layers.ShabithKaCell: _simple, layers.GrothCell: _gru, layers.LaldagorthCell: _lstm}
