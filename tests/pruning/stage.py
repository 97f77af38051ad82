"""Run `python -m pruneconf` in several processes at once, again and again, with torch imported only once.

Reads a line of JSON for each run: how many processes, the directory, the arguments, a file for what they say, and
perhaps which of them gets which signal, or error of the system, when it comes to which function (`module:owner.name`).
Answers with their exit
statuses, None for one that was killed.
"""

import errno
import json
import os
import signal
import socket
import sys
import time
from importlib import import_module

import torch.distributed  # noqa: F401 - imported for all processes

import pruneconf.__main__
import pruneconf.cli.apply
import pruneconf.output.page
import pruneconf.pruning
import pruneconf.tracing

PATIENCE = 40
ERRORS = {name: number for number, name in errno.errorcode.items()}


def strike(number, place):
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    original = getattr(owner, name)

    def struck(*args, **kwargs):
        if number in ERRORS:
            raise OSError(ERRORS[number], os.strerror(ERRORS[number]))
        os.kill(os.getpid(), getattr(signal, number))
        return original(*args, **kwargs)

    setattr(owner, name, struck)


def perform(rank, size, port, asked):
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo"}
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)}
    os.chdir(asked["folder"])
    told = os.open(asked["told"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(told, 1)
    os.dup2(told, 2)
    if asked["victim"] and asked["victim"][0] == rank:
        strike(*asked["victim"][1:])
    if "strict" in asked["arguments"]:
        import_module("strict_device")
    sys.argv = ["pruneconf", *asked["arguments"]]
    pruneconf.__main__.main()


def run(asked):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pids = []
    for rank in range(asked["size"]):
        pid = os.fork()
        if not pid:
            try:
                perform(rank, asked["size"], port, asked)
            finally:
                os._exit(99)
        pids.append(pid)
    victim, number = (asked["victim"] or [None, None])[:2]
    struck = None if number in ERRORS else victim
    last = sorted(enumerate(pids), key=lambda each: each[0] == struck)
    return [
        ended(pid, time.monotonic() + PATIENCE, stopped=(rank, number) == (struck, "SIGSTOP")) for rank, pid in last
    ]


def ended(pid, until, *, stopped):
    while time.monotonic() < until and not stopped:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else None
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


for line in sys.stdin:
    answer = json.dumps(run(json.loads(line)))
    sys.stdout.write(answer + "\n")
    sys.stdout.flush()
