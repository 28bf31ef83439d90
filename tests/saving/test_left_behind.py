"""What writing leaves behind: nothing of those that were killed, nothing of those that live, and the old file where a disk is full."""

import contextlib
import errno
import os
import stat
import subprocess
import sys
import threading
import time
import warnings

import pytest

from cthulhu.layers import Daoloth
from cthulhu.models import Pile, load_model
from cthulhu.storage import atomic

ENDINGS = ['m.h5', 'm.keras', 'w.weights.h5', 'w.safetensors']
posix = pytest.mark.skipif(os.name == 'nt', reason='pipes, devices and locks of POSIX')


def save_of(name):
    """A function of a path that saves as such a name says."""
    pytest.importorskip('h5py')
    if name.endswith('safetensors'):
        if sys.version_info[:2] == (3, 6):
            pytest.skip('there is no safetensors for this Python')
        pytest.importorskip('safetensors')
    model = Pile([Daoloth(3, input_shape=(3,))])
    return model.save if name.startswith('m') else model.save_weights


def left(folder, *names):
    """What is in a folder beside some names."""
    return sorted(set(os.listdir(str(folder))) - set(names))


def begun_and_killed(path):
    """Leave what a process leaves that is killed while it writes `path`."""
    program = f'import os; from cthulhu.storage import atomic\nwith atomic.replacing({path!r}) as new: open(new, "w").write("half"); os._exit(9)'
    assert subprocess.call([sys.executable, '-c', program], env=dict(os.environ, CTHULHU_BACKEND='numpy')) == 9


# -- processes that were killed, and those that live -------------------------------------------------------


def test_what_a_killed_process_left_is_removed_by_the_next_save(tmp_path):
    for name in ENDINGS[:1]:
        path = str(tmp_path / name)
        begun_and_killed(path)
        begun_and_killed(str(tmp_path / 'other'))
        assert len(left(tmp_path)) == 2
        save_of(name)(path)
        (other,) = left(tmp_path, name)
        assert other.startswith('.other.')


@posix
@pytest.mark.parametrize('name', ENDINGS + ['f'])
def test_folders_that_nobody_holds_are_removed_and_no_others(name, tmp_path):
    path, save = str(tmp_path / name), save_of(name) if name != 'f' else lambda path: atomic.write(path, b'new')
    for digits in ('00000000', '0000000f'):
        os.mkdir(str(tmp_path / f'.{name}.{atomic._HOST}.{digits}.tmp'))
    (tmp_path / f'.{name}.{atomic._HOST}.00000000.tmp' / 'new').write_bytes(b'half')
    foreign = '00000000' if atomic._HOST != '00000000' else '00000001'
    for digits in ('00000001', '00000002'):
        os.mkdir(str(tmp_path / f'.{name}.{foreign}.{digits}.tmp'))
    hours_ago = time.time() - 2 * 3600
    os.utime(str(tmp_path / f'.{name}.{foreign}.00000002.tmp'), (hours_ago, hours_ago))
    kept = [
        f'.{name}.{foreign}.00000001.tmp',
        f'.{name}.tmp',
        f'.{name}.{atomic._HOST}.0000000z.tmp',
        f'.{name}x.{atomic._HOST}.00000000.tmp',
    ]
    for each in kept[1:]:
        os.mkdir(str(tmp_path / each))
    os.mkdir(str(tmp_path / 'elsewhere'))
    (tmp_path / 'elsewhere' / 'mine').write_bytes(b'mine')
    link = f'.{name}.{atomic._HOST}.00000003.tmp'
    os.symlink(str(tmp_path / 'elsewhere'), str(tmp_path / link))
    with atomic.replacing(path) as new:  # one that lives: this process
        save(path)
        inside = left(tmp_path, name, 'elsewhere', link, *kept)
        assert inside == [os.path.basename(os.path.dirname(new))]
        assert os.listdir(str(tmp_path / 'elsewhere')) == ['mine']
        with open(new, 'wb') as file:
            file.write(b'last')
    assert (tmp_path / name).read_bytes() == b'last'
    assert not left(tmp_path, name, 'elsewhere', link, *kept)


