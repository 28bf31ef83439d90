"""What holds while models are made of what a file or a configuration says: what they may cost, and that nothing stays of one that is refused."""

import copy

import numpy as np

from cthulhu import backend as K
from cthulhu import registry
from cthulhu.storage import budget, texts, trust
from cthulhu.storage.errors import ModelFileError


def file(make, config, safe_mode, room=None, custom_objects=None):
    """What `make(config)` gives, which turns the description in a file, or a text, into a model; the last three as for `trust.reading`."""

    def whole(config):
        made = make(config)
        K.batch_set_value([(weight, K.eval(initial())) for weight, initial in trust.without_values()])
        return made

    return _made(whole, config, lambda: trust.reading(safe_mode, room, custom_objects), custom_objects)


def configuration(make, config):
    """What `make(config)` gives, which turns a configuration that came as an object into layers.

    Raises:
        UnsafeFileError: if it is nested too deeply, in itself perhaps.
    """
    return _made(make, config, lambda: trust.building(lambda: texts.check_size(config, 'The configuration')))


def _made(make, config, rules, custom_objects=None):
    with rules():
        rehearsal = None if trust.code_allowed() else K.rehearsal()
        if rehearsal is not None:
            seeds = np.random.get_state()
            try:
                with rehearsal, budget.restored():
                    make(copy.deepcopy(config))
            except ModelFileError:
                raise
            except Exception:
                # Objects of the user may know tensors of the graph, which are of no use in another one.
                if not (custom_objects or registry.get_custom_objects()):
                    raise
            finally:
                np.random.set_state(seeds)
        with K.provisional():
            return make(config)
