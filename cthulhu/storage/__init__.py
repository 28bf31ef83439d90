"""Files: read so that nothing in them is trusted, written whole or not at all. Nothing here knows what a layer is.

- `errors`: what can be wrong with a file; `trust`: what is allowed while one is read;
- `atomic`: a file is replaced whole or not at all; `hdf5_writing`: HDF5 on a disk that may be full;
- `tree`: groups of arrays and texts, in HDF5 files that the caller opened and in dicts; `file_tree` (on `hdf5_format`, `hdf5_source`): the guarded reader of HDF5 files;
- `budget`: what reading may cost; `texts`: configurations out of JSON and YAML;
- `arrays`: NumPy's files and pickled arrays; `archive`: zip and tar archives.
"""
