"""The version of the library, and that of Keras whose files it writes."""

__version__ = '0.1.0'

#: The version of Keras whose HDF5 files and configurations these are, as files say it.
KERAS_VERSION = '2.3.1'
