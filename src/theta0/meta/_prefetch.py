"""Computes the next items in background threads while the consumer works on the present one."""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

from theta0.errors import InputError

T = TypeVar("T")


class Prefetch(Generic[T]):
    """Iterates over `load(start), load(start + 1), ...` without end, computing ahead.

    Item k is `load(k)` whatever the timing, so `load` should be a pure function of the step. Items
    come in order; never more than `depth` are computed or held beyond the one handed out. An
    exception in `load(k)` is raised when item k is asked for; the next item is k + 1.

    Use it as a context manager, or call `close`, so that its threads end with the loop.

    Attributes:
        stalls: How often the consumer had to wait, not counting the first `depth` items: above
            zero means that loading, not the consumer, sets the pace.

    >>> with Prefetch(lambda step: step * step, start=3) as items:
    ...     next(items), next(items)
    (9, 16)
    """

    def __init__(self, load: Callable[[int], T], start: int, depth: int = 4, workers: int = 1):
        """Start computing.

        Args:
            load: Called with each step, in threads: at most `workers` calls at a time.
            start: The first step.
            depth: Items computed ahead.
            workers: Threads.

        Raises:
            InputError: `depth` or `workers` is below 1.
        """
        if depth < 1 or workers < 1:
            raise InputError(f"prefetch: depth={depth} and workers={workers} must be at least 1")
        self.stalls = 0
        self._next_step = start
        self._warm_up = depth
        self._requests: SimpleQueue[tuple[int, Future[T]] | None] = SimpleQueue()
        self._pending: deque[tuple[int, Future[T]]] = deque()
        for _ in range(depth):
            self._request()
        # Daemons, unlike the threads of an executor, do not keep a process alive whose consumer
        # died. They know the queue but not this object, so that forgetting it stops them.
        self._threads = [
            threading.Thread(
                target=_work, args=(load, self._requests), name="theta0-prefetch", daemon=True
            )
            for _ in range(workers)
        ]
        self._finalizer = weakref.finalize(self, _stop, self._requests, self._pending, workers)
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if not self._finalizer.alive:
            raise RuntimeError("this Prefetch is closed; make a new one to go on")
        step, item = self._pending.popleft()
        # Work is only ever added here, so a consumer that stops leaves nothing running for long.
        self._request()
        if self._warm_up:
            self._warm_up -= 1
        elif not item.done():
            self.stalls += 1
        try:
            return item.result()
        except StopIteration as error:
            # Passed on as it is, it would end the consumer's loop in silence.
            raise RuntimeError(f"load({step}) raised StopIteration") from error

    def __enter__(self) -> "Prefetch[T]":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop what is waiting, let running calls of `load` finish, and end the threads."""
        self._finalizer()
        for thread in self._threads:
            thread.join()

    def _request(self) -> None:
        request = self._next_step, Future[T]()
        self._next_step += 1
        self._pending.append(request)
        self._requests.put(request)


def _work(load: Callable[[int], T], requests: "SimpleQueue[tuple[int, Future[T]] | None]") -> None:
    """Answer requests until there is a None."""
    while (request := requests.get()) is not None:
        step, item = request
        if not item.set_running_or_notify_cancel():
            continue
        try:
            item.set_result(load(step))
        except BaseException as error:  # whatever it is, the consumer must see it
            item.set_exception(error)
        del request, item  # or an idle thread would keep the last item alive


def _stop(
    requests: "SimpleQueue[tuple[int, Future[T]] | None]",
    pending: deque[tuple[int, Future[T]]],
    workers: int,
) -> None:
    """Cancel what has not begun, and tell every worker to end after what it is doing."""
    for _, item in pending:
        item.cancel()
    pending.clear()
    for _ in range(workers):
        requests.put(None)
