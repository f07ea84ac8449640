"""Copy mode's pre-alarm: a ring of the last seconds of a camera's packets.

A decoder can only begin at a key packet, so the ring keeps and drops whole groups of pictures (GOPs). It
knows no clock and uses the packets' own times.
"""

from collections import deque

from pynvr.media.frame import TIME_TOLERANCE_S
from pynvr.media.packet import TimedPacket


class PacketRing:
    """Keeps whole groups of pictures that reach back `seconds`, as far as they fit into `limit_bytes`."""

    def __init__(self, seconds: float, limit_bytes: int) -> None:
        self.seconds = seconds
        self.limit_bytes = limit_bytes
        self._groups: deque[list[TimedPacket]] = deque()
        self.nbytes = 0
        """Bytes that the packets take now; never more than the limit after a push."""
        self.dropped = 0
        """How many packets the byte limit has pushed out although they were needed."""

    def push(self, packet: TimedPacket) -> None:
        """Add the newest packet, in the order of decoding. Before the first key packet none is kept."""
        if packet.key:
            self._groups.append([])
        elif not self._groups:
            return
        self._groups[-1].append(packet)
        self.nbytes += packet.nbytes
        while len(self._groups) > 1 and self._groups[1][0].time <= packet.time - self.seconds:
            self._forget_oldest()
        while self.nbytes > self.limit_bytes:
            self.dropped += self._forget_oldest()

    def since(self, time: float) -> list[TimedPacket]:
        """All packets from the last key packet at or before `time` on; all if there is no such packet."""
        first = 0
        for number, group in enumerate(self._groups):
            if group[0].time <= time + TIME_TOLERANCE_S:
                first = number
        return [packet for group in list(self._groups)[first:] for packet in group]

    def clear(self) -> None:
        """Forget all packets: the next one does not belong to them."""
        self._groups.clear()
        self.nbytes = 0

    def _forget_oldest(self) -> int:
        group = self._groups.popleft()
        self.nbytes -= sum(packet.nbytes for packet in group)
        return len(group)
