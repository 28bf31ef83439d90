"""The framework, the device that this process computes on, and tensors made of what is given."""

import os
import warnings

import numpy as np
import scipy.sparse
import torch

from cthulhu.backend import config
from cthulhu.backend.inference import dtypes

Tensor = torch.Tensor

DTYPES = {name: getattr(torch, name) for name in dtypes.NAMES if hasattr(torch, name)}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def _chosen():
    """The device of `CTHULHU_DEVICE`; without it CUDA's where there is one."""
    asked = os.environ.get('CTHULHU_DEVICE')
    if not asked:
        return torch.device('cuda', torch.cuda.current_device()) if torch.cuda.is_available() else torch.device('cpu')
    try:
        device = torch.device(asked)
        if device.type == 'meta':
            raise RuntimeError('tensors on it have no values')
        return torch.zeros(1, device=device).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        cards = [f'cuda:{index}' for index in range(torch.cuda.device_count())]
        raise ValueError(
            f'CTHULHU_DEVICE: expected the name of a device that PyTorch {torch.__version__} can compute on here, such as '
            f'{", ".join(["cpu"] + cards)}, got {asked!r}: {str(error).splitlines()[0]}'
        ) from None


#: Where variables and feeds lie.
DEVICE = _chosen()
ON_HOST = DEVICE.type == 'cpu'


def dtype_name(value):
    """The name of the dtype of a tensor, array, number or list."""
    return NAMES[value.dtype] if isinstance(value, Tensor) else dtypes.of(value, config.floatx())


def from_array(array):
    """The tensor of an array, on the device; on CPUs it shares the array's memory."""
    if not array.flags.writeable or any(step < 0 for step in array.strides):
        array = array.copy()
    if not array.ndim and not ON_HOST:
        return torch.full((), array.item(), dtype=DTYPES[array.dtype.name], device=DEVICE)
    found = torch.from_numpy(array)
    return found if ON_HOST else found.to(DEVICE)


def from_matrix(matrix, dtype):
    """The sparse tensor of a SciPy matrix: stored elements stay stored, also where they are 0."""
    matrix = matrix.tocoo()
    places = np.stack([matrix.row, matrix.col]).astype('int64')
    values = from_array(matrix.data.astype(dtype))
    with warnings.catch_warnings():
        # Said of `coalesce` on a GPU, where nothing is asked for or asked against.
        warnings.filterwarnings('ignore', 'Sparse invariant checks')
        return torch.sparse_coo_tensor(
            from_array(places), values, matrix.shape, device=DEVICE, check_invariants=False
        ).coalesce()


def to_matrix(tensor):
    """The SciPy matrix of a sparse tensor."""
    tensor = tensor.detach().coalesce().cpu()
    rows, columns = tensor.indices().numpy()
    return scipy.sparse.csr_matrix((tensor.values().numpy().copy(), (rows, columns)), tuple(tensor.shape))


def tensor(value, dtype=None):
    """`value`, a tensor, array, number or list, as a tensor, of a dtype by name: its own where none is given. What is none yet is put on the device."""
    if isinstance(value, Tensor):
        return value if dtype is None else value.to(DTYPES[dtype])
    if scipy.sparse.issparse(value):
        return from_matrix(value, dtype or dtypes.name(value.dtype))
    return from_array(np.asarray(value, dtype or dtypes.of(value, config.floatx())))


def to_array(value):
    """The array of a tensor, which on CPUs shares its memory; what is none stays. Of bfloat16, which NumPy does not have, it is one of float32."""
    if not isinstance(value, Tensor):
        return value
    if value.layout is not torch.strided:
        return to_matrix(value)
    value = value.detach().cpu()
    return (value.float() if value.dtype is torch.bfloat16 else value).numpy()


def floats(value):
    """`tensor`, with integers and bool as `floatx()`."""
    value = value if isinstance(value, Tensor) else tensor(value)
    return value if value.dtype.is_floating_point else value.to(DTYPES[config.floatx()])


def numbers(value):
    """`tensor`, with bool as `floatx()`."""
    value = value if isinstance(value, Tensor) else tensor(value)
    return value.to(DTYPES[config.floatx()]) if value.dtype is torch.bool else value


def integers(shape):
    """A shape argument, whose parts may be arrays or tensors without dimensions, as a tuple of int."""
    if isinstance(shape, (list, tuple)):
        return tuple([int(length) for length in shape])
    if isinstance(shape, (Tensor, np.ndarray)):
        return tuple(int(length) for length in shape.reshape(-1).tolist())
    return (int(shape),)
