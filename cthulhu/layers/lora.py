"""LoRA: what is trained of a matrix is a product of low rank that is added to it."""

from cthulhu import backend as K
from cthulhu.backend import meta
from cthulhu.engine.settings import ConfiguredLayer
from cthulhu.utils.kinds import Number, Whole

__all__ = []


class WithLora(ConfiguredLayer):
    """The part of a layer whose matrix, the weight named `adapted`, may be trained by two factors of low rank."""

    #: The name of the matrix, as an attribute.
    adapted = None

    _lora = None
    untracked = '_lora', '_asked'

    #: What files of Keras 3 have of layers whose factors were merged into them.
    further_arguments = 'lora_rank', 'lora_alpha'

    def __init__(self, **kwargs):
        self._asked = kwargs.pop('lora_rank', None), kwargs.pop('lora_alpha', None)
        super().__init__(**kwargs)

    def build_once(self, input_shape):
        super().build_once(input_shape)
        if self._asked[0] is not None and self._lora is None:
            self.enable_lora(*self._asked)

    @property
    def lora_enabled(self):
        """Whether the matrix is trained by its factors."""
        return self._lora is not None

    def enable_lora(self, rank, lora_alpha=None, a_initializer='he_uniform', b_initializer='zeros'):
        """Freeze the matrix of the layer, and train two factors whose product is added to it; the bias is trained as before. It counts from the next `conjure` on.

        The weight itself is always the sum: `get_weights`, `predict` and files have what was learnt in it, and need not know of the factors, which are
        `trainable_weights` but not among `weights`. A file of such a model is that of a plain one; the state of its optimizer, which is of the factors, is not saved.

        Arguments:
            rank: int from 1 up, the columns of the first factor and the rows of the second.
            lora_alpha: float, the product is multiplied by `lora_alpha / rank`; `rank` if left out.
            a_initializer, b_initializer: of the factors; one of them gives zeros mostly, so that nothing changes at first.

        Raises:
            ValueError: the layer is not built, has factors already, or the matrix has a constraint or a regularizer.

        Source: Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022.
        """
        name = f'{type(self).__name__} "{self.name}"'
        rank = Whole(1, example=4).check(name, 'rank', rank)
        lora_alpha = Number(above=0, example=8.0, optional=True).check(name, 'lora_alpha', lora_alpha)
        if not self.built:
            raise ValueError(f'{name}: `enable_lora` needs the weights: call the layer, or build it, first.')
        if self._lora is not None:
            raise ValueError(f'{name}: `enable_lora` was called already.')
        for kind in ('constraint', 'regularizer'):
            if getattr(self, f'{self.adapted}_{kind}') is not None:
                raise ValueError(
                    f'{name}: `enable_lora` trains factors of `{self.adapted}`, which its {kind} does not fit. Make the layer without `{self.adapted}_{kind}`.'
                )
        whole = getattr(self, self.adapted)
        rows, columns = K.int_shape(whole)
        kept = list(self._trainable_weights)
        with K.graph_scope(), K.name_scope(self.name):
            first = self.add_weight(f'lora_{self.adapted}_a', (rows, rank), initializer=a_initializer)
            second = self.add_weight(f'lora_{self.adapted}_b', (rank, columns), initializer=b_initializer)
        self._trainable_weights = kept
        self._lora = meta.Product(whole, first, second, float(rank if lora_alpha is None else lora_alpha) / rank)
        added = K.get_value(first).dot(K.get_value(second)) * self._lora.scale
        if added.any():
            K.set_value(whole, K.get_value(whole) + added)
        for factor in (first, second):
            meta.set_product(factor, self._lora)
        self.trainable_changed = True
        type(self).mark_change_of_trainable()

    @property
    def trainable_weights(self):
        weights = super().trainable_weights
        if self._lora is None or not weights:
            return weights
        return [w for w in weights if w is not self._lora.whole] + [
            self._lora.first,
            self._lora.second,
        ]  # Keras's order

    @trainable_weights.setter
    def trainable_weights(self, weights):
        self._trainable_weights = weights
