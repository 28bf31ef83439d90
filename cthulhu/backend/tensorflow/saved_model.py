"""SavedModel: a function of the library's graph, copied with its variables into a graph that holds nothing else."""

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from cthulhu.backend.tensorflow.graph import ancestors

v1 = tf.compat.v1

_PYTHON = 'PyFunc', 'PyFuncStateless', 'EagerPyFunc'


class SavedModels:
    """What the backend writes for TensorFlow's own tools."""

    def write_saved_model(self, path, inputs, call):
        entries = {name: self.placeholder(self.int_shape(x), dtype=self.dtype(x)) for name, x in inputs.items()}
        # The phase is a plain 0 meanwhile, so that nothing is made that only training needs.
        phase, self._phase = self._phase, 0
        try:
            made = call(list(entries.values()))
        finally:
            self._phase = phase
        outputs = {name: tf.identity(x) for name, x in made.items()}
        write(self._graph, self.batch_get_value, entries, outputs, path)


def write(graph, values_of, inputs, outputs, path):
    """Write the function from `inputs` to `outputs` (dicts, name -> tensor) to the folder `path`, which is not there yet."""
    needed = ancestors(outputs.values())
    _check(needed, {x.op for x in inputs.values()})
    handles = {x.handle.op: x for x in graph.get_collection(v1.GraphKeys.GLOBAL_VARIABLES) if hasattr(x, 'handle')}
    variables = [handles[op] for op in needed if op in handles]
    values = values_of(variables)
    definition = _definition(graph, needed)
    with tf.Graph().as_default() as alone:
        # Zeros at first: values as constants of the graph would fill it (limit: 2 GB).
        copies = [_copy(x) for x in variables]
        entries = {
            name: v1.placeholder(x.dtype, x.shape, name=f'input_{i}') for i, (name, x) in enumerate(inputs.items())
        }
        replaced = {x.handle.name: copy.handle for x, copy in zip(variables, copies)}
        replaced.update({inputs[name].name: entry for name, entry in entries.items()})
        replaced.update({op.name + ':0': tf.constant(False) for op in needed if _is_learning_phase(op)})
        wanted = [x.name for x in outputs.values()]
        replaced = {name: x for name, x in replaced.items() if graph.get_tensor_by_name(name).op in needed}
        results = tf.import_graph_def(definition, input_map=replaced, return_elements=wanted, name='model')
        results = [tf.identity(x, name=f'output_{i}') for i, x in enumerate(results)]
        # The messages by hand: the functions that make them warn that they are old.
        signature = meta_graph_pb2.SignatureDef(
            inputs={name: _description(x) for name, x in entries.items()},
            outputs={name: _description(x) for name, x in zip(outputs, results)},
            method_name='tensorflow/serving/predict',
        )
        with v1.Session(graph=alone, config=v1.ConfigProto(device_count={'GPU': 0})) as writer:
            for copy, value in zip(copies, values):
                writer.run(copy.initializer, {copy.initializer.inputs[1]: value})
            builder = v1.saved_model.Builder(path)
            builder.add_meta_graph_and_variables(
                writer, ['serve'], signature_def_map={'serving_default': signature}, strip_default_attrs=True
            )
            builder.save()


def _description(x):
    shape, dtype = x.shape.as_proto(), x.dtype.as_datatype_enum
    return meta_graph_pb2.TensorInfo(name=x.name, dtype=dtype, tensor_shape=shape)


def _copy(variable):
    shape, dtype = variable.shape, variable.dtype.base_dtype
    return v1.Variable(lambda: tf.zeros(shape, dtype), name=variable.op.name, use_resource=True)


def _is_learning_phase(op):
    return op.type == 'PlaceholderWithDefault' and op.name.rpartition('/')[2].startswith('cthulhu_learning_phase')


def _definition(graph, needed):
    definition = v1.GraphDef()
    whole = graph.as_graph_def()
    names = {op.name for op in needed}
    definition.node.extend(node for node in whole.node if node.name in names)
    definition.library.CopyFrom(whole.library)
    definition.versions.CopyFrom(whole.versions)
    return definition


def _check(needed, entries):
    for op in needed:
        if op.type == 'Placeholder' and op not in entries:
            raise ValueError(
                f'The outputs of the model depend on the placeholder {op.name!r}, which is none of its inputs. Make it one: '
                'Input(tensor=...).'
            )
        if op.type in _PYTHON:
            raise ValueError(
                f'The model runs Python code (operation {op.name!r}), which a SavedModel cannot hold. Compute that with operations '
                'of TensorFlow or of cthulhu.backend.'
            )
        if op.type in ('Variable', 'VariableV2'):
            raise ValueError(
                f'The model uses the reference variable {op.name!r}. Make it with K.variable(...), or with use_resource=True.'
            )
