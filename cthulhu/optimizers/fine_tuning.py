"""What fine-tuning asks of optimizers: learning rates by the names of weights, and steps along the factors of a product in place of the whole."""

import re

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.utils.graph_utils import in_graph
from cthulhu.utils.reprs import short


class RateFactors:
    """The part of an optimizer that knows which weights are trained slower, or faster."""

    _rate_factors = ()

    def set_learning_rate_factors(self, factors):
        """Say by how much the learning rate is multiplied for some weights; to be called before a model is trained. Copies and files do not know of it.

        Arguments:
            factors: dict, regular expression -> number >= 0. The expressions are searched for in the names of variables, as 'bias' is in 'dense_1/bias:0'; the
                first one that is found counts, and a weight without one has the whole rate.

        Raises:
            ValueError: something else is given, or the optimizer is part of a training function already, or makes its updates by itself.

        Example:
            >>> from cthulhu.optimizers import Adam
            >>> optimizer = Adam(1e-3)
            >>> optimizer.set_learning_rate_factors({'^block1': 0.01, '^block2': 0.1})
        """
        owner = type(self).__name__
        is_right = isinstance(factors, dict) and all(isinstance(key, str) for key in factors)
        if not is_right or not all(
            isinstance(x, (int, float)) and not isinstance(x, bool) and x >= 0 for x in factors.values()
        ):
            raise ValueError(
                f"{owner}: `factors` is a dict of numbers from 0 up by regular expressions, such as {{'^block1': 0.1}}; got {short(factors)}."
            )
        if self.makes_own_updates or not hasattr(self, 'learning_rate'):
            raise ValueError(
                f'{owner} makes its updates by itself, and knows no learning rates by the names of weights.'
            )
        if self.updates or self._state is not None:
            raise ValueError(
                f'{owner}: `set_learning_rate_factors` comes before the training; call it on a new optimizer.'
            )
        self._rate_factors = tuple((re.compile(pattern), float(factor)) for pattern, factor in factors.items())

    def learning_rate_factor_of(self, p):
        """The factor of the learning rate for a variable."""
        name = str(getattr(p, 'name', ''))
        return next((factor for pattern, factor in self._rate_factors if pattern.search(name)), 1.0)


def gradients_of(loss, params):
    """`K.gradients`; that by a factor of a product follows from the one by the whole, from which the loss is computed."""
    products = [meta.get_product(p) for p in params]
    if not any(products):
        return K.gradients(loss, params)
    wholes = {id(product.whole): product.whole for product in products if product is not None}
    direct = [p for p, product in zip(params, products) if product is None] + list(wholes.values())
    found = dict(zip(map(id, direct), K.gradients(loss, direct)))
    return [
        found[id(p)] if product is None else _by_factor(p, product, found[id(product.whole)])
        for p, product in zip(params, products)
    ]


@in_graph
def _by_factor(p, product, gradient):
    if gradient is None:
        return None
    gradient = gradient * product.scale
    if p is product.first:
        return K.dot(gradient, K.transpose(product.second))
    return K.dot(K.transpose(product.first), gradient)


@in_graph
def of_products(updates):
    """The updates of what products are added to, for those of their factors: a list."""
    new = {id(update[0]): update[1] for update in updates}
    products = {
        id(product): product for product in (meta.get_product(update[0]) for update in updates) if product is not None
    }
    made = []
    for each in products.values():
        before = K.dot(each.first, each.second)
        after = K.dot(new.get(id(each.first), each.first), new.get(id(each.second), each.second))
        made.append(K.update(each.whole, each.whole + (after - before) * each.scale))
    return made


def set_with_products(params, values):
    """Set variables, and with factors of products what these are added to."""
    new, wholes = dict(zip(map(id, params), values)), []
    products = {id(product): product for product in map(meta.get_product, params) if product is not None}
    for each in products.values():
        whole, first, second = K.batch_get_value([each.whole, each.first, each.second])
        after = new.get(id(each.first), first).dot(new.get(id(each.second), second))
        wholes.append((each.whole, whole + (after - first.dot(second)) * each.scale))
    K.batch_set_value(list(zip(params, values)) + wholes)
