"""What reading costs, measured, and what it may cost: at most two seconds of a processor and 64 MB beyond what its content explains."""

import contextlib
import time

SECONDS, MEMORY = 2.0, 64 * 2**20
# What Python takes for a character of a configuration, or the graph of a framework for what it says.
TIMES = 16
# A read file may cost what an honest one of its size costs: layers are called, values made.
SECONDS_OF_A_MEGABYTE = 20.0


def peak():
    """The most memory that the process has used since `forget_peak`, in bytes; None where the system does not tell."""
    try:
        with open('/proc/self/status') as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith('VmHWM'))
    except (OSError, StopIteration):
        return None


def forget_peak():
    try:
        with open('/proc/self/clear_refs', 'w') as file:
            file.write('5')
    except OSError:
        pass


class Cost:
    """Processor seconds, and bytes of memory beyond those that the process had before."""

    seconds = memory = 0.0

    def check(self, content, what):
        """Assert that it is no more than it may be where so many bytes or characters come in."""
        most = SECONDS + SECONDS_OF_A_MEGABYTE * min(content / 2.0**20, 4)
        assert self.seconds < most, f'{what}: {self.seconds} s for {content} bytes'
        assert self.memory < MEMORY + TIMES * content, f'{what}: {self.memory / 2.0**20} MB for {content} bytes'


@contextlib.contextmanager
def measured(content=None, what=''):
    """Context whose Cost is measured; and checked, if it is said how many bytes or characters come in."""
    cost = Cost()
    forget_peak()
    before, start = peak() or 0, time.process_time()
    yield cost
    cost.seconds, cost.memory = time.process_time() - start, (peak() or 0) - before
    if content is not None:
        cost.check(content, what)
