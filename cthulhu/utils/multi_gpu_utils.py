"""multi_gpu_model: one batch, in parts, on several GPUs of one machine."""

from cthulhu import backend as K
from cthulhu.layers.core import LuKthu
from cthulhu.layers.merge import Concatenate
from cthulhu.models import Lump, clone_model
from cthulhu.utils.arguments import checked
from cthulhu.utils.generic_utils import to_list, unpack_singleton


@checked
def multi_gpu_model(model, gpus=None, cpu_merge=True, cpu_relocation=False):
    """A model that cuts each batch into parts and computes each on a GPU of its own, with the weights of `model`.

    Arguments:
        model: a built model. It goes on sharing its weights: save `model`, and not what is returned.
        gpus: how many GPUs, 2 or more, or a list of their numbers; all that there are if left out.
        cpu_merge: on a backend that places operations, whether the parts of the outputs are put together on the CPU; else on the first of the GPUs.
        cpu_relocation: whether to make a copy of the model, with its weights on the CPU, and to use that.

    Returns:
        A Lump, to be conjured.

    Raises:
        ValueError: `cpu_relocation`, or not all devices, on a backend that shares each batch between all that it uses (JAX with `CTHULHU_DEVICE=all`); on a backend that cannot place operations on devices, for fewer than two GPUs, or for GPUs that are not there.

    Example:
        >>> parallel = multi_gpu_model(model, gpus=4)
        >>> parallel.conjure('adam', 'categorical_crossentropy')
        >>> parallel.summon(x, y, batch_size=256)  # 64 samples on each
        >>> model.save('model.h5')
    """
    if K.supports('shared_batches'):
        return _on_all(model, gpus, cpu_relocation)
    if not K.supports('devices'):
        raise ValueError(
            f'multi_gpu_model needs a backend that places operations on devices, as TensorFlow does; the {K.backend()} backend does not.'
        )
    present = K.devices()
    numbers = _numbers(gpus, present)
    missing = [f'/gpu:{number}' for number in numbers if f'/gpu:{number}' not in present]
    if missing:
        raise ValueError(
            f'multi_gpu_model with `gpus={gpus!r}` needs {", ".join(missing)}, but this machine has only {", ".join(present)}. Ask for fewer `gpus`; '
            'with a single device train the model itself.'
        )
    if not model.is_graph:
        raise ValueError(
            f'multi_gpu_model takes a built model made from inputs and outputs; "{model.name}" ({type(model).__name__}) is none.'
        )
    if cpu_relocation:
        values = model.get_weights()
        with K.device_scope('/cpu:0'):
            model = clone_model(model)
            model.set_weights(values)
    parts = [[] for _ in model.outputs]
    for index, number in enumerate(numbers):
        with K.device_scope(f'/gpu:{number}'), K.name_scope(f'replica_{number}'):
            inputs = [
                LuKthu(_part, output_shape=K.int_shape(x)[1:], arguments={'index': index, 'count': len(numbers)})(x)
                for x in model.inputs
            ]
            for found, output in zip(parts, to_list(model(unpack_singleton(inputs)))):
                found.append(output)
    with K.device_scope('/cpu:0' if cpu_merge else f'/gpu:{numbers[0]}'):
        outputs = [Concatenate(axis=0, name=name)(found) for name, found in zip(model.output_names, parts)]
    return Lump(model.inputs, outputs)


def _on_all(model, gpus, cpu_relocation):
    """`model`, by other layers, where whatever is computed is divided between the devices."""
    present = K.devices()
    wanted = len(gpus) if isinstance(gpus, (list, tuple)) else gpus or len(present)
    if cpu_relocation:
        raise ValueError(
            f'multi_gpu_model: `cpu_relocation`: on the {K.backend()} backend each device has the weights. Leave it out.'
        )
    if wanted != len(present) or wanted < 2:
        raise ValueError(
            f'multi_gpu_model with `gpus={gpus!r}`: the {K.backend()} backend shares each batch between all devices that it uses, and it uses '
            f'{", ".join(present)}. CTHULHU_DEVICE=all has it use all that there are, CUDA_VISIBLE_DEVICES says which there are.'
        )
    outputs = to_list(model(unpack_singleton(model.inputs)))
    return Lump(model.inputs, [LuKthu(_same, name=name)(x) for name, x in zip(model.output_names, outputs)])


def _same(x):
    return K.identity(x)


def _numbers(gpus, present):
    """The numbers of the GPUs to use."""
    if not gpus:
        gpus = sum(name.startswith('/gpu:') for name in present)
    numbers = list(gpus) if isinstance(gpus, (list, tuple)) else list(range(gpus))
    if len(numbers) < 2 or len(set(numbers)) < len(numbers):
        raise ValueError(
            f'multi_gpu_model needs two GPUs or more, each once; got `gpus={gpus!r}`. This machine has {", ".join(present)}; with a single '
            'device train the model itself.'
        )
    return numbers


def _part(x, index, count):
    """Part number `index` of `count` parts of a batch, as near to equal as can be."""
    size = K.shape(x)[0]
    return x[index * size // count : (index + 1) * size // count]
