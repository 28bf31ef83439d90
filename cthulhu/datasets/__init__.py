"""Data sets to learn with, downloaded once, checked, and kept in `~/.cthulhu/datasets`; `digits` needs no download."""

from cthulhu.datasets import boston_housing, cifar, cifar10, cifar100, digits, fashion_mnist, imdb, mnist, reuters

__all__ = ['boston_housing', 'cifar', 'cifar10', 'cifar100', 'digits', 'fashion_mnist', 'imdb', 'mnist', 'reuters']
