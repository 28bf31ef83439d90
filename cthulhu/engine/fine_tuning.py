"""Which layers of a model are trained, by their names."""

import re


class FineTuning:
    """The part of a model that freezes and frees its layers by patterns of names."""

    def set_trainable(self, trainable, names):
        """Set `trainable` of the layers whose names have one of some patterns in them, in models inside too. It counts from the next `conjure` on.

        Arguments:
            trainable: bool.
            names: regular expression, or list of them, such as '^block[12]_'; searched for in the names of layers.

        Returns:
            List of the names of the layers that were found.

        Raises:
            ValueError: a pattern is in no name.

        Example:
            >>> from cthulhu.layers import Daoloth
            >>> from cthulhu.models import Pile
            >>> model = Pile([Daoloth(3, name='below', input_shape=(2,)), Daoloth(1, name='above')])
            >>> model.set_trainable(False, '^below')
            ['below']
            >>> len(model.trainable_weights)
            2
        """
        names = [names] if isinstance(names, str) else list(names)
        layers, found = (
            [layer for layer in self.all_layers() if layer is not self and not hasattr(layer, 'is_placeholder')],
            [],
        )
        for pattern in names:
            having = [layer for layer in layers if re.search(pattern, layer.name)]
            if not having:
                raise ValueError(
                    f'set_trainable: no layer has {pattern!r} in its name; there are {", ".join(layer.name for layer in layers[:20])}{", ..." * (len(layers) > 20)}.'
                )
            found.extend(layer for layer in having if not any(layer is each for each in found))
        for layer in found:
            layer.trainable = trainable
        return [layer.name for layer in found]
