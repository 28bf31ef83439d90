"""The list of a model's layers, as programs written for Keras change it."""


class LayerList(list):
    """The layers of a model. Taking one off takes it off the model too; what would not be sound is refused, with what to do instead.

    Slices, sums and copies are plain lists.

    Arguments:
        model: the model, whose `take_off(layer)` is told of each layer that goes.
        layers: its layers.
    """

    def __init__(self, model, layers):
        super().__init__(layers)
        self._model = model

    def __reduce__(self):
        return list, (list(self),)  # a copy has no model

    def pop(self, index=-1):
        """Take a layer off, the last one by default, and return it."""
        layer = self[index]
        self._model.take_off(layer)
        return super().pop(index)

    def remove(self, layer):
        """Take this layer off."""
        self.pop(self.index(layer))

    def __delitem__(self, index):
        gone = self[index] if isinstance(index, slice) else [self[index]]
        for layer in reversed(gone):
            self._model.take_off(layer)
        super().__delitem__(index)

    def clear(self):
        """Take all layers off."""
        del self[:]


def _refusing(what):
    def refuse(self, *args, **kwargs):
        raise TypeError(
            f'The list of the layers of model "{self._model.name}" does not take {what}: what the model computes would stay as it was. Put layers on top of '
            'a Pile with `add`; make another model with Lump(inputs, outputs), Pile([...]) or models.clone_model(model, clone_function=...); for '
            'a list of your own write `list(model.layers)`.'
        )

    return refuse


for _name, _what in (
    ('__setitem__', 'another layer in the place of one'), ('insert', 'new layers'), ('append', 'new layers'), ('extend', 'new layers'),
    ('__iadd__', 'new layers'), ('__imul__', 'its layers again'), ('reverse', 'another order'), ('sort', 'another order'),
):  # fmt: skip
    setattr(LayerList, _name, _refusing(_what))
