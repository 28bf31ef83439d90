"""Keras's path for training with generators: functions of a model, where the model has methods."""

__all__ = ['evaluate_generator', 'fit_generator', 'predict_generator']


def fit_generator(model, generator, *args, **kwargs):
    """`model.fit_generator(generator, ...)`."""
    return model.fit_generator(generator, *args, **kwargs)


def evaluate_generator(model, generator, *args, **kwargs):
    """`model.evaluate_generator(generator, ...)`."""
    return model.evaluate_generator(generator, *args, **kwargs)


def predict_generator(model, generator, *args, **kwargs):
    """`model.predict_generator(generator, ...)`."""
    return model.predict_generator(generator, *args, **kwargs)
