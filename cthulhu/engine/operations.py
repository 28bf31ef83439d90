"""Operations on the tensors of layers, `x * 2 + 1` for example: each becomes a layer when a model is made of them."""

import numpy as np

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.backend import meta
from cthulhu.backend.inference.symbolic import toposort
from cthulhu.engine.call_context import Record
from cthulhu.engine.node import Node, mask_of, node_of, replaced

# An array among the arguments is written into configurations: it has so many elements at most.
_MOST = 2**12


def become_layers(inputs, outputs):
    """Give a history to those tensors between `inputs` and `outputs`, lists of tensors, that were computed from what layers made.

    Raises:
        ValueError: if one was made by what has no name in configurations, or with a variable.
    """
    origins, ends = {}, {id(x) for x in inputs}

    def needs(x):
        if id(x) in ends:
            return []
        node = node_of(x)
        if node is not None:
            return [] if node.is_entrance else _tensors([node.input_tensors, node.arguments])
        origin = origins[id(x)] = K.origin(x)
        return [] if origin is None else _tensors(origin[1])

    order = toposort([x for x in outputs if K.is_tensor(x)], needs)
    between = [x for x in order if origins.get(id(x)) is not None]
    made = [x for x in between if _become_layer(x, *origins[id(x)])]
    if not made:
        return
    for x in order:
        node = node_of(x)
        if node is not None and not node.is_entrance:
            node.look_again()
            if any(map(meta.uses_learning_phase, node.needed)):
                meta.set_uses_learning_phase(x, True)


def _become_layer(x, name, arguments):
    """Whether a tensor was computed from what layers made; it is a layer's output then."""
    tensors = _tensors(arguments)
    if not any(meta.get_history(each) for each in tensors):
        return False
    found = registry.layers.known()['TFOpLambda'].of_operation(name, replaced(arguments, _plain))
    if found is None:
        raise ValueError(
            f'A model is made of a tensor of shape {K.int_shape(x)} that was computed by {name} between layers, for which there is no layer. Wrap what '
            f'computes it in one: LuKthu(lambda x: K.exp(x))(tensor).'
        )
    if not all(map(meta.get_history, tensors)):
        raise ValueError(
            f'{name}, between layers, takes a variable, or another tensor that no layer made, beside what layers made. Write a layer that has the variable, or '
            'give the tensor by an Input.'
        )
    layer, first, further = found
    inputs = first if isinstance(first, list) else [first]
    is_plain = all(K.is_tensor(each) for each in inputs)
    if not is_plain:
        further = dict(further, first=first)
        inputs = tensors[:1]
    layer.built = True
    layer.compute_mask(tensors, [mask_of(each) for each in tensors])
    Node(
        layer,
        input_tensors=list(inputs),
        output_tensors=[x],
        input_masks=[mask_of(each) for each in inputs],
        output_masks=[None],
        input_shapes=[K.int_shape(each) for each in inputs],
        output_shapes=[K.int_shape(x)],
        arguments=further,
        record=Record(),
        on_list=is_plain and isinstance(first, list),
    )
    return True


def _tensors(structure):
    """The tensors in a structure of lists, tuples, dicts and slices: list, each once."""
    found = {}

    def visit(thing):
        if isinstance(thing, slice):
            replaced([thing.start, thing.stop, thing.step], visit)
        elif K.is_tensor(thing):
            found[id(thing)] = thing
        return thing

    replaced(structure, visit)
    return list(found.values())


def _plain(thing):
    """An argument as configurations have it."""
    if isinstance(thing, np.dtype):
        return thing.name
    if isinstance(thing, (np.ndarray, np.generic)):
        if thing.size > _MOST:
            raise ValueError(
                f'An array of shape {thing.shape} is used between layers; configurations hold those of at most {_MOST} elements. Write a layer that has it as a weight '
                'which is not trained.'
            )
        return thing.tolist()
    return thing
