"""TensorFlow's datasets and their iterators, as batches of arrays."""

import tensorflow as tf

from cthulhu.backend.tensorflow.graph import entered

v1 = tf.compat.v1


class Datasets:
    """What the engine asks of the framework's own data."""

    def is_native_dataset(self, x):
        return isinstance(x, (v1.data.Dataset, tf.data.Dataset, tf.data.Iterator, v1.data.Iterator))

    def dataset_batches(self, dataset):
        if isinstance(dataset, v1.data.Iterator):
            return self._batches_of_graph_iterator(dataset)
        if isinstance(dataset, tf.data.Iterator):
            return _arrays(dataset)
        if not hasattr(dataset._variant_tensor, 'numpy'):  # made in a graph
            with entered(dataset._graph):  # the dataset's operations live there, so its iterator must
                return self._batches_of_graph_iterator(v1.data.make_one_shot_iterator(dataset))
        with tf.init_scope():  # eagerly, whatever the caller is building
            return _arrays(iter(dataset))

    def _batches_of_graph_iterator(self, iterator):
        """Batches from an iterator of a graph: TensorFlow 1's, which needs a session."""
        graph = iterator._iterator_resource.graph
        with entered(graph):
            tensors = iterator.get_next()
        session = self.get_session() if graph is self._graph else v1.Session(graph=graph)

        def batches():
            while True:
                try:
                    yield session.run(tensors)
                except tf.errors.OutOfRangeError:
                    return

        return batches()


def _arrays(iterator):
    for item in iterator:
        yield tf.nest.map_structure(lambda t: t.numpy(), item)
