"""The table of arguments: what each may be. The checks of `arguments.checked` read it, and so does the test that tries them all.

An argument of one name mostly has one meaning, wherever it is taken: `KINDS`. Where a class or function means something else by it, `OWN` says so,
with None where it is no number there.
"""

from cthulhu.utils.kinds import (
    Epochs,
    File,
    Flag,
    LearningRate,
    Lengths,
    Number,
    Numbers,
    Rate,
    Several,
    Shape,
    Sizes,
    Text,
    Whole,
    hinted,
)

_COUNT = Whole(1, example=32)
_FROM_ZERO = Whole(0, example=1)
_SHARE = Number(0, 1, example=0.5)
_KEPT = Number(0, below=1, example=0.9)
_NOT_NEGATIVE = Number(0, example=0.01)
_POSITIVE = Number(above=0, example=1.0)
_ANY = Number(example=0.5)
_FLAG = Flag()
_STEPS = Whole(1, optional=True, up=True, example=100)

#: The older name of an argument -> its name.
OLDER_NAMES = {'lr': 'learning_rate', 'nb_words': 'num_words'}

#: What every layer takes beside its own settings.
OF_EVERY_LAYER = (
    'input_shape', 'batch_input_shape', 'batch_size', 'dtype', 'name', 'trainable', 'weights', 'input_dtype',
)  # fmt: skip

