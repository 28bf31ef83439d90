"""TensorBoard: the course of training in the files that TensorBoard shows."""

import io
import numbers
import os

import numpy as np

from cthulhu import backend as K
from cthulhu.callbacks.base import Callback, samples_of
from cthulhu.callbacks.event_files import EventFile, Histogram, image, scalar
from cthulhu.callbacks.inspection import Embedded, Watched
from cthulhu.storage import atomic
from cthulhu.utils.arguments import checked


class TensorBoard(Callback):
    """Writes the loss and the metrics, and if asked weights, activations, gradients and embeddings, for TensorBoard.

    Neither TensorFlow nor TensorBoard is needed to write the files; `tensorboard --logdir=LOG_DIR` shows them.

    Arguments:
        log_dir: path of the folder for the files.
        histogram_freq: int, every how many epochs to write histograms of the weights and of the layers' outputs for the
            validation data; 0 for never.
        batch_size: int, samples a batch where validation data and `embeddings_data` are computed.
        write_graph: whether to write the graph of the model's operations. A backend that has none writes none.
        write_grads: whether to write histograms of the gradients of the loss on the validation data, with the others.
        write_images: whether to write the weights of up to three dimensions as pictures, with the histograms.
        embeddings_freq: int, every how many epochs to write the outputs of layers for the projector; 0 for never.
        embeddings_layer_names: list of names of these layers; all embedding layers if left out.
        embeddings_metadata: dict, name of layer -> path of the file with its labels, as the projector takes it; or one path
            for all.
        embeddings_data: array, or list of arrays for several inputs, of which to compute these outputs.
        update_freq: 'epoch'; 'batch'; or int, every how many samples to write the loss and the metrics.

    Raises:
        ValueError: for another `update_freq`; at the begin of training, where `histogram_freq` has no validation data in
            arrays, or `embeddings_freq` no `embeddings_data`.
    """

    writes = True
    state_names = ('samples_seen', 'samples_seen_at_last_write')

    @checked
    def __init__(
        self,
        log_dir='./logs',
        histogram_freq=0,
        batch_size=32,
        write_graph=True,
        write_grads=False,
        write_images=False,
        embeddings_freq=0,
        embeddings_layer_names=None,
        embeddings_metadata=None,
        embeddings_data=None,
        update_freq='epoch',
    ):
        super().__init__()
        is_number = isinstance(update_freq, numbers.Integral) and not isinstance(update_freq, bool) and update_freq > 0
        if update_freq not in ('epoch', 'batch') and not is_number:
            raise ValueError(
                f"TensorBoard: `update_freq` is 'epoch', 'batch' or a positive number of samples; got {update_freq!r}."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata or {}
        self.embeddings_data = embeddings_data
        self.update_freq = 1 if update_freq == 'batch' else update_freq
        self.needs_each_batch = update_freq != 'epoch'
        self.samples_seen = 0
        self.samples_seen_at_last_write = 0
        self.writer = None
        self._watched = self._embedded = self._trained = None

    def on_train_begin(self, logs=None):
        goes_on = self._trained is self.model and getattr(self.params, 'initial_epoch', 0) > 0
        if not goes_on:
            self.samples_seen = self.samples_seen_at_last_write = 0
        if self._trained is not self.model:
            self._watched = self._embedded = None
        self._trained = self.model
        if self.histogram_freq and not self.validation_data:
            raise ValueError(
                'TensorBoard: `histogram_freq` needs validation data in arrays, not from a generator: give `validation_data` or '
                '`validation_split`, or histogram_freq=0.'
            )
        if self.embeddings_freq and self.embeddings_data is None:
            raise ValueError(
                'TensorBoard: `embeddings_freq` needs `embeddings_data`, of which to compute the embeddings.'
            )
        # Before the graph is written, so that it is the same in every run.
        if self.histogram_freq and self._watched is None:
            self._watched = Watched(self.model, self.write_grads)
        if self.embeddings_freq and self._embedded is None:
            self._embedded = Embedded(self.model, self.embeddings_layer_names, self.embeddings_data)
        self.close()
        self.writer = EventFile(self.log_dir)
        if self.write_graph and K.supports('graph_definition'):
            self.writer.add_graph(K.graph_definition())
        if self._embedded is not None:
            self._write_projector()
        self.writer.flush()

    def on_batch_end(self, batch, logs=None):
        if self.update_freq == 'epoch':
            return
        self.samples_seen += samples_of(logs)
        if self.samples_seen - self.samples_seen_at_last_write >= self.update_freq:
            self._write_logs(logs, self.samples_seen)
            self.samples_seen_at_last_write = self.samples_seen

    def on_epoch_end(self, epoch, logs=None):
        if self._watched is not None and self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        if self._embedded is not None and self.embeddings_freq and epoch % self.embeddings_freq == 0:
            for name, values in self._embedded.compute(self.batch_size).items():
                stream = io.BytesIO()
                np.savetxt(stream, values, delimiter='\t', fmt='%.8g')
                atomic.write(os.path.join(self.log_dir, _table(name)), stream.getvalue())
        self._write_logs(logs or {}, epoch if self.update_freq == 'epoch' else self.samples_seen)

    def on_train_end(self, _=None):
        self.close()

    def close(self):
        """Close the file of this run."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def _write_logs(self, logs, index):
        made = []
        for name, value in logs.items():
            if name in ('batch', 'size', 'num_steps') and name not in (self.params or {}).get('metrics', ()):
                continue
            made.append(
                scalar(name, np.asarray(value).item()) if np.size(value) == 1 else Histogram().add(value).value(name)
            )
        self.writer.add(made, index)
        self.writer.flush()

    def _write_histograms(self, epoch):
        made = []
        for name, value in self._watched.weights():
            made.append(Histogram().add(value).value(name))
            if self.write_images:
                pictures = _pictures(value)
                for i, pixels in enumerate(pictures):
                    made.append(image(f'{name}/image/{i}' if len(pictures) > 1 else f'{name}/image', pixels))
        for name, histogram in self._watched.compute(self.validation_data, self.batch_size):
            made.append(histogram.value(name))
        self.writer.add(made, epoch)

    def _write_projector(self):
        """The projector's own file: where the table of each layer is, and its labels."""
        known = self._embedded.names
        metadata = self.embeddings_metadata
        if not isinstance(metadata, dict):
            metadata = dict.fromkeys(known, os.fspath(metadata))
        unknown = sorted(set(metadata) - set(known))
        if unknown:
            raise ValueError(
                f'TensorBoard: `embeddings_metadata` names {", ".join(map(repr, unknown))}; the layers are {", ".join(map(repr, known))}.'
            )
        lines = []
        for name in known:
            lines += [
                'embeddings {',
                f'  tensor_name: {_quoted(name + "_embedding")}',
                f'  tensor_path: {_quoted(_table(name))}',
            ]
            if name in metadata:
                lines.append(f'  metadata_path: {_quoted(os.fspath(metadata[name]))}')
            lines.append('}')
        atomic.write(os.path.join(self.log_dir, 'projector_config.pbtxt'), '\n'.join(lines + ['']).encode('utf-8'))


def _table(name):
    return name.replace('/', '_') + '_embedding.tsv'


def _quoted(text):
    return '"{}"'.format(text.replace('\\', '\\\\').replace('"', '\\"'))


def _pictures(weight):
    """The pictures of a weight, as uint8 arrays (height, width); at most three, and none for four dimensions or more."""
    weight = np.squeeze(np.asarray(weight, 'float64'))
    if weight.ndim == 1:
        pictures = weight[None, :, None]
    elif weight.ndim == 2:
        pictures = (weight.T if weight.shape[0] > weight.shape[1] else weight)[None]
    elif weight.ndim == 3:
        pictures = np.transpose(weight, (2, 0, 1)) if K.image_data_format() == 'channels_last' else weight
    else:
        return []
    return [_grey(picture) for picture in pictures[:3] if picture.size]


def _grey(values):
    """From 0 to 255; where there are negative values, 0 is in the middle."""
    values = np.nan_to_num(values)
    least, most = values.min(), values.max()
    if least < 0:
        scale, middle = 127 / max(-least, most), 128
    else:
        scale, middle = 255 / most if most > 0 else 0, 0
    return np.clip(values * scale + middle, 0, 255).astype('uint8')
