"""Where JAX computes, and how: variables give their memory to their new values, and whoever else is about to read one has to wait for that."""

import time

import jax

#: Seconds for which a variable's next value is waited for, while another thread's function computes it.
PATIENCE = 60.0


def exact():
    """The context in which everything of ours is traced, compiled and run: a dtype of 64 bits is what it says. The caller's setting stays."""
    return jax.enable_x64(True)


def send_for(arrays):
    """Have arrays of another device begin their way here, so that to wait for one is to wait for all."""
    if jax.default_backend() != 'cpu':
        for leaf in jax.tree.leaves(arrays):
            if isinstance(leaf, jax.Array):
                leaf.copy_to_host_async()


def patiently(read_and_run):
    """What a function gives that reads variables; called again where another thread has just taken the memory of one."""
    begun = time.monotonic()
    while True:
        try:
            return read_and_run()
        except RuntimeError as error:
            if 'deleted' not in str(error) or time.monotonic() - begun > PATIENCE:
                raise
        time.sleep(1e-4)


def run_and_keep(compiled, variables, place, *arguments):
    """Call a compiled function, and give variables the values at `place` of its results.

    Their old ones are gone with the call, so the results must not be lost to a Ctrl-C in it: Python raises that when it is back from a call, before it
    would bind a name, and so the call is made by `extend`.
    """
    results = []
    try:
        results.extend(map(compiled, *[(argument,) for argument in arguments]))
    finally:
        for result in results:
            for variable, value in zip(variables, result[place]):
                variable.value = value
    return results[0]