KINDS = {
    # every layer
    'name': Text(),
    'trainable': Flag(),
    'input_shape': Shape(optional=True),
    'batch_input_shape': Shape(example=(None, 32), optional=True),
    'batch_shape': Shape(example=(None, 32), optional=True),
    'shape': Shape(optional=True),
    'batch_size': Whole(1, example=32, optional=True),
    'input_dim': Whole(1, example=32, optional=True),
    'input_length': Whole(1, example=10, optional=True),
    # sizes
    'units': _COUNT,
    'filters': _COUNT,
    'output_dim': _COUNT,
    'n': _COUNT,
    'nb_feature': _COUNT,
    'kernel_size': Sizes(1),
    'strides': Sizes(1, example=1),
    'dilation_rate': Sizes(1, example=1),
    'pool_size': Sizes(1, example=2),
    'size': Sizes(1, example=2),
    'cropping': Sizes(0, pairs=True, example=1),
    'output_padding': Sizes(0, example=1, optional=True),
    'depth_multiplier': Whole(1),
    'target_shape': Shape(rest=True, open_sizes=False, example=(3, -1)),
    'dims': Shape(open_sizes=False, scalar=False, example=(2, 1)),
    # axes
    'axis': Whole(example=-1),
    'concat_axis': Whole(example=-1),
    'dot_axes': Sizes(spatial=False, axes=2, example=(2, 1)),
    'shared_axes': Sizes(spatial=False, example=(1, 2), optional=True),
    # parts and factors
    'rate': _SHARE,
    'dropout': _ANY,  # of a recurrent layer: what is below 0 counts as 0, what is above 1 as 1, as in Keras
    'recurrent_dropout': _ANY,
    'momentum': Number(0, 1, example=0.9),
    'epsilon': Number(0, example=1e-7, optional=True),
    'stddev': _NOT_NEGATIVE,
    'mean': _ANY,
    'minval': _ANY,
    'maxval': _ANY,
    'gain': _ANY,
    'value': _ANY,
    'alpha': _ANY,
    'theta': _ANY,
    'negative_slope': _NOT_NEGATIVE,
    'threshold': _ANY,
    'max_value': Number(0, example=2.0, infinite=True),
    'min_value': _NOT_NEGATIVE,
    'mask_value': _ANY,
    'l': _NOT_NEGATIVE,
    'l1': _NOT_NEGATIVE,
    'l2': _NOT_NEGATIVE,
    'scale': _FLAG,
    'seed': Whole(0, 2**32 - 1, example=7, optional=True),
    'num_heads': Whole(1, example=8),
    'key_dim': Whole(1, example=64),
    'value_dim': Whole(1, example=64, optional=True),
    'head_dim': Whole(1, example=64),
    'num_query_heads': Whole(1, example=8),
    'num_key_value_heads': Whole(1, example=2),
    'attention_axes': Sizes(spatial=False, example=1, optional=True),
    'sliding_window': Whole(1, example=128, optional=True),
    # switches
    'use_scale': _FLAG,
    'use_gate': _FLAG,
    'causal': _FLAG,
    'use_bias': _FLAG,
    'unit_forget_bias': _FLAG,
    'return_sequences': _FLAG,
    'return_state': _FLAG,
    'go_backwards': _FLAG,
    'stateful': _FLAG,
    'unroll': _FLAG,
    'reset_after': _FLAG,
    'mask_zero': _FLAG,
    'center': _FLAG,
    'normalize': _FLAG,
    'bias': _FLAG,
    'reverse_state_order': _FLAG,
    'implementation': Whole(0, 2, example=2),
    'sparse': _FLAG,
    # optimizers
    'learning_rate': LearningRate(),
    'lr': LearningRate(),
    'decay': _NOT_NEGATIVE,
    'rho': _SHARE,
    'beta_1': _KEPT,
    'beta_2': Number(0, below=1, example=0.999),
    'schedule_decay': _NOT_NEGATIVE,
    'nesterov': _FLAG,
    'amsgrad': _FLAG,
    'clipnorm': Number(0, example=1.0, optional=True),
    'clipvalue': Number(0, example=0.5, optional=True),
    # losses and metrics
    'from_logits': _FLAG,
    'label_smoothing': Number(0, 1, example=0.1),
    'delta': _POSITIVE,
    'k': Whole(1, example=5),
    'top_k': Whole(1, example=5, optional=True),
    'class_id': Whole(0, optional=True),
    'num_classes': Whole(1, example=10),
    'num_thresholds': Whole(2, example=200),
    'thresholds': Several(Number(0, 1), 'thresholds', single=True, optional=True),
    'specificity': _SHARE,
    'sensitivity': _SHARE,
    # callbacks
    'patience': Whole(0, example=3),
    'cooldown': _FROM_ZERO,
    'min_delta': _ANY,
    'baseline': Number(example=0.5, optional=True, infinite=True),
    'factor': Number(0, below=1, example=0.1),
    'min_lr': _NOT_NEGATIVE,
    'restore_best_weights': _FLAG,
    'save_best_only': _FLAG,
    'save_weights_only': _FLAG,
    'period': Whole(1),
    'delete_checkpoint': _FLAG,
    'append': _FLAG,
    'send_as_json': _FLAG,
    'histogram_freq': _FROM_ZERO,
    'embeddings_freq': _FROM_ZERO,
    'write_graph': _FLAG,
    'write_grads': _FLAG,
    'write_images': _FLAG,
    'queue_length': Whole(1, example=10),
    'initial_learning_rate': _NOT_NEGATIVE,
    'end_learning_rate': _NOT_NEGATIVE,
    'warmup_target': Number(0, example=0.1, optional=True),
    'decay_steps': Number(above=0, example=1000),
    'first_decay_steps': Number(above=0, example=1000),
    'warmup_steps': Number(0, example=100),
    'decay_rate': Number(above=0, example=0.96),
    'every': Number(above=0, example=10),
    'staircase': _FLAG,
    'power': _POSITIVE,
    't_mul': Number(1, example=2.0),
    'm_mul': _POSITIVE,
    'boundaries': Several(_FROM_ZERO, 'steps', example=[1000, 2000]),
    'values': Several(_NOT_NEGATIVE, 'rates', example=[0.1, 0.01, 0.001]),
    # training
    'epochs': Whole(0, example=10),
    'initial_epoch': Whole(0, example=0),
    'verbose': Whole(0, flags=True, words=('auto',)),
    'validation_split': Number(0, below=1, example=0.2, optional=True),
    'steps': _STEPS,
    'steps_per_epoch': _STEPS,
    'validation_steps': _STEPS,
    'validation_freq': Epochs(),
    'max_queue_size': Whole(1, example=10),
    'workers': _FROM_ZERO,
    'use_multiprocessing': _FLAG,
    'return_dict': _FLAG,
    'reset_metrics': _FLAG,
    'shuffle': Flag(further=('batch',)),
    # preprocessing
    'length': Whole(1, example=10),
    'sampling_rate': Whole(1),
    'stride': Whole(1),
    'start_index': Whole(0, example=0),
    'end_index': Whole(0, example=99, optional=True),
    'reverse': _FLAG,
    'maxlen': Whole(0, example=100, optional=True),
    'sampling_factor': Number(above=0, example=1e-05),
    'vocabulary_size': Whole(2, example=5000),
    'window_size': Whole(0, example=4),
    'negative_samples': Number(0, example=1.0),
    'categorical': _FLAG,
    'lower': _FLAG,
    'char_level': _FLAG,
    'document_count': _FROM_ZERO,
    'num_words': Whole(1, example=10000, optional=True),
    'nb_words': Whole(1, example=10000, optional=True),
    'grayscale': _FLAG,
    'follow_links': _FLAG,
    'validate_filenames': _FLAG,
    'featurewise_center': _FLAG,
    'samplewise_center': _FLAG,
    'featurewise_std_normalization': _FLAG,
    'samplewise_std_normalization': _FLAG,
    'zca_whitening': _FLAG,
    'horizontal_flip': _FLAG,
    'vertical_flip': _FLAG,
    'zca_epsilon': Number(0, example=1e-06),
    'rotation_range': Number(example=20),
    'width_shift_range': Numbers(example=0.1),
    'height_shift_range': Numbers(example=0.1),
    'shear_range': Number(example=10),
    'channel_shift_range': Number(example=0.1),
    'rescale': Number(example=1 / 255, optional=True),
    'zoom_range': Several(_POSITIVE, 'factors', count=2, example=(0.8, 1.2)),
    'brightness_range': Several(_NOT_NEGATIVE, 'factors', count=2, example=(0.8, 1.2)),
    'brightness': _NOT_NEGATIVE,
    'target_size': Several(_COUNT, 'sizes', count=2, example=(256, 256), optional=True),
    'cval': Number(example=0.0),
    'interpolation_order': Whole(0, 5),
    'rg': Number(example=20),
    'wrg': Number(example=0.1),
    'hrg': Number(example=0.1),
    'intensity': Number(example=0.1),
    'intensity_range': Number(example=0.1),
    'row_axis': Whole(example=1),
    'col_axis': Whole(example=2),
    'channel_axis': Whole(example=0),
    'tx': Number(example=2),
    'ty': Number(example=2),
    'shear': Number(example=10),
    'zx': _POSITIVE,
    'zy': _POSITIVE,
    # data that are loaded
    'skip_top': _FROM_ZERO,
    'test_split': Number(0, below=1, example=0.2),
    'start_char': Whole(0, optional=True),
    'oov_char': Whole(0, example=2, optional=True),
    'index_from': Whole(0, example=3, optional=True),
    # networks
    'include_top': _FLAG,
    'classes': Whole(1, example=1000),
    'top': Whole(1, example=5),
    # files and models
    'compile': _FLAG,
    'include_optimizer': _FLAG,
    'overwrite': _FLAG,
    'safe_mode': Flag(optional=True),  # None is safe, too
    'by_name': _FLAG,
    'skip_mismatch': _FLAG,
    'reshape': _FLAG,
    'opset': Whole(1, example=17),
    'untar': _FLAG,
    'extract': _FLAG,
    'chunk_size': Whole(1, example=65535),
    # pictures of models, bars and the rest
    'width': Whole(1, example=30),
    'interval': Number(0, example=0.05, infinite=True),
    'target': Number(0, example=100, optional=True, infinite=True),
    'show_shapes': _FLAG,
    'show_layer_names': _FLAG,
    'expand_nested': _FLAG,
    'subgraph': _FLAG,
    'dpi': _POSITIVE,
    'line_length': Whole(32, example=98, optional=True),
    'cpu_merge': _FLAG,
    'cpu_relocation': _FLAG,
    'wait_time': Number(0, example=0.05, optional=True),
    'random_seed': Whole(0, 2**32 - 1, example=7, optional=True),
    'start': Whole(0, example=0),
    'end': Whole(0, example=100, optional=True),
}

