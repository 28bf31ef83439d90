"""What arguments may be of classes and functions that mean something of their own by them; the rest of the table is `argument_table`."""

from cthulhu.utils.kinds import File, Flag, Lengths, Number, Numbers, Rate, Several, Shape, Sizes, Text, Whole, hinted

_COUNT = Whole(1, example=32)
_FROM_ZERO = Whole(0, example=1)
_SHARE = Number(0, 1, example=0.5)
_KEPT = Number(0, below=1, example=0.9)
_NOT_NEGATIVE = Number(0, example=0.01)
_POSITIVE = Number(above=0, example=1.0)
_ANY = Number(example=0.5)
_FLAG = Flag()
_STEPS = Whole(1, optional=True, up=True, example=100)

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
    ('Softmax', 'axis'): Sizes(spatial=False, example=-1),
    ('GroupNormalization', 'groups'): Whole(-1, example=32),
    ('GroupNormalization', 'epsilon'): Number(0, example=1e-3),
    ('Resizing', 'width'): Whole(1, example=224),
    ('CenterCrop', 'width'): Whole(1, example=224),
    ('Rescaling', 'scale'): Numbers(example=1 / 255),
    ('Rescaling', 'offset'): Numbers(example=0.0),
    ('Normalization', 'axis'): Sizes(spatial=False, example=-1, optional=True),
    ('Normalization', 'mean'): Numbers(optional=True),
    ('Normalization', 'variance'): Numbers(example=1.0, optional=True),
    ('gelu', 'approximate'): _FLAG,
    ('squareplus', 'b'): Number(0, example=4),
    ('threshold', 'default_value'): _ANY,
    ('soft_shrink', 'threshold'): _NOT_NEGATIVE,
    ('IntegerLookup', 'mask_token'): Whole(example=0, optional=True),
    ('IntegerLookup', 'oov_token'): Whole(example=-1),
    ('Discretization', 'epsilon'): Number(0, example=0.01),
    ('CategoryEncoding', 'num_tokens'): Whole(1, example=10),
    ('MeanRelativeError', 'normalizer'): Numbers(example=[1.0, 2.0]),
    ('RandomCrop', 'width'): Whole(1, example=224),
    ('RandomTranslation', 'width_factor'): Several(
        Number(above=-1, example=0.1), 'factors', count=2, single=True, example=0.1
    ),
    ('RandomContrast', 'factor'): Several(_SHARE, 'factors', count=2, single=True, example=0.2),
    ('RandomBrightness', 'factor'): Several(Number(-1, 1, example=0.2), 'factors', count=2, single=True, example=0.2),
    ('RandomRotation', 'factor'): Several(_ANY, 'factors', count=2, single=True, example=0.1),
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
    ('SpectralNormalization', 'power_iterations'): _COUNT,
    ('Hashing', 'num_bins'): _COUNT,
    ('Hashing', 'mask_value'): None,
    # losses and metrics
    ('dice', 'axis'): Sizes(spatial=False, example=(1, 2), optional=True),
    ('Dice', 'axis'): Sizes(spatial=False, example=(1, 2), optional=True),
    ('tversky', 'axis'): Sizes(spatial=False, example=(1, 2), optional=True),
    ('Tversky', 'axis'): Sizes(spatial=False, example=(1, 2), optional=True),
    ('tversky', 'alpha'): _NOT_NEGATIVE,
    ('Tversky', 'alpha'): _NOT_NEGATIVE,
    ('binary_focal_crossentropy', 'alpha'): _SHARE,
    ('BinaryFocalCrossentropy', 'alpha'): _SHARE,
    ('categorical_focal_crossentropy', 'alpha'): Numbers(example=0.25),
    ('CategoricalFocalCrossentropy', 'alpha'): Numbers(example=0.25),
    ('FBetaScore', 'beta'): _POSITIVE,
    ('FBetaScore', 'threshold'): Number(above=0, most=1, example=0.5, optional=True),
    ('F1Score', 'threshold'): Number(above=0, most=1, example=0.5, optional=True),
    ('BinaryIoU', 'threshold'): _SHARE,
    ('SensitivityAtSpecificity', 'num_thresholds'): Whole(1, example=200),
    ('SpecificityAtSensitivity', 'num_thresholds'): Whole(1, example=200),
    ('PrecisionAtRecall', 'num_thresholds'): Whole(1, example=200),
    ('RecallAtPrecision', 'num_thresholds'): Whole(1, example=200),
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
