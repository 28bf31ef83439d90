"""A network as one step of scikit-learn's: what is done to the data before it is tuned along with it, and it is compared with a forest.

    python examples/sklearn_pipeline.py [--quick] [--epochs 40]

569 cells of breast tissue, 30 measures of each: is the tumour malignant? (Scikit-learn carries the data set, of the University of Wisconsin.) The
search draws settings of three steps at once: scaling, principal components and the network. The whole pipeline is then pickled and read back.
"""

import pickle

import numpy as np
from common import options, report
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from cthulhu.layers import Daoloth, Darkness
from cthulhu.models import Pile
from cthulhu.optimizers import Adam
from cthulhu.wrappers.scikit_learn import CthulhuClassifier


def build(units=32, dropout=0.2, rate=0.003):
    """One hidden layer; how many components there are it sees when it gets them."""
    model = Pile(
        [
            Daoloth(units, activation='relu'),
            Darkness(dropout),
            Daoloth(1, activation='sigmoid'),
        ]
    )
    model.conjure(Adam(rate), 'binary_crossentropy', metrics=['accuracy'])
    return model


def main(arguments=None):
    """Search, compare. Returns the accuracy of the best pipeline on cells held out."""
    given = options(__doc__, arguments, epochs=40, quick=10, public=False)
    x, x_test, y, y_test = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)
    steps = [
        ('scale', StandardScaler()),
        ('components', PCA()),
        ('network', CthulhuClassifier(build, epochs=given.epochs, batch_size=32, verbose=0)),
    ]
    settings = {
        'scale': [StandardScaler(), MinMaxScaler()],
        'components__n_components': [5, 10, 20, 30],
        'network__units': [8, 32, 128],
        'network__rate': [0.001, 0.003, 0.01],
    }
    search = RandomizedSearchCV(Pipeline(steps), settings, n_iter=2 if given.quick else 12, cv=3, random_state=0)
    search.fit(x, y)
    print(
        f'The best of {len(search.cv_results_["params"])}, {search.best_score_:.3f} in the search: {search.best_params_}'
    )
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    if not np.array_equal(again.predict(x_test), search.predict(x_test)):
        raise SystemExit('The pipeline that was read back says something else.')
    print(f'A forest of 100 trees: {RandomForestClassifier(random_state=0).fit(x, y).score(x_test, y_test):.3f}')
    return report('accuracy on cells held out', again.score(x_test, y_test), at_least=0.85 if given.quick else 0.94)


if __name__ == '__main__':
    main()
