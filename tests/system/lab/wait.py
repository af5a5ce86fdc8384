"""Waiting for the thing itself, with a deadline that names what it waited for."""
import time

DEADLINE = 60  # seconds; generous, because it decides nothing but a hang


def until(what, probe, seconds=DEADLINE):
    """The first true value of probe(); AssertionError naming `what` if none comes."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)