@posix
def test_several_processes_and_threads_that_write_one_file_at_once(tmp_path):
    """Each folder is found by others at every moment: before it is locked, while it is, and after."""
    program = f"""
import os, threading
from cthulhu.storage import atomic
def work(number):
    for _ in range(50):
        atomic.write({str(tmp_path / 'f')!r}, bytes([number]) * 5000)
threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
"""
    environment = dict(os.environ, CTHULHU_BACKEND='numpy')
    several = [
        subprocess.Popen([sys.executable, '-c', program], stderr=subprocess.PIPE, env=environment) for _ in range(3)
    ]
    for process in several:
        errors = process.communicate()[1].decode()
        assert process.returncode == 0 and 'Error' not in errors, errors
    content = (tmp_path / 'f').read_bytes()
    assert len(content) == 5000 and len(set(content)) == 1
    assert not left(tmp_path, 'f')


def test_a_maker_makes_another_folder_where_one_was_taken_for_left(tmp_path, monkeypatch):
    lock, taken = atomic._locked, []

    def slow(work):
        if not taken:
            taken.append(work)
            atomic._remove_left(
                str(tmp_path), '.f.', 'f'
            )  # another process, between the making of the folder and its lock
            assert not os.path.exists(work)
        return lock(work)

    monkeypatch.setattr(atomic, '_locked', lambda work: slow(work) if not taken else lock(work))
    atomic.write(str(tmp_path / 'f'), b'new')
    assert taken and (tmp_path / 'f').read_bytes() == b'new' and not left(tmp_path, 'f')


@pytest.mark.parametrize('locks', ['not there', 'not known'])
def test_where_there_are_no_locks_files_are_written_and_nothing_is_removed(locks, tmp_path, monkeypatch):
    if locks == 'not there':
        monkeypatch.setattr(atomic, 'fcntl', None)
        monkeypatch.setattr(atomic, 'msvcrt', None)
    else:

        class Unknown:
            LOCK_EX = LOCK_NB = 0

            @staticmethod
            def flock(descriptor, how):
                raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(atomic, 'fcntl', Unknown)
    kept = f'.f.{atomic._HOST}.00000000.tmp'
    os.mkdir(str(tmp_path / kept))
    atomic.write(str(tmp_path / 'f'), b'new')
    assert (tmp_path / 'f').read_bytes() == b'new' and not left(tmp_path, 'f', kept)


@posix
def test_a_folder_that_was_moved_aside_comes_back(tmp_path):
    work = tmp_path / f'.f.{atomic._HOST}.00000000.tmp'
    (work / 'old').mkdir(parents=True)
    (work / 'old' / 'content').write_bytes(b'old')
    with pytest.raises(ZeroDivisionError), atomic.replacing_folder(str(tmp_path / 'f')):
        raise ZeroDivisionError
    assert (tmp_path / 'f' / 'content').read_bytes() == b'old' and not left(tmp_path, 'f')


def test_long_names(tmp_path):
    name = 'ж' * 120  # 240 bytes of the 255 that there are
    atomic.write(str(tmp_path / name), b'new')
    assert os.listdir(str(tmp_path)) == [name]


# -- what cannot be replaced by renaming -------------------------------------------------------------------


def refuse(monkeypatch, function, code, where):
    """Have a function of `os` refuse what lies in a folder."""
    original = getattr(os, function)

    def refusing(*arguments, **keywords):
        if os.path.dirname(str(arguments[-1] if function == 'replace' else arguments[0])) == str(where):
            raise OSError(code, os.strerror(code), *arguments)
        return original(*arguments, **keywords)

    monkeypatch.setattr(os, function, refusing)


