"""The module paths that Keras users import."""

import importlib

import pytest

PATHS = {
    'activations': 'relu',
    'backend.tensorflow_backend': 'set_session clear_session',
    'engine': 'Layer InputSpec Input InputLayer',
    'engine.base_layer': 'Layer InputSpec Node',
    'engine.input_layer': 'Input InputLayer',
    'engine.network': 'Network',
    'engine.saving': 'load_model save_model model_from_config model_from_json model_from_yaml pickle_model unpickle_model '
    'save_attributes_to_hdf5_group load_attributes_from_hdf5_group save_weights_to_hdf5_group load_weights_from_hdf5_group '
    'load_weights_from_hdf5_group_by_name preprocess_weights_for_loading',
    'engine.sequential': 'Sequential Pile',
    'engine.topology': 'Layer InputSpec Container Input get_source_inputs',
    'engine.training': 'Model Lump',
    'layers.advanced_activations': 'LeakyReLU PReLU ELU ThresholdedReLU Softmax ReLU',
    'layers.convolutional': 'Conv1D Conv2D Conv3D Conv2DTranspose SeparableConv2D ZeroPadding2D UpSampling2D Cropping2D Cthalpa2D',
    'layers.convolutional_recurrent': 'ConvLSTM2D',
    'layers.core': 'Dense Dropout Activation Flatten Reshape Permute RepeatVector Lambda Masking SpatialDropout1D ActivityRegularization Daoloth',
    'layers.cudnn_recurrent': 'CuDNNGRU CuDNNLSTM',
    'layers.embeddings': 'Embedding TheHydra',
    'layers.local': 'LocallyConnected1D LocallyConnected2D',
    'layers.merge': 'Add Concatenate add concatenate dot',
    'layers.noise': 'GaussianNoise GaussianDropout AlphaDropout',
    'layers.normalization': 'BatchNormalization BlacknessFromTheStars',
    'layers.pooling': 'MaxPooling2D AveragePooling1D GlobalAveragePooling2D Mlandoth2D',
    'layers.recurrent': 'RNN SimpleRNN GRU LSTM LSTMCell StackedRNNCells Laldagorth',
    'layers.wrappers': 'TimeDistributed Bidirectional Wrapper',
    'utils.conv_utils': 'conv_output_length normalize_tuple deconv_length conv_input_length',
    'utils.data_utils': 'Sequence OrderedEnqueuer GeneratorEnqueuer',
    'utils.generic_utils': 'Progbar CustomObjectScope custom_object_scope get_custom_objects serialize_keras_object deserialize_keras_object has_arg to_list',
    'utils.io_utils': 'HDF5Matrix H5Dict ask_to_proceed_with_overwrite',
    'utils.layer_utils': 'print_summary count_params convert_all_kernels_in_model',
    'utils.multi_gpu_utils': 'multi_gpu_model',
    'utils.np_utils': 'to_categorical normalize',
    'utils.vis_utils': 'model_to_dot plot_model',
    'wrappers.scikit_learn': 'BaseWrapper KerasClassifier KerasRegressor',
}


@pytest.mark.parametrize('path', sorted(PATHS))
def test_path(path):
    module = importlib.import_module('cthulhu.' + path)
    for name in PATHS[path].split():
        assert hasattr(module, name), name