OWN = {
    # layers
    ('TheHydra', 'input_dim'): _COUNT,
    ('TheHydra', 'input_length'): Lengths(optional=True),
    ('AlphaDarkness', 'rate'): Number(0, below=1, example=0.1),
    ('GaussianDarkness', 'rate'): Number(0, below=1, example=0.1),
    ('_Pooling', 'strides'): Sizes(1, example=2, optional=True),
    ('_Xexanoth', 'padding'): Sizes(0, pairs=True, example=1),
    ('Xexanoth1D', 'padding'): Sizes(0, pairs=True, example=1),
    ('Darkness', 'noise_shape'): Shape(example=(None, 1, 64), optional=True),
    ('AlphaDarkness', 'noise_shape'): Shape(example=(None, 1, 64), optional=True),
    ('ScaledAdd', 'scale'): Number(example=0.1),
    ('ReLU', 'max_value'): Number(0, example=6.0, optional=True, infinite=True),
    ('Dot', 'axes'): Sizes(spatial=False, axes=2, example=(2, 1)),
    ('BlacknessFromTheStars', 'epsilon'): Number(0, example=1e-3),
    ('dot', 'axes'): Sizes(spatial=False, axes=2, example=(2, 1)),
    ('relu', 'max_value'): Number(0, example=6.0, optional=True, infinite=True),
    ('LayerNormalization', 'axis'): Sizes(spatial=False, example=-1),
    ('LayerNormalization', 'epsilon'): Number(0, example=1e-3),
    ('LayerNormalization', 'rms_scaling'): _FLAG,
    ('RMSNormalization', 'axis'): Sizes(spatial=False, example=-1),
    ('RMSNormalization', 'epsilon'): Number(0, example=1e-6),
    ('UnitNormalization', 'axis'): Sizes(spatial=False, example=-1),
    ('GroupNormalization', 'groups'): Whole(-1, example=32),
    ('GroupNormalization', 'epsilon'): Number(0, example=1e-3),
    ('EinsumDense', 'output_shape'): Lengths(example=(None, 64)),
    ('Attention', 'dropout'): _SHARE,
    ('AdditiveAttention', 'dropout'): _SHARE,
    ('MultiHeadAttention', 'dropout'): _SHARE,
    ('GroupQueryAttention', 'dropout'): _SHARE,
    ('MultiHeadAttention', 'output_shape'): Lengths(optional=True),
    # networks
    ('MobileNet', 'alpha'): _POSITIVE,
    ('MobileNetV2', 'alpha'): _POSITIVE,
    ('MobileNet', 'dropout'): _SHARE,
    # parts of layers
    ('Constant', 'value'): Numbers(),
    ('VarianceScaling', 'scale'): _POSITIVE,
    ('MaxNorm', 'axis'): Sizes(spatial=False, example=0),
    ('MinMaxNorm', 'axis'): Sizes(spatial=False, example=0),
    ('UnitNorm', 'axis'): Sizes(spatial=False, example=0),
    # preprocessing and arrays
    ('pad_sequences', 'value'): None,  # whatever the sequences hold
    ('text_to_word_sequence', 'filters'): None,  # characters
    ('one_hot', 'filters'): None,
    ('hashing_trick', 'filters'): None,
    ('Tokenizer', 'filters'): None,
    ('hashing_trick', 'n'): Whole(2, example=1000),
    ('one_hot', 'n'): Whole(2, example=1000),
    ('make_sampling_table', 'size'): Whole(0, example=5000),
    ('TimeseriesGenerator', 'batch_size'): Whole(1, example=128),
    ('Iterator', 'n'): Whole(0, example=1000),
    ('Iterator', 'batch_size'): Whole(1, example=32),
    ('PictureProcessor', 'zoom_range'): Several(_NOT_NEGATIVE, 'factors', count=2, single=True, example=0.2),
    ('PictureProcessor', 'brightness_range'): Several(
        _NOT_NEGATIVE, 'factors', count=2, example=(0.8, 1.2), optional=True
    ),
    ('DirectoryIterator', 'classes'): None,  # names
    ('DirectoryIterator', 'target_size'): Several(_COUNT, 'sizes', count=2, example=(256, 256)),
    ('DataFrameIterator', 'target_size'): Several(_COUNT, 'sizes', count=2, example=(256, 256)),
    ('DataFrameIterator', 'classes'): None,
    ('array_to_img', 'scale'): _FLAG,
    ('apply_affine_transform', 'order'): Whole(0, 5),
    ('normalize', 'order'): Number(example=2, infinite=True),
    ('to_categorical', 'num_classes'): Whole(0, example=10, optional=True),
    ('plot_model', 'to_file'): File('model.png'),
    ('TensorBoard', 'log_dir'): File('logs'),
    ('CSVLogger', 'filename'): File('log.csv'),
    ('LumpCheckpoint', 'filepath'): File('best.h5'),
    ('BackupAndRestore', 'backup_dir'): File('backup'),
    ('load_data', 'path'): File('mnist.npz'),
    ('get_word_index', 'path'): File('imdb_word_index.json'),
    ('set_random_seed', 'seed'): Whole(0, 2**32 - 1, example=7),
    # what comes by position where an argument of another meaning stands
    ('predict', 'batch_size'): hinted(
        Whole(1, example=32, optional=True),
        lambda value: (
            '`predict` takes no targets: write predict(x). What compares with targets is evaluate(x, y).'
            if hasattr(value, '__len__') and not isinstance(value, str)
            else None
        ),
    ),
    ('Pile', 'name'): hinted(
        Text(),
        lambda value: (
            'The layers go into one list: Pile([first, second]).' if hasattr(value, 'inbound_nodes') else None
        ),
    ),
    ('Daoloth', 'use_bias'): hinted(
        _FLAG,
        lambda value: (
            f'What follows `units` is given by name: Daoloth(8, activation={value!r}, input_shape=(20,)); `use_bias=False` leaves the bias out.'
            if isinstance(value, str) and value.lower() not in ('true', 'false')
            else None
        ),
    ),
    # methods of models
    ('summon', 'verbose'): Whole(0, flags=True, words=('auto', 'curves')),
    ('summon_generator', 'verbose'): Whole(0, flags=True, words=('auto', 'curves')),
    ('summon_generator', 'steps_per_epoch'): hinted(
        _STEPS,
        lambda value: (
            'Arrays go to `summon(x, y)`; a generator gives batches of both.' if hasattr(value, 'shape') else None
        ),
    ),
    # metrics
    ('SensitivityAtSpecificity', 'num_thresholds'): Whole(1, example=200),
    ('SpecificityAtSensitivity', 'num_thresholds'): Whole(1, example=200),
    ('SensitivitySpecificityBase', 'num_thresholds'): Whole(1, example=200),
    ('SensitivitySpecificityBase', 'value'): _SHARE,
    # callbacks
    ('StepDecay', 'factor'): Number(above=0, example=0.1),
    ('OneCycle', 'maximum'): _POSITIVE,
    ('OneCycle', 'steps'): Number(above=0, example=1000),
    ('OneCycle', 'warmup'): Number(0, below=1, example=0.3),
    ('OneCycle', 'start_factor'): Number(above=0, example=25.0),
    ('OneCycle', 'end_factor'): Number(above=0, example=10000.0),
    ('WarmUp', 'then'): Rate(),
    ('WarmUp', 'steps'): Number(above=0, example=100),
    ('WarmUp', 'start'): _NOT_NEGATIVE,
    ('LearningRateFinder', 'start'): Number(above=0, example=1e-7),
    ('LearningRateFinder', 'end'): Number(above=0, example=10.0),
    ('LearningRateFinder', 'steps'): Whole(2, example=100),
    ('LearningRateFinder', 'smoothing'): Number(0, below=1, example=0.9),
    ('LearningRateFinder', 'stop_factor'): Number(above=1, example=4.0),
}


def kind_of(owner, argument):
    """What an argument of a class or function may be; None where the table does not say.

    Arguments:
        owner: name of the class whose constructor it is, or of the function.
        argument: its name.
    """
    return OWN[owner, argument] if (owner, argument) in OWN else KINDS.get(argument)