@pytest.mark.parametrize('name', ENDINGS)
@pytest.mark.parametrize(
    'function, code',
    [('replace', errno.EBUSY), ('replace', errno.EXDEV), ('mkdir', errno.EACCES), ('mkdir', errno.EROFS)],
)
def test_written_in_place_with_a_warning(function, code, name, tmp_path, monkeypatch):
    path, save = tmp_path / name, save_of(name)
    path.write_bytes(b'old' * 99999)
    before = os.stat(str(path)).st_ino
    refuse(monkeypatch, function, code, tmp_path)
    with pytest.warns(
        UserWarning, match=f'{name}" is written in place.*{os.strerror(code)}.*killed while it writes'
    ) as caught:
        save(str(path))
    assert caught[0].filename == __file__
    assert os.stat(str(path)).st_ino == before and os.listdir(str(tmp_path)) == [name]
    monkeypatch.undo()
    written = path.read_bytes()
    save(str(path))  # as it is written otherwise: nothing of what was there is left at its end
    assert abs(len(written) - len(path.read_bytes())) < 999
    if name == 'm.h5':
        path.write_bytes(written)
        assert load_model(str(path), compile=False).count_params() == 12


def test_what_cannot_be_written_in_place_either_is_an_error_that_names_it(tmp_path, monkeypatch):
    path = tmp_path / 'f'
    refuse(monkeypatch, 'mkdir', errno.EACCES, tmp_path)
    with pytest.raises(PermissionError) as caught:  # there is none
        atomic.write(str(path), b'new')
    assert caught.value.filename == str(path)
    path.write_bytes(b'old')
    monkeypatch.setattr(os, 'access', lambda *arguments: False)
    with pytest.raises(PermissionError):
        atomic.write(str(path), b'new')
    assert path.read_bytes() == b'old'


def test_a_failure_in_place_puts_back_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / 'f'
    path.write_bytes(b'old content')
    refuse(monkeypatch, 'replace', errno.EBUSY, tmp_path)
    copy, failed = atomic._copy_into, []

    def fails(source, target):
        if not failed:
            failed.append(True)
            with open(target, 'r+b') as file:
                file.write(b'half')
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copy(source, target)

    monkeypatch.setattr(atomic, '_copy_into', fails)
    with pytest.warns(UserWarning, match='in place'), pytest.raises(OSError) as caught:
        atomic.write(str(path), b'new')
    assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(path)
    assert path.read_bytes() == b'old content' and os.listdir(str(tmp_path)) == ['f']


def test_a_warning_that_is_an_error_comes_before_anything_is_overwritten(tmp_path, monkeypatch):
    path = tmp_path / 'f'
    path.write_bytes(b'old')
    refuse(monkeypatch, 'replace', errno.EBUSY, tmp_path)
    with warnings.catch_warnings(), pytest.raises(UserWarning):
        warnings.simplefilter('error')
        atomic.write(str(path), b'new')
    assert path.read_bytes() == b'old'


@posix
@pytest.mark.parametrize('name', ENDINGS)
def test_pipes_are_written_to(name, tmp_path):
    path, got = str(tmp_path / name), []
    os.mkfifo(path)

    def read():
        with open(path, 'rb') as file:
            got.append(file.read())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        save_of(name)(path)
    reader.join(60)
    assert stat.S_ISFIFO(os.stat(path).st_mode) and os.listdir(str(tmp_path)) == [name]
    assert len(got[0]) > 100 and got[0][:2] in (b'\x89H', b'PK') or name.endswith('safetensors')


@posix
def test_the_device_that_forgets_stays_what_it_is(tmp_path):
    link = str(tmp_path / 'm.h5')
    os.symlink(os.devnull, link)
    save_of('m.h5')(link)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode) and os.path.islink(link)


# -- full disks --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def files_of_at_most(count):
    """Files cannot grow beyond so many bytes, as on a disk that is full."""
    resource = pytest.importorskip('resource')
    import signal

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@posix
@pytest.mark.parametrize('name', ENDINGS)
def test_a_full_disk_is_an_oserror_that_names_the_file_and_leaves_it(name, tmp_path):
    path, save = str(tmp_path / name), save_of(name)
    save(path)
    with open(path, 'rb') as file:
        before = file.read()
    for room in (0, 100, len(before) // 2, len(before) - 1):
        with files_of_at_most(room), pytest.raises(OSError) as caught:
            save(path)
        assert caught.value.errno == errno.EFBIG and caught.value.filename == path
        with open(path, 'rb') as file:
            assert file.read() == before
        assert os.listdir(str(tmp_path)) == [name]
    save(path)
