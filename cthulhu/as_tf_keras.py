"""The door of `tensorflow.keras`, and of the places where older TensorFlows have it: after `import cthulhu.as_tf_keras` they are this library.

The rest of TensorFlow is as it was, and so is `keras`, which has a door of its own, `cthulhu.as_keras`.
"""

from cthulhu import door

door.open_door(door.TF_KERAS)
