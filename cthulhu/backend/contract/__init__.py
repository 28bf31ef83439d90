"""What a tensor framework must provide: the abstract primitives, in five groups.

`cthulhu.backend.base.Backend` joins them with the functions that `composed` builds from them. A framework's backend subclasses
it and implements every primitive; it may also override a composed method with a faster kernel of its own.

Words used in the docstrings:

- *tensor*: what the framework computes with: a placeholder, a variable, a constant, or the result of an operation.
  Operations also take NumPy arrays and, where it says "number", Python numbers, which take the other operand's dtype.
- *dimension*: an int, or a scalar int32 tensor (such as `shape(x)[0]`) where it is known only at run time.
- *shape argument*: a tuple or list of dimensions, or one 1-D int32 tensor.
- Tensors support `+ - * / ** @`, unary minus, comparison by the methods below, and `x[...]` with int, `None`, `...`
  and slices with positive steps. Operands of different dtypes are an error on some frameworks: cast first.
"""
