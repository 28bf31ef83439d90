"""A model as an estimator of scikit-learn: a search for how many units and how much dropout serve best.

    python examples/mnist_sklearn_wrapper.py [--quick] [--data public] [--epochs 10]

`GridSearchCV` tries four settings, each on three parts of the images of digits that it holds out in turn, and trains the best one on all of them.
"""

from common import mnist, options, report
from sklearn.model_selection import GridSearchCV

from cthulhu.layers import Daoloth, Darkness, Flatten
from cthulhu.models import Pile
from cthulhu.wrappers.scikit_learn import CthulhuClassifier


def build(units, dropout):
    """One hidden layer."""
    model = Pile(
        [
            Flatten(input_shape=(28, 28, 1)),
            Daoloth(units, activation='relu'),
            Darkness(dropout),
            Daoloth(10, activation='softmax'),
        ]
    )
    model.conjure('adam', 'sparse_categorical_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Search, train. Returns the accuracy of the best on images held out."""
    given = options(__doc__, arguments, epochs=10, quick=2)
    (x, y), (x_test, y_test) = mnist(given)
    estimator = CthulhuClassifier(build, units=32, dropout=0.0, epochs=given.epochs, batch_size=64, verbose=0)
    search = GridSearchCV(estimator, {'units': [32, 256], 'dropout': [0.0, 0.3]}, cv=3, n_jobs=1)
    search.fit(x, y)
    for settings, score in zip(search.cv_results_['params'], search.cv_results_['mean_test_score']):
        print(f'{settings}: {score:.3f}')
    print('The best:', search.best_params_)
    accuracy = search.score(x_test, y_test)
    return report('accuracy on images held out', accuracy, at_least=0.75 if given.quick else 0.91)


if __name__ == '__main__':
    main()
