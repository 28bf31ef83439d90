"""Composed: sums of products in Einstein's notation."""


def terms(equation, ranks):
    """What an equation says of the axes of its operands.

    Arguments:
        equation: text, such as 'abc,cd->abd': a letter for each axis of each operand, and of the result; '...' for the axes that are not named, which
            broadcast. Without '->' the result has the unnamed axes, then the letters that occur once, in the order of the alphabet.
        ranks: the numbers of dimensions of the operands.

    Returns:
        (list of a list of labels for each operand, list of labels of the result): letters, and negative numbers for axes that are not named, counted
        from the last of these.

    Raises:
        ValueError: it is no such text, or does not fit the operands.

    >>> terms('...a,ab->...b', (3, 2))
    ([[-2, -1, 'a'], ['a', 'b']], [-2, -1, 'b'])
    """
    text = equation.replace(' ', '') if isinstance(equation, str) else ''
    left, arrow, right = text.partition('->')
    operands = left.split(',')
    if not text or len(operands) != len(ranks):
        raise ValueError(
            f"einsum: `equation` is a text with letters for the axes of each of the {len(ranks)} operands, such as 'ab,bc->ac'; got {equation!r}."
        )
    labels = [_labels(part, equation, rank) for part, rank in zip(operands, ranks)]
    unnamed = max((label for each in labels for label in each if not isinstance(label, str)), key=abs, default=0)
    if arrow:
        result = _labels(right, equation, None, -unnamed)
    else:
        every = [label for each in labels for label in each]
        once = sorted(label for label in every if isinstance(label, str) and every.count(label) == 1)
        result = list(range(unnamed, 0)) + once
    missing = [label for label in result if not any(label in each for each in labels)]
    if missing:
        raise ValueError(f'einsum: the result of {equation!r} has an axis {missing[0]!r} that no operand has.')
    lost = [n for n in range(unnamed, 0) if n not in result]
    if lost:
        raise ValueError(
            f"einsum: operands of {equation!r} have axes that are not named; its result must have '...', too."
        )
    return labels, result


def _labels(part, equation, rank, unnamed=None):
    before, dots, after = part.partition('...')
    letters = before + after
    if letters and not (letters.isalpha() and letters.isascii() if hasattr(letters, 'isascii') else letters.isalpha()):
        raise ValueError(f'einsum: axes are named by letters; {equation!r} has {part!r}.')
    if len(set(letters)) != len(letters):
        raise ValueError(
            f'einsum: {part!r} in {equation!r} names two axes alike; diagonals are not taken here, each axis has a letter of its own.'
        )
    if rank is not None:
        unnamed = rank - len(letters)
        if unnamed < 0 or unnamed and not dots:
            raise ValueError(f'einsum: {part!r} in {equation!r} stands for an operand with {rank} dimensions.')
    return list(before) + (list(range(-unnamed, 0)) if dots else []) + list(after)


def lengths(labels, operand_shapes):
    """Dict, label -> static length, None where it is not known.

    Raises:
        ValueError: two axes of one label have different lengths.
    """
    found = {}
    for each, shape in zip(labels, operand_shapes):
        for label, size in zip(each, shape):
            found.setdefault(label, set()).add(size)
    for label, sizes in found.items():
        known = sorted(sizes - {None})
        if len(known) > 1 and not isinstance(label, str):
            known = [size for size in known if size != 1]  # which broadcasts
        if len(known) > 1:
            raise ValueError(
                f'einsum: operands of the shapes {", ".join(map(str, operand_shapes))} do not fit: axis {label!r} would have the lengths {known}.'
            )
        found[label] = None if not known or known == [1] and None in sizes else known[0]
    return found


