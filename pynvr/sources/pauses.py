"""How long to wait before a camera that is away is asked again."""

import random

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Each pause is twice the one before."""
REFUSED_S, LONGEST_REFUSED_S = 60.0, 600.0
"""The same while it refuses a password that it has not taken before: after some tries many cameras lock
the account for half an hour, for the right password, too. One that it has taken is tried again at once, since
some refuse everybody while they start; but it may have been changed, so these pauses grow as long."""
JITTER = 0.2
"""A pause is shortened by up to this share at random, so that many cameras do not reconnect at once."""


class Pauses:
    """The pauses between two connections to one camera."""

    def __init__(self) -> None:
        self._next_s, self._was_there = FIRST_PAUSE_S, False

    def begin(self) -> None:
        """The camera was there: the next pause is the first one."""
        self._next_s, self._was_there = FIRST_PAUSE_S, True

    def next_s(self, refused: bool) -> float:
        """The next pause, seconds; `refused`: the camera did not take the password."""
        first_s = REFUSED_S if refused and not self._was_there else FIRST_PAUSE_S
        pause_s = min(max(self._next_s, first_s), LONGEST_REFUSED_S if refused else LONGEST_PAUSE_S)
        self._next_s = 2 * pause_s
        return pause_s * random.uniform(1 - JITTER, 1)
