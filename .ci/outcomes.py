"""A plugin of pytest that writes down what comes of each test as soon as it is known, so that a run that is ended is not lost.

A line is a JSON list: the name of the test, and null where it has passed, or the first line of what it failed with. The file is named by `OUTCOMES` in the environment.
"""

import json
import os


def _write(name, problem):
    with open(os.environ['OUTCOMES'], 'a') as file:
        file.write(json.dumps([name, problem]) + '\n')


def _problem(report):
    crash = getattr(report.longrepr, 'reprcrash', None)
    lines = [line for line in str(getattr(crash, 'message', report.longrepr)).split('\n') if line.strip()]
    return (lines[0] if crash else lines[-1])[:160]


def pytest_runtest_logstart(nodeid, location):
    _write(nodeid, 'was not ended')


def pytest_runtest_logreport(report):
    if report.failed:
        _write(report.nodeid, _problem(report))
    elif report.when == 'call' or report.skipped:
        _write(report.nodeid, 'skipped' if report.skipped else None)


def pytest_collectreport(report):
    if report.failed:
        _write(report.nodeid, _problem(report))
