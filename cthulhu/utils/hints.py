"""Types of what users give and get, for their editors: what is accepted in fact is checked, and said, elsewhere.

A result that depends on the model (an array, or a list of them) is written as a union with `Any`: an editor completes the usual one, and takes the other.
"""

import os
from typing import IO, Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

import numpy as np

#: A decorator gives back what it is given, as far as its caller can see.
Decorated = TypeVar('Decorated', bound=Callable[..., Any])

#: An array, a list or dict of them, a DataFrame, an HDF5 dataset, a generator, a `Sequence`, a dataset, a tensor of the framework.
Data = Any
#: A tensor of the framework.
Tensor = Any
#: Sizes, None where any will do.
Shape = Sequence[Optional[int]]
#: A path, an `h5py.File` or `h5py.Group`, a stream of bytes.
Place = Union[str, os.PathLike, IO[bytes], Any]
#: One for all outputs, a list with one for each, or a dict by their names.
Losses = Union[None, str, Callable[..., Any], Sequence[Any], Mapping[str, Any]]
Metrics = Union[None, Sequence[Any], Mapping[str, Any]]
Weights = Union[None, Sequence[float], Mapping[str, float]]
ClassWeights = Union[None, Mapping[Any, Any], Sequence[Any]]
#: An array; for several outputs a list of them.
Predictions = Union[np.ndarray, Any]
#: A number; with several outputs or with metrics a list of them; a dict, if it was asked for.
Figures = Union[float, Any]
#: What a callback is told.
Logs = Optional[Dict[str, Any]]
#: The names of the layers that were loaded; those that were not, and why.
Loaded = Tuple[List[str], Dict[str, str]]
