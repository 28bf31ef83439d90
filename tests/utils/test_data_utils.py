"""get_file, against a server on this machine."""

import hashlib
import io
import os
import tarfile
import zipfile

import pytest

from cthulhu.saving import UnsafeFileError
from cthulhu.utils import data_utils, downloads, get_file
from tests.utils.serving import serving

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def server():
    with serving({'data.bin': CONTENT, 'cut': CONTENT, 'streamed': CONTENT}) as server:
        yield server


@pytest.fixture
def cache(tmp_path):
    return str(tmp_path / 'cache')


def found(cache):
    """Every file in the cache, hidden ones too."""
    return sorted(os.path.relpath(os.path.join(f, n), cache) for f, _, names in os.walk(cache) for n in names)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def tar_of(*members):
    """A tar.gz of (name, bytes or link target, type)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode='w:gz') as archive:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname, content = content, b''
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


def zip_of(*members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize('name', ['data.bin', 'streamed'])
def test_a_file_is_downloaded_once(server, cache, name, capsys):
    path = get_file(name, server.url + name, cache_dir=cache, file_hash=sha(CONTENT))
    assert path == os.path.join(cache, 'datasets', name)
    with open(path, 'rb') as file:
        assert file.read() == CONTENT
    assert get_file(name, server.url + name, cache_dir=cache, file_hash=sha(CONTENT).upper()) == path
    assert server.asked == [name] and found(cache) == ['datasets/' + name]
    assert server.url + name in capsys.readouterr().err


def test_the_progress_is_shown(server, cache, capsys):
    get_file('data.bin', server.url + 'data.bin', cache_dir=cache)
    assert '256000/256000' in capsys.readouterr().out


@pytest.mark.parametrize(
    'hashes',
    [
        {'file_hash': '0' * 64},
        {'file_hash': '0' * 32},
        {'file_hash': sha(CONTENT), 'hash_algorithm': 'md5'},
        {'md5_hash': '0' * 32},
        {'file_hash': sha(CONTENT), 'md5_hash': '0' * 32},
    ],
)
def test_a_download_with_another_hash_is_removed(server, cache, hashes):
    with pytest.raises(ValueError, match='data.bin has the .* hash .* was expected'):
        get_file('data.bin', server.url + 'data.bin', cache_dir=cache, **hashes)
    assert found(cache) == []


def test_a_cached_file_with_another_hash_is_downloaded_anew(server, cache, capsys):
    path = get_file('data.bin', server.url + 'data.bin', cache_dir=cache)
    with open(path, 'wb') as file:
        file.write(b'altered')
    md5 = hashlib.md5(CONTENT).hexdigest()
    assert get_file('data.bin', server.url + 'data.bin', cache_dir=cache, md5_hash=md5) == path
    with open(path, 'rb') as file:
        assert file.read() == CONTENT
    assert len(server.asked) == 2 and 'downloaded anew' in capsys.readouterr().err
    with pytest.raises(ValueError, match='was expected'):
        get_file('data.bin', server.url + 'data.bin', cache_dir=cache, file_hash='0' * 64)
    assert found(cache) == []


def test_an_interrupted_download_leaves_nothing(server, cache, monkeypatch):
    with pytest.raises(OSError, match='256000'):
        get_file('cut', server.url + 'cut', cache_dir=cache)
    assert found(cache) == []

    class Interrupted(downloads.Progbar):
        def update(self, *arguments):
            raise KeyboardInterrupt

    monkeypatch.setattr(downloads, 'Progbar', Interrupted)
    with pytest.raises(KeyboardInterrupt):
        get_file('data.bin', server.url + 'data.bin', cache_dir=cache)
    assert found(cache) == []


def test_errors_name_the_url_and_the_code(server, cache):
    with pytest.raises(OSError, match='nothing.bin: 404 -- Not Found'):
        get_file('nothing.bin', server.url + 'nothing.bin', cache_dir=cache)
    server.server_close()
    with pytest.raises(OSError, match='http://127.0.0.1:9/x'):
        get_file('x', 'http://127.0.0.1:9/x', cache_dir=cache)
    with pytest.raises(ValueError, match="origin: 'no url' is not a URL"):
        get_file('x', 'no url', cache_dir=cache)
    with pytest.raises(ValueError, match="'sha256', 'md5' or 'auto'"):
        get_file('x', 'no url', cache_dir=cache, file_hash='0', hash_algorithm='crc32')
    assert found(cache) == []


def test_archives_are_unpacked(server, cache):
    server.files['a.tar.gz'] = tar_of(('top/inner/one', b'1', tarfile.REGTYPE), ('top/two', b'2', tarfile.REGTYPE))
    server.files['a.zip'] = zip_of(('top/three', b'3'), ('four', b'4'))
    path = get_file('top', server.url + 'a.tar.gz', untar=True, cache_dir=cache)
    assert path == os.path.join(cache, 'datasets', 'top')
    assert found(cache) == ['datasets/top.tar.gz', 'datasets/top/inner/one', 'datasets/top/two']
    assert get_file('top', server.url + 'a.tar.gz', untar=True, cache_dir=cache) == path and len(server.asked) == 1
    path = get_file('a.zip', server.url + 'a.zip', extract=True, cache_dir=cache, cache_subdir='other')
    assert path == os.path.join(cache, 'other', 'a.zip')
    for _ in range(2):  # what is there is replaced
        get_file('a.zip', server.url + 'a.zip', extract=True, cache_dir=cache, archive_format=['zip'])
        assert {'datasets/four', 'datasets/top/three', 'datasets/top/two'} <= set(found(cache))
    assert not [name for name in found(cache) if 'tmp' in name]
    with pytest.warns(UserWarning, match='was not unpacked'):
        get_file('data.bin', server.url + 'data.bin', extract=True, cache_dir=cache)
    with pytest.warns(UserWarning, match='was not unpacked'):
        get_file('a.zip', server.url + 'a.zip', extract=True, cache_dir=cache, archive_format='tar')
    get_file('data.bin', server.url + 'data.bin', extract=True, archive_format=None, cache_dir=cache)
    with pytest.raises(ValueError, match="'tar', 'zip', 'auto' or None"):
        get_file('data.bin', server.url + 'data.bin', extract=True, archive_format='rar', cache_dir=cache)
    with pytest.raises(ValueError, match='not a tar archive'):
        get_file('z', server.url + 'a.zip', untar=True, cache_dir=cache)
    # Keras 2.3.1 too returns the path, on which programs build the names of what they know to be there
    for name in ('other', 'another.tar'):
        with pytest.warns(UserWarning, match=f"had no '{name}' in it"):
            path = get_file(name, server.url + 'a.tar.gz', untar=True, cache_dir=cache)
        assert path == os.path.join(cache, 'datasets', name) and not os.path.exists(path)
        assert os.path.exists(os.path.join(os.path.dirname(path), 'top', 'two'))


ATTACKS = {
    'climbs': tar_of(('../escaped', b'x', tarfile.REGTYPE)),
    'climbs from within': tar_of(('a/../../escaped', b'x', tarfile.REGTYPE)),
    'absolute': tar_of(('/tmp/escaped', b'x', tarfile.REGTYPE)),
    'symlink': tar_of(('good', b'x', tarfile.REGTYPE), ('link', '../..', tarfile.SYMTYPE)),
    'hard link': tar_of(('link', '../../secret', tarfile.LNKTYPE)),
    'link, then through it': tar_of(('link', '../..', tarfile.SYMTYPE), ('link/escaped', b'x', tarfile.REGTYPE)),
    'device': tar_of(('device', b'', tarfile.CHRTYPE)),
    'zip climbs': zip_of(('good', b'x'), ('../escaped', b'x')),
    'zip bomb': zip_of(('zeros', b'\0' * 2**26)),
}


@pytest.mark.parametrize(
    'name, how',
    [(name, how) for name in sorted(ATTACKS) for how in ('extract', 'untar') if how == 'extract' or 'zip' not in name],
)
def test_archives_stay_in_their_folder(server, cache, tmp_path, name, how):
    server.files['attack'] = ATTACKS[name]
    (tmp_path / 'secret').write_text('secret')
    with pytest.raises(UnsafeFileError):
        get_file('attack', server.url + 'attack', cache_dir=cache, **{how: True})
    assert found(str(tmp_path)) == ['cache/datasets/attack' + '.tar.gz' * (how == 'untar'), 'secret']


def test_a_link_in_the_cache_is_not_written_through(server, cache, tmp_path):
    server.files['a.zip'] = zip_of(('link/escaped', b'x'))
    server.files['b.zip'] = zip_of(('link', b'x'))
    outside = tmp_path / 'outside'
    outside.mkdir()
    os.makedirs(os.path.join(cache, 'datasets'))
    os.symlink(str(outside), os.path.join(cache, 'datasets', 'link'))
    for name in ('a.zip', 'b.zip'):
        with pytest.raises(ValueError, match='in the way'):
            get_file(name, server.url + name, extract=True, cache_dir=cache)
    assert list(outside.iterdir()) == []


def test_a_damaged_archive_unpacks_nothing(server, cache):
    random = bytes(hashlib.sha512(b'%d' % i).digest()[0] for i in range(20000))
    whole = tar_of(('good', random, tarfile.REGTYPE), ('late', random[::-1], tarfile.REGTYPE))
    damaged = bytearray(zip_of(('good', random), ('late', random)))
    damaged[30000] ^= 255
    for name, content in (('cut.tar.gz', whole[: len(whole) // 2]), ('altered.zip', bytes(damaged))):
        server.files[name] = content
        with pytest.raises(ValueError):
            get_file(name, server.url + name, extract=True, cache_dir=cache)
    assert found(cache) == ['datasets/altered.zip', 'datasets/cut.tar.gz']


def test_hashes(tmp_path):
    path = str(tmp_path / 'file')
    with open(path, 'wb') as file:
        file.write(CONTENT)
    md5 = hashlib.md5(CONTENT).hexdigest()
    assert data_utils._hash_file(path) == sha(CONTENT) == data_utils._hash_file(path, 'auto', chunk_size=7)
    assert data_utils._hash_file(path, algorithm='md5') == md5
    assert data_utils.validate_file(path, sha(CONTENT)) and data_utils.validate_file(path, md5)
    assert data_utils.validate_file(path, sha(CONTENT), 'sha256') and data_utils.validate_file(path, md5, 'md5')
    assert not data_utils.validate_file(path, md5, 'sha256') and not data_utils.validate_file(path, sha(CONTENT), 'md5')


def test_the_cache_is_where_the_settings_are(server, tmp_path, monkeypatch):
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path / 'home'))
    path = get_file('data.bin', server.url + 'data.bin')
    assert path == str(tmp_path / 'home' / 'datasets' / 'data.bin')
    (tmp_path / 'file').write_text('')
    monkeypatch.setenv('CTHULHU_HOME', str(tmp_path / 'file' / 'home'))  # cannot be made
    monkeypatch.setattr(downloads.tempfile, 'gettempdir', lambda: str(tmp_path))
    path = get_file('data.bin', server.url + 'data.bin')
    assert path.startswith(str(tmp_path / '.cthulhu-')) and os.path.getsize(path) == len(CONTENT)
    os.rename(os.path.dirname(os.path.dirname(path)), str(tmp_path / 'elsewhere'))
    os.symlink(str(tmp_path / 'elsewhere'), os.path.dirname(os.path.dirname(path)))
    with pytest.raises(OSError, match='somebody else'):
        get_file('data.bin', server.url + 'data.bin')
