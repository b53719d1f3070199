"""Around every check: a time limit, silence on stderr, and torch in a known state."""

from __future__ import annotations

import contextlib
import ctypes
import io
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator
from types import FrameType

import torch

AGAIN = 1.0  # seconds until an answer that swallowed the first stop is stopped once more
OURS = __name__.partition(".")[0]
PATIENCE = 6  # times the limit: what an answer may take that hardly computes in that time


class TookTooLong(BaseException):
    """Not an Exception, so that an ``except Exception`` in the answer can't swallow it."""


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """No warning and no bar on stderr: nbgrader scores a check that writes there as zero."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def warnings_noted(notes: list[str]) -> Generator[None]:
    """Adds the first line of each warning of the block to ``notes``, once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for text in (str(warning.message).strip().splitlines()[:1] for warning in caught):
                notes += [line[:300] for line in text if line[:300] not in notes]


@contextlib.contextmanager
def settled(seed: int) -> Generator[None]:
    """One random state, float32, CPU and gradients on, whatever the notebook has set.

    All of it is put back at the end. CUDA is left alone where the notebook has not used it yet:
    to touch it would cost seconds and several hundred MB.
    """
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    cards = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    on_cpu = contextlib.nullcontext() if device.type == "cpu" else torch.device("cpu")
    with torch.random.fork_rng(cards), on_cpu, torch.enable_grad():
        torch.set_default_dtype(torch.float32)
        torch.manual_seed(seed)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


@contextlib.contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Raises :class:`TookTooLong` inside the block when its time is over, then every second.

    The time is over after ``seconds`` of computing; on a machine that is busy with other things,
    and for a block that waits, after ``PATIENCE`` times that. An import is never cut short: half
    a module would stay behind. By a timer of the system where there is one (not on Windows, and in
    the main thread only), otherwise from a second thread. Code that does not come back to Python
    can't be stopped.
    """
    main = threading.current_thread() is threading.main_thread()
    limit = _by_signal if main and hasattr(signal, "setitimer") else _by_thread
    with limit(seconds, _deadline(seconds)):
        yield


def _deadline(seconds: float) -> Callable[[FrameType | None], bool]:
    """Says, given the frame that is running now, whether it is to be stopped."""
    began, worked, imports = time.monotonic(), time.process_time(), _imports(sys._getframe())

    def over(frame: FrameType | None) -> bool:
        busy, waited = time.process_time() - worked, time.monotonic() - began
        late = busy >= 0.9 * seconds or waited >= PATIENCE * seconds
        return late and _imports(frame) <= imports

    return over


def _imports(frame: FrameType | None) -> int:
    """How many frames of the import system are on the stack."""
    count = 0
    while frame is not None:
        count += frame.f_code.co_filename.startswith("<frozen importlib")
        frame = frame.f_back
    return count


@contextlib.contextmanager
def _by_signal(seconds: float, over: Callable[[FrameType | None], bool]) -> Generator[None]:
    stops: list[FrameType | None] = []

    def stop(_signal: int, frame: FrameType | None) -> None:
        if over(frame):
            if stops:  # the first was swallowed by an except: stop every line from now on
                _stop_each_line(frame)
            stops.append(frame)
            raise TookTooLong

    tracer, handler = sys.gettrace(), signal.signal(signal.SIGALRM, stop)
    before = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        if stops:
            sys.settrace(tracer)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        signal.setitimer(signal.ITIMER_REAL, *before)


def _stop_each_line(frame: FrameType | None) -> None:
    """Raises :class:`TookTooLong` at every further line of ``frame`` and of what it calls.

    A loop around a bare ``except`` can swallow a stop, but not one that comes from its own body
    again. The frames of the check itself are left alone.
    """

    def trace(frame: FrameType, event: str, _value: object) -> Callable | None:
        if event == "line":
            raise TookTooLong
        return trace

    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] != OURS:
        frame.f_trace = trace
        frame = frame.f_back
    sys.settrace(lambda *_: None)


@contextlib.contextmanager
def _by_thread(seconds: float, over: Callable[[FrameType | None], bool]) -> Generator[None]:
    me, ended = threading.get_ident(), threading.Event()
    raise_in, exception = ctypes.pythonapi.PyThreadState_SetAsyncExc, ctypes.py_object(TookTooLong)

    def watch() -> None:
        pause = seconds
        while not ended.wait(pause):
            if over(sys._current_frames().get(me)):
                raise_in(ctypes.c_ulong(me), exception)
            pause = AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
