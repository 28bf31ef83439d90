"""What was made for tensors, kept for a while."""


class Recent:
    """What was made for the last few lists of tensors, so that it is made once for the same ones and not kept for ever."""

    SIZE = 8

    def __init__(self):
        self._made = []

    def get(self, tensors, make):
        """What was made for these very tensors (or None in places), or else what `make()` makes."""
        for entry in self._made:
            if len(entry[0]) == len(tensors) and all(a is b for a, b in zip(entry[0], tensors)):
                self._made.remove(entry)
                self._made.append(entry)
                return entry[1]
        made = make()
        self._made = self._made[-self.SIZE + 1 :] + [(list(tensors), made)]
        return made
