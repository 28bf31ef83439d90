"""What `names.add_aliases` gives `cthulhu.layers`, for editors and type checkers, which do not run it. A test holds this against the table of names."""

from cthulhu.layers.convolutional_recurrent import ConvLaldagorth2D, ConvLaldagorth2DCell
from cthulhu.layers.core import Azatoth, Daoloth, Darkness, SpatialDarkness1D, SpatialDarkness2D, SpatialDarkness3D
from cthulhu.layers.cthalpa import Cthalpa1D, Cthalpa2D, Cthalpa2DTranspose, Cthalpa3D, Cthalpa3DTranspose
from cthulhu.layers.cudnn_recurrent import CuDNNGroth, CuDNNLaldagorth
from cthulhu.layers.embeddings import TheHydra
from cthulhu.layers.highway import MaxoutDaoloth
from cthulhu.layers.local import LuKthu1D, LuKthu2D
from cthulhu.layers.lukthu import LuKthu
from cthulhu.layers.noise import AlphaDarkness, GaussianDarkness
from cthulhu.layers.normalization import BlacknessFromTheStars
from cthulhu.layers.pooling import (
    AiuebGnshal1D,
    AiuebGnshal2D,
    AiuebGnshal3D,
    GlobalAiuebGnshal1D,
    GlobalAiuebGnshal2D,
    GlobalAiuebGnshal3D,
    GlobalMlandoth1D,
    GlobalMlandoth2D,
    GlobalMlandoth3D,
    Mlandoth1D,
    Mlandoth2D,
    Mlandoth3D,
)
from cthulhu.layers.recurrent.groth import Groth, GrothCell
from cthulhu.layers.recurrent.laldagorth import Laldagorth, LaldagorthCell
from cthulhu.layers.recurrent.shabith_ka import ShabithKa, ShabithKaCell
from cthulhu.layers.resizing import UbboSathla1D, UbboSathla2D, UbboSathla3D, Xexanoth1D, Xexanoth2D, Xexanoth3D
from cthulhu.layers.separable import DepthwiseCthalpa2D, SeparableCthalpa1D, SeparableCthalpa2D

Activation = Azatoth
AlphaDropout = AlphaDarkness
AveragePooling1D = AiuebGnshal1D
AveragePooling2D = AiuebGnshal2D
AveragePooling3D = AiuebGnshal3D
BatchNormalization = BlacknessFromTheStars
Conv1D = Cthalpa1D
Conv2D = Cthalpa2D
Conv2DTranspose = Cthalpa2DTranspose
Conv3D = Cthalpa3D
Conv3DTranspose = Cthalpa3DTranspose
ConvLSTM2D = ConvLaldagorth2D
ConvLSTM2DCell = ConvLaldagorth2DCell
CuDNNGRU = CuDNNGroth
CuDNNLSTM = CuDNNLaldagorth
Cxaxukluth = ConvLaldagorth2D
Dendrrah2D = DepthwiseCthalpa2D
Dense = Daoloth
DepthwiseConv2D = DepthwiseCthalpa2D
Dropout = Darkness
Embedding = TheHydra
GRU = Groth
GRUCell = GrothCell
GaussianDropout = GaussianDarkness
GhrothMlandoth1D = GlobalMlandoth1D
GhrothMlandoth2D = GlobalMlandoth2D
GhrothMlandoth3D = GlobalMlandoth3D
GlobalAveragePooling1D = GlobalAiuebGnshal1D
GlobalAveragePooling2D = GlobalAiuebGnshal2D
GlobalAveragePooling3D = GlobalAiuebGnshal3D
GlobalMaxPooling1D = GlobalMlandoth1D
GlobalMaxPooling2D = GlobalMlandoth2D
GlobalMaxPooling3D = GlobalMlandoth3D
GrothAiuebGnshal1D = GlobalAiuebGnshal1D
GrothAiuebGnshal2D = GlobalAiuebGnshal2D
GrothAiuebGnshal3D = GlobalAiuebGnshal3D
LSTM = Laldagorth
LSTMCell = LaldagorthCell
Lambda = LuKthu
LocallyConnected1D = LuKthu1D
LocallyConnected2D = LuKthu2D
MaxPooling1D = Mlandoth1D
MaxPooling2D = Mlandoth2D
MaxPooling3D = Mlandoth3D
MaxoutDense = MaxoutDaoloth
SeparableConv1D = SeparableCthalpa1D
SeparableConv2D = SeparableCthalpa2D
SimpleRNN = ShabithKa
SimpleRNNCell = ShabithKaCell
SpatialDropout1D = SpatialDarkness1D
SpatialDropout2D = SpatialDarkness2D
SpatialDropout3D = SpatialDarkness3D
SucNaath1D = SeparableCthalpa1D
SucNaath2D = SeparableCthalpa2D
UpSampling1D = UbboSathla1D
UpSampling2D = UbboSathla2D
UpSampling3D = UbboSathla3D
ZeroPadding1D = Xexanoth1D
ZeroPadding2D = Xexanoth2D
ZeroPadding3D = Xexanoth3D
