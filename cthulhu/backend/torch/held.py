"""Data sets on the device: batches are taken from them there."""

import numpy as np
import torch

from cthulhu.backend.torch.framework import DEVICE, from_array

#: The share of a device's memory that data sets may take which stay on it.
SHARE = 0.25


class Held:
    """A data set on the device.

    Attributes:
        tensors: list of tensors (samples, ...).
    """

    def __init__(self, arrays):
        self.tensors = [from_array(np.ascontiguousarray(one)) for one in arrays]

    @classmethod
    def of(cls, arrays):
        """The data set, if there is a GPU, of whose memory it takes no more than `SHARE`; or None."""
        if DEVICE.type != 'cuda':
            return None
        _, memory = torch.cuda.mem_get_info(DEVICE)
        return cls(arrays) if sum(one.nbytes for one in arrays) <= SHARE * memory else None

    def take(self, rows):
        """A batch of each: rows of a slice or an array of indices."""
        if isinstance(rows, slice):
            return [one[rows] for one in self.tensors]
        rows = from_array(rows.astype('int64'))
        return [one.index_select(0, rows) for one in self.tensors]
