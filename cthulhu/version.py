"""The version of the library, and that of Keras whose files it writes."""

#: Counted on from the Keras whose API this is: programs written for Keras ask whether the version is at least 2.2, and the like.
__version__ = '2.4.0'

#: The version of Keras whose API this is, and whose HDF5 files and configurations these are, as files say it.
KERAS_VERSION = '2.3.1'
