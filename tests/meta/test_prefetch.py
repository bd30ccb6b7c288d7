"""Prefetching: the right items in order whatever the timing, and no thread left behind."""

import gc
import subprocess
import sys
import threading
import time
import weakref

import pytest

from theta0.errors import InputError
from theta0.meta._prefetch import Prefetch


def prefetch_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("theta0-prefetch")]


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    gc.collect()
    deadline = time.monotonic() + 5
    while prefetch_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not prefetch_threads()


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("depth", [1, 3])
def test_item_k_is_load_k_whatever_the_timing(workers, depth):
    def load(step):
        time.sleep(0.004 * (step % 3))  # later steps often finish first
        return step * 10

    with Prefetch(load, start=7, depth=depth, workers=workers) as items:
        assert [next(items) for _ in range(12)] == [step * 10 for step in range(7, 19)]


def test_never_more_than_depth_items_are_computed_ahead():
    started = []
    with Prefetch(lambda step: started.append(step), start=0, depth=3, workers=2) as items:
        for taken in range(5):
            time.sleep(0.02)
            assert len(started) <= taken + 3
            next(items)


def test_exceptions_arrive_at_their_step_and_the_next_item_follows():
    def load(step):
        if step == 2:
            raise KeyError("file of step 2")
        return step

    with Prefetch(load, start=0, depth=4, workers=2) as items:
        assert [next(items), next(items)] == [0, 1]
        with pytest.raises(KeyError, match="file of step 2") as caught:
            next(items)
        assert any(entry.name == "load" for entry in caught.traceback)  # where it happened
        assert next(items) == 3


def test_stop_iteration_in_load_does_not_end_the_loop_in_silence():
    def load(step):
        return next(iter(()))

    with Prefetch(load, start=5) as items, pytest.raises(RuntimeError, match=r"load\(5\)"):
        next(items)


def test_stalls_count_waits_after_the_warm_up():
    with Prefetch(lambda step: time.sleep(0.1), start=0, depth=2) as items:
        for _ in range(2):
            next(items)
        assert items.stalls == 0
        for _ in range(3):
            next(items)
        assert items.stalls == 3


def test_a_consumer_slower_than_its_loader_never_stalls():
    begun = [threading.Event() for _ in range(20)]
    with Prefetch(lambda step: begun[step].set(), start=0, depth=2) as items:
        for step in range(10):
            begun[step + 1].wait()  # the one worker is past this step
            next(items)
        assert items.stalls == 0


def test_close_drops_what_waits_and_ends_the_threads():
    loaded = []

    def load(step):
        time.sleep(0.1)
        loaded.append(step)

    items = Prefetch(load, start=0, depth=50, workers=2)
    time.sleep(0.02)
    begun = time.monotonic()
    items.close()
    assert time.monotonic() - begun < 2.0  # the two running calls, not all fifty
    assert len(loaded) <= 10
    assert not prefetch_threads()
    items.close()  # a second time does nothing
    with pytest.raises(RuntimeError, match="closed"):
        next(items)


def test_idle_threads_keep_no_item_alive():
    """Items may be large, and more threads than depth are idle for long."""
    handed_out = []

    def load(step):
        item = threading.Event()  # any object that can be referred to weakly
        handed_out.append(weakref.ref(item))
        return item

    with Prefetch(load, start=0, depth=1, workers=8) as items:
        for _ in range(20):
            next(items)
        deadline = time.monotonic() + 5
        # All but the last may go; the last waits to be handed out.
        while len(handed_out) < 21 or any(item() is not None for item in handed_out[:20]):
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_threads_end_when_the_consumer_raises():
    with pytest.raises(ZeroDivisionError):
        with Prefetch(lambda step: step, start=0, workers=3) as items:
            next(items)
            raise ZeroDivisionError
    assert not prefetch_threads()


def test_threads_end_when_the_iterator_is_forgotten():
    items = Prefetch(lambda step: step, start=0, workers=2)
    next(items)
    del items  # the fixture waits for the threads to go


@pytest.mark.slow
def test_a_process_that_dies_without_closing_exits_at_once():
    code = (
        "import time; from theta0.meta._prefetch import Prefetch\n"
        "items = Prefetch(lambda step: time.sleep(1.0), start=0, depth=40)\n"
        "next(items); raise SystemExit(7)"
    )
    # All forty loads would take 40 s; starting Python takes about one.
    result = subprocess.run([sys.executable, "-c", code], timeout=20)
    assert result.returncode == 7


@pytest.mark.parametrize("arguments", [{"depth": 0}, {"workers": 0}])
def test_impossible_arguments_are_refused(arguments):
    with pytest.raises(InputError, match="at least 1"):
        Prefetch(lambda step: step, start=0, **arguments)
