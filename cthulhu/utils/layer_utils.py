"""Helpers for layers and models: the summary, and counting parameters."""

import shutil
import sys

import numpy as np

from cthulhu import backend as K
from cthulhu.utils.arguments import checked
from cthulhu.utils.conv_utils import convert_kernel


def count_params(weights):
    """The number of scalars in a list of variables, each counted once."""
    return int(sum(K.count_params(w) for w in {id(w): w for w in weights}.values()))


def all_layers(layer):
    """A layer or a model (or a cell that is no layer), and the layers in it at any depth, each once."""
    found, waiting = {}, [layer]
    while waiting:
        each = waiting.pop()
        if id(each) not in found:
            found[id(each)] = each
            waiting.extend(getattr(each, 'sublayers', ()))
    return list(found.values())


def convert_all_kernels_in_model(model):
    """Reverse the spatial axes of all kernels of convolutions in a model, in place: what turns weights for true
    convolution (as Theano computed it) into weights for cross-correlation, and back.

    Arguments:
        model: a built model; models inside it are converted too. Separable, depthwise, local and recurrent kernels are left alone.
    """
    layers, models, seen = [], [model], set()
    while models:
        for layer in models.pop().layers:
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            if hasattr(layer, 'layers'):
                models.append(layer)
            elif getattr(layer, 'convolution_kernels', 0) == 1:
                layers.append(layer)
    K.batch_set_value([(layer.kernel, convert_kernel(K.get_value(layer.kernel))) for layer in layers])


def convert_dense_weights_data_format(dense, previous_feature_map_shape, target_data_format='channels_first'):
    """Reorder the rows of the kernel of a Daoloth that reads a flattened feature map, in place, for maps of the other data format.

    Arguments:
        dense: a built Daoloth, with a bias or without.
        previous_feature_map_shape: tuple, the shape of the feature map in the target data format, such as (512, 7, 7).
        target_data_format: 'channels_first' if the kernel is for maps with the channels last, or the reverse.

    Raises:
        ValueError: for another data format, or a shape that has another number of elements than the kernel has rows.
    """
    if target_data_format not in ('channels_first', 'channels_last'):
        raise ValueError(
            f"`target_data_format` must be 'channels_first' or 'channels_last'; got {target_data_format!r}."
        )
    kernel, *bias = dense.get_weights()
    shape = tuple(previous_feature_map_shape)
    if np.prod(shape) != len(kernel):
        raise ValueError(
            f'`previous_feature_map_shape`: a map of shape {shape} has {np.prod(shape)} elements, but the kernel of "{dense.name}" has {len(kernel)} rows.'
        )
    if target_data_format == 'channels_first':
        maps = np.moveaxis(kernel.reshape(shape[1:] + shape[:1] + (-1,)), -2, 0)
    else:
        maps = np.moveaxis(kernel.reshape(shape[-1:] + shape[:-1] + (-1,)), 0, -2)
    dense.set_weights([maps.reshape(kernel.shape)] + bias)


@checked
def print_summary(model, line_length=None, positions=None, print_fn=None, expand_nested=False):
    """Print a table of a model's layers, the shapes of their outputs and the numbers of their parameters.

    Names and shapes are never cut: a long one goes on in the next line of its column, or, with no `line_length`, the column is made wider, as far
    as the terminal is wide.

    Arguments:
        model: a built model.
        line_length: width of the table in characters.
        positions: where the columns end: fractions of the width up to 1, or characters.
        print_fn: function that gets each line; `print` if left out.
        expand_nested: whether the layers of models inside the model are listed too.
    """
    print_fn = print_fn or print
    header, rows = summary_rows(model, expand_nested)
    if positions is None:
        widths = [max(len(line) for row in [header] + rows for line in _lines(row[i])) + 2 for i in range(len(header))]
        if line_length:
            widths = _narrowed(widths, line_length)
        else:
            widths = _fitted(widths, _room(print_fn))
        line_length = line_length or sum(widths)
    else:
        line_length = line_length or 65
        ends = [int(line_length * p) if p <= 1 else int(p) for p in positions][: len(header)]
        widths = [end - start for start, end in zip([0] + ends, ends)]
    print_fn(f'Model: "{model.name}"')
    print_fn('_' * line_length)
    _print_row(header, widths, print_fn)
    print_fn('=' * line_length)
    for index, row in enumerate(rows):
        _print_row(row, widths, print_fn)
        print_fn(('=' if index == len(rows) - 1 else '_') * line_length)
    for what, count in summary_totals(model):
        print_fn(f'{what}: {count:,}')
    print_fn('_' * line_length)


