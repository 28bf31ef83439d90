"""The door of `keras`: after `import cthulhu.as_keras`, whatever is imported finds this library under the names of Keras 2.3.1.

>>> import cthulhu.as_keras
>>> from keras.layers import Dense
>>> Dense.__name__
'Dense'
"""

from cthulhu import door

door.open_door(door.KERAS)
