"""Both ends of HTTP/2 that give up at any moment, each by its own dice."""
import random
import threading

from . import h2wire as w


def aborting(open_, name, count, seed):
    """count streams over what open_() gives, some of which are given up, at any
    moment of their lives."""
    dice = random.Random(seed)
    c = open_()
    done = 0
    while done < count:
        if c.ended or c.goaway is not None or dice.random() < 0.01:
            c.abort() if dice.random() < 0.5 else c.close()
            c = open_()
        size = dice.randrange(1, 20)
        done += size
        try:
            batch = [c.request(f"/{dice.randrange(8)}", authority=name,
                               **({"method": "POST", "end": False} if dice.random() < 0.3
                                  else {})) for _ in range(size)]
            for s in batch:
                what = dice.random()
                if not s.sent_end and what < 0.8:
                    s.send_data(b"y" * dice.randrange(40000), end=what < 0.6)
                if what > 0.9 or not s.sent_end:
                    s.send_reset()
                else:
                    s.wait_over()
        except (OSError, AssertionError):
            pass
    c.close()


def moody(seed):
    """An origin that now and then gives up, in each way there is."""
    dice, lock = random.Random(seed), threading.Lock()

    def answer2(s):
        with lock:
            what, size = dice.random(), dice.randrange(60000)
        if what < 0.05:
            return s.send_reset(w.INTERNAL_ERROR)
        if what < 0.06:
            return s.conn.abort()
        if what < 0.07:
            s.conn.say_goaway(s.id)
        elif what < 0.12:
            return s.respond(413)
        s.wait_over()
        s.send_head([(":status", "200")])
        s.send_data(b"z" * size, end=what > 0.2)
        if what <= 0.2:
            s.send_reset(w.CANCEL)

    return answer2