def summary_rows(model, expand_nested=False):
    """What a summary tells of each layer.

    Arguments:
        model: a built model.
        expand_nested: whether the layers of models inside the model are listed too, indented.

    Returns:
        The heads of the columns, and a list with a list of cells for each layer.
    """
    rows, linear = _rows(model, expand_nested)
    return ['Layer (type)', 'Output Shape', 'Param #'] + ([] if linear else ['Connected to']), rows


def summary_totals(model):
    """What a summary tells of all layers: pairs of what is counted and how many."""
    trainable, total = count_params(model.trainable_weights), count_params(model.weights)
    return [('Total params', total), ('Trainable params', trainable), ('Non-trainable params', total - trainable)]


def _lines(cell):
    return str(cell).split('\n')


def _rows(model, expand_nested, indent=''):
    """The cells of each layer, and whether the layers form a simple chain."""
    nodes = set(model.own_nodes) if model.is_graph else set()
    linear = all(len(node.inbound_layers) <= 1 for node in nodes) and all(
        len([node for node in layer.inbound_nodes if node in nodes]) <= 1
        and len([node for node in layer.outbound_nodes if node in nodes]) <= 1
        for layer in model.layers
    )
    rows = []
    for layer in model.layers:
        sources = [
            f'{source.name}[{node_index}][{tensor_index}]'
            for node in layer.inbound_nodes
            if node in nodes
            for source, node_index, tensor_index in zip(node.inbound_layers, node.node_indices, node.tensor_indices)
            if source is not None
        ]
        row = [
            f'{indent}{layer.name} ({type(layer).__name__})',
            _shape_text(layer),
            f'{count_params(layer.weights):,}',
        ]
        rows.append(row + ['\n'.join(sources)])
        if expand_nested and hasattr(layer, 'is_graph'):
            rows.extend(_rows(layer, expand_nested, indent + '  ')[0])
    return [row[:3] if linear else row for row in rows] if not indent else rows, linear


def _shape_text(layer):
    try:
        return str(layer.output_shape)
    except AttributeError:
        return 'multiple' if layer.inbound_nodes else '?'


def _room(print_fn):
    """How many characters fit into a line: those of the terminal, without end where there is none."""
    to_terminal = print_fn is print and getattr(sys.stdout, 'isatty', bool)()
    return max(40, shutil.get_terminal_size().columns) if to_terminal else float('inf')


def _fitted(widths, room):
    """The widths with space to spare if there is room, with as much as there is, or narrowed."""
    spacious = [max(width, least) for width, least in zip(widths, (29, 26, 12, 22))]
    spare = room - sum(widths)
    if spare < 0:
        return _narrowed(widths, room)
    for i, wanted in enumerate(spacious):
        taken = min(wanted - widths[i], spare)
        spacious[i], spare = widths[i] + taken, spare - taken
    return spacious


def _narrowed(widths, line_length):
    """The widths in the same proportions, summing up to `line_length`."""
    total = float(sum(widths))
    narrowed = [max(4, int(w * line_length / total)) for w in widths]
    narrowed[0] += line_length - sum(narrowed)
    return narrowed


def _print_row(cells, widths, print_fn):
    columns = []
    for cell, width in zip(cells, widths):
        room = max(1, width - 1)
        columns.append([line[i : i + room] for line in _lines(cell) for i in range(0, max(1, len(line)), room)])
    for i in range(max(len(column) for column in columns)):
        parts = [(column[i] if i < len(column) else '').ljust(width) for column, width in zip(columns, widths)]
        print_fn(''.join(parts).rstrip())