class Einsum:
    """`einsum`, over transposes, reshapes and products of matrices."""

    def einsum(self, equation, *operands):
        """A sum of products, in Einstein's notation: over each letter that the result lacks.

        Arguments:
            equation: text, such as 'abc,cd->abd', as `numpy.einsum` takes it, without diagonals: no letter twice in one operand.
            operands: tensors of one dtype, one or more, joined from left to right.

        Returns:
            Tensor with the axes that stand after '->'.

        Raises:
            ValueError: the equation does not fit the operands.

        >>> K.int_shape(K.einsum('...a,ab->...b', K.placeholder((None, 3, 4)), K.placeholder((4, 5))))
        (None, 3, 5)
        """
        ranks = [self._rank(x) for x in operands]
        labels, result = terms(equation, ranks)
        static = lengths(labels, [self.int_shape(x) for x in operands])
        return self._einsum(labels, result, static, *operands)

    def _einsum(self, labels, result, static, *operands):
        if len(operands) == 1:
            return self._ordered(*self._summed(operands[0], labels[0], result), result)
        x, x_labels = operands[0], labels[0]
        for i, (y, y_labels) in enumerate(zip(operands[1:], labels[1:]), 2):
            needed = set(result).union(*labels[i:])
            x, x_labels = self._product_of_two(x, x_labels, y, y_labels, needed, result)
        return self._ordered(*self._summed(x, x_labels, result), result)

    def _summed(self, x, labels, needed):
        """`x` summed over the axes that nobody needs, and its labels."""
        axes = [axis for axis, label in enumerate(labels) if label not in needed]
        return (self.sum(x, axis=axes) if axes else x), [label for label in labels if label in needed]

    def _ordered(self, x, labels, order):
        pattern = [labels.index(label) for label in order]
        return x if pattern == list(range(len(pattern))) else self.permute_dimensions(x, pattern)

    def _product_of_two(self, x, x_labels, y, y_labels, needed, result):
        x, x_labels = self._summed(x, x_labels, needed.union(y_labels))
        y, y_labels = self._summed(y, y_labels, needed.union(x_labels))
        both = [label for label in x_labels if label in y_labels]
        batch = [label for label in both if label in needed]
        summed = [label for label in both if label not in needed]
        mine = [label for label in x_labels if label not in both]
        yours = [label for label in y_labels if label not in both]
        batch.sort(key=lambda label: result.index(label) if label in result else -1)
        if batch + yours + mine == result:  # so that the result need not be turned
            x, x_labels, mine, y, y_labels, yours = y, y_labels, yours, x, x_labels, mine
        found = batch + mine + yours
        if not summed:
            x = self._ordered(x, x_labels, batch + mine)
            y = self._ordered(y, y_labels, batch + yours)
            return self._spread(x, len(batch + mine), len(yours)) * self._spread(y, len(batch), len(mine)), found
        x = self._ordered(x, x_labels, batch + mine + summed)
        y = self._ordered(y, y_labels, batch + summed + yours)
        x_dims, y_dims, n = self._dims(x), self._dims(y), len(batch)
        many = x_dims[n : n + len(mine)] + y_dims[n + len(summed) :]
        x = self._as_matrices(x, n, len(mine), len(summed)) if batch or len(summed) > 1 else x
        y = self._as_matrices(y, n, len(summed), len(yours))
        z = self.matmul(x, y) if batch else self.dot(x, y)
        if not batch and len(summed) == 1 and len(yours) == 1 or len(mine) == len(yours) == 1:
            return z, found
        return self.reshape(z, self._one_open(self._dims(z)[:n] + many)), found

    def _spread(self, x, at, count):
        """`x` with so many axes of length 1 from the axis `at` on."""
        for _ in range(count):
            x = self.expand_dims(x, at)
        return x

    def _as_matrices(self, x, n, first, second):
        """`x`, after its first `n` axes, as matrices: the next `first` axes in one, and the `second` after them."""
        if first == second == 1:
            return x
        dims = self._dims(x)
        rows, columns = self._product(dims[n : n + first]), self._product(dims[n + first :])
        return self.reshape(x, self._one_open(dims[:n] + [rows, columns]))

    def _one_open(self, dims):
        """Dimensions, of which one that only the run tells is left to be inferred."""
        unknown = [i for i, size in enumerate(dims) if not self._is_known(size)]
        return [-1 if i in unknown else size for i, size in enumerate(dims)] if len(unknown) == 1 else dims
