"""A camera for tests: serves encoded files live over RTSP on 127.0.0.1. Runs under the system's python3.

    /usr/bin/python3 tests/rtsp_server.py [options] MOUNT=FILE [MOUNT=FILE ...]

It prints `ready PORT`, then `playing MOUNT` and `gone MOUNT` as clients come and go, `skipped MOUNT FRAMES`
when it could not send in time (a slow client, a stopped process), and for each command line read from stdin
`ok LINE` or `error LINE: reason`. It ends on SIGTERM or when stdin closes. Commands:

    switch MOUNT FILE       go on with this file within the running streams (same codec)
    pause SECONDS [MOUNT]   send nothing meanwhile; what is due is skipped, up to the next key frame
    mute SECONDS [MOUNT]    send no sound meanwhile
    blind SECONDS [MOUNT]   send no pictures meanwhile
    drop-clients            close every client's connection

A file's coded frames (H.264, H.265, MJPEG, MPEG-4, VP8) are held in memory and sent unchanged, each at its
time. With --sound the first sound of a .mkv (AAC, Opus, MP3, G.711) is sent beside them, each piece when
it is over, and begins anew with them. RTP carries presentation times only: the nth frame stored is due at
the nth of them in order, so that frames leave evenly with B-frames too.
"""

import argparse
import bisect
import os
import signal
import sys
import threading
import time
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

DEMUX = {
    ".mp4": "qtdemux",
    ".mkv": "matroskademux",
    ".avi": "avidemux",
    ".ts": "tsdemux ! parsebin ! video/x-h264,stream-format=avc,alignment=au;video/x-h265,stream-format=hvc1",
}
PAYLOADER = {
    "video/x-h264": "rtph264pay",
    "video/x-h265": "rtph265pay",
    "image/jpeg": "rtpjpegpay",
    "video/mpeg": "rtpmp4vpay",
    "video/x-vp8": "rtpvp8pay",
    "audio/mpeg": "rtpmp4gpay",
    "audio/x-opus": "rtpopuspay",
    "audio/x-mulaw": "rtppcmupay",
    "audio/x-alaw": "rtppcmapay",
}
FLAGS = {
    "--udp": "offer RTP over UDP as well as within the connection",
    "--in-band": "parameter sets before every key frame, not only in the SDP (a .ts has them there anyway)",
    "--once": "end the stream after the file's last frame",
    "--sound": "send the sound, too",
    "--from-start": "every client gets the file from its first frame; else it joins at the next key frame",
}
LATE_NS = 1_000_000_000  # a frame overdue by more (the process was stopped) is not sent any more
BACKLOG_BYTES = 16_000_000  # nor is one for a client that has left so much unread


def say(line: str) -> None:
    """Print one whole line at once, from any thread."""
    os.write(1, f"{line}\n".encode())


class Clip:
    """The coded frames of one file in the order in which they are stored; times in ns from 0."""

    def __init__(self, path: str, pictures: "Clip | None" = None) -> None:
        """The pictures of a file, or the sound beside these `pictures`."""
        sound = pictures is not None
        sink = "appsink name=sink sync=false wait-on-eos=false"
        demux = "matroskademux name=d d.audio_0" if sound else DEMUX[Path(path).suffix]
        pipeline = Gst.parse_launch(f'filesrc location="{path}" ! {demux} ! {sink}')
        pipeline.set_state(Gst.State.PLAYING)
        end = Gst.MessageType.EOS | Gst.MessageType.ERROR
        failed = pipeline.get_bus().timed_pop_filtered(Gst.CLOCK_TIME_NONE, end).type == Gst.MessageType.ERROR
        self.frames: list[Gst.Buffer] = []
        while not failed and (sample := pipeline.get_by_name("sink").emit("pull-sample")):
            self.frames.append(sample.get_buffer())
            self.caps = sample.get_caps()
        pipeline.set_state(Gst.State.NULL)
        if len(self.frames) < 2:
            raise ValueError(f"{path} holds no video that can be served")
        kind = self.caps.get_structure(0)
        is_mp3 = kind.get_name() == "audio/mpeg" and kind.get_int("mpegversion").value == 1
        self.payloader = "rtpmpapay" if is_mp3 else PAYLOADER[kind.get_name()]
        self.first = pictures.first if pictures else min(frame.pts for frame in self.frames)
        self.frames = [frame for frame in self.frames if frame.pts >= self.first]
        self.pts = [frame.pts - self.first for frame in self.frames]
        self.begins = sorted(self.pts)
        end = self.begins[-1] + self.begins[-1] - self.begins[-2]
        self.period = pictures.period if pictures else end
        # a piece of sound can be sent when it is over
        self.due = [*self.begins[1:], end] if sound else self.begins
        self.is_key = [sound or not frame.has_flags(Gst.BufferFlags.DELTA_UNIT) for frame in self.frames]


class Feed:
    """One client's stream: which frame comes next, and when. Times are ns of the monotonic clock."""

    def __init__(self, source: Gst.Element, payloader: Gst.Element, clip: Clip, epoch: int, now: int) -> None:
        """`epoch`: when the clip's first frame was due. The feed begins with what begins after `now`."""
        self.source, self.payloader, self.clip, self.epoch, self.start = source, payloader, clip, epoch, now
        loops, offset = divmod(now - epoch, clip.period)
        self.index = loops * len(clip.frames) + bisect.bisect_left(clip.begins, offset)
        self.wants_key = True
        self.skipped = 0
        self.end = 0  # when the latest of the frames sent so far will have been shown

    def due(self) -> int:
        loop, index = divmod(self.index, len(self.clip.frames))
        return self.epoch + loop * self.clip.period + self.clip.due[index]

    def is_key(self) -> bool:
        return self.clip.is_key[self.index % len(self.clip.frames)]

    def send(self) -> None:
        loop, index = divmod(self.index, len(self.clip.frames))
        shown = self.epoch + loop * self.clip.period + self.clip.pts[index]
        self.end = max(self.end, shown + self.clip.begins[1])
        # copy() only counts a reference, and another feed would put its time on this one's frame
        frame = self.clip.frames[index].copy_deep()
        frame.pts, frame.dts = shown - self.start, Gst.CLOCK_TIME_NONE
        self.source.emit("push-buffer", frame)

    def switch(self, clip: Clip, epoch: int) -> None:
        self.clip, self.epoch, self.index, self.wants_key = clip, epoch, 0, True
        if clip.payloader in ("rtph264pay", "rtph265pay"):
            self.payloader.set_property("config-interval", -1)  # the SDP's parameter sets hold no more
        self.source.set_property("caps", clip.caps)


class Mount:
    """One camera stream: a factory that makes a pipeline for each client, and a thread that feeds them."""

    def __init__(self, name: str, clip: Clip, sound: Clip | None, options: argparse.Namespace) -> None:
        self.name, self.clip, self.sound, self.options = name, clip, sound, options
        self.epoch = time.monotonic_ns()
        self.silent_until = {clip: 0, sound: 0}
        self.feeds: list[Feed] = []
        self.changed = threading.Condition()  # guards all of the above
        details = "pt=26" if clip.payloader == "rtpjpegpay" else "pt=96"
        if clip.payloader in ("rtph264pay", "rtph265pay"):
            details += f" config-interval={-options.in_band:d}"
        self.factory = GstRtspServer.RTSPMediaFactory()
        self.factory.set_launch(
            "( appsrc name=source is-live=true format=time max-bytes=0 "
            f"! {clip.payloader} name=pay0 {details} "
            + (
                ""
                if sound is None
                else f"appsrc name=sound is-live=true format=time ! {sound.payloader} name=pay1 "
            )
            + ")"
        )
        tcp, udp = GstRtsp.RTSPLowerTrans.TCP, GstRtsp.RTSPLowerTrans.UDP
        self.factory.set_protocols(tcp | udp if options.udp else tcp)
        may_watch = "viewer, media.factory.access=true, media.factory.construct=true"
        self.factory.add_role_from_structure(Gst.Structure.from_string(may_watch)[0])
        self.factory.connect("media-configure", self._configure)
        threading.Thread(target=self._run, daemon=True).start()

    def _configure(self, _factory: GstRtspServer.RTSPMediaFactory, media: GstRtspServer.RTSPMedia) -> None:
        """A client has asked for the stream: make a feed for it, which begins when the client says PLAY."""
        source = media.get_element().get_child_by_name("source")
        payloader = media.get_element().get_child_by_name("pay0")
        sound_source = media.get_element().get_child_by_name("sound")
        feeds: list[Feed] = []

        def new_state(_media: GstRtspServer.RTSPMedia, state: int) -> None:
            if state != int(Gst.State.PLAYING) or feeds:
                return
            with self.changed:
                now = time.monotonic_ns()
                epoch = now if self.options.from_start else self.epoch
                feeds.append(Feed(source, payloader, self.clip, epoch, now))
                if self.sound is not None:
                    feeds.append(Feed(sound_source, payloader, self.sound, epoch, now))
                self.feeds += feeds
                self.changed.notify()
            say(f"playing {self.name}")

        def unprepared(_media: GstRtspServer.RTSPMedia) -> None:
            with self.changed:
                self.feeds = [feed for feed in self.feeds if feed not in feeds]
            say(f"gone {self.name}")

        media.connect("new-state", new_state)
        media.connect("unprepared", unprepared)
        media.set_rate_control(False)  # the feeding thread keeps the time: what is pushed leaves at once
        source.set_property("caps", self.clip.caps)  # with the parameter sets, which the SDP quotes
        source.send_event(Gst.Event.new_gap(0, 1))  # DESCRIBE is answered when data or a gap comes
        if self.sound is not None:
            sound_source.set_property("caps", self.sound.caps)
            sound_source.send_event(Gst.Event.new_gap(0, 1))

    def _run(self) -> None:
        """Send every frame to every feed at its time, for ever."""
        with self.changed:
            while True:
                feed = min(self.feeds, key=Feed.due, default=None)
                delay = feed.due() - time.monotonic_ns() if feed else None
                if feed is None or delay is None or delay > 0:
                    self.changed.wait(delay and delay / 1e9)
                elif self.options.once and feed.index >= len(feed.clip.frames):
                    feed.source.emit("end-of-stream")
                    self.feeds.remove(feed)
                else:
                    self._step(feed, late=-delay > LATE_NS)

    def _step(self, feed: Feed, late: bool) -> None:
        """Send the feed's next frame, or skip it: in a pause, or too late, and then up to a key frame."""
        late = late or feed.source.get_property("current-level-bytes") > BACKLOG_BYTES
        if late or feed.due() < self.silent_until[feed.clip]:
            feed.wants_key = True
            feed.skipped += late
        elif feed.wants_key and not feed.is_key():
            feed.skipped += feed.skipped > 0
        else:
            feed.wants_key = False
            feed.send()
            if feed.skipped:
                say(f"skipped {self.name} {feed.skipped}")
                feed.skipped = 0
        feed.index += 1

    def switch(self, path: str) -> None:
        """From now on serve this file, as soon as every frame sent has been shown: times keep rising."""
        clip = Clip(path)
        sound = Clip(path, clip) if self.sound else None
        if clip.payloader != self.clip.payloader:
            raise ValueError("another codec than the running stream's")
        with self.changed:
            new = {self.clip: clip, self.sound: sound}
            self.silent_until = {new[old]: until for old, until in self.silent_until.items()}
            self.epoch = max([time.monotonic_ns(), *(feed.end for feed in self.feeds)])
            for feed in self.feeds:
                feed.switch(new[feed.clip], self.epoch)
            self.clip, self.sound = clip, sound
            self.changed.notify()

    def pause(self, seconds: float, clips: "list[Clip | None]") -> None:
        with self.changed:
            for clip in clips:
                self.silent_until[clip] = time.monotonic_ns() + int(seconds * 1e9)


def make_server(options: argparse.Namespace) -> GstRtspServer.RTSPServer:
    """A server on loopback that asks for the password if there is one (Digest, as most cameras do)."""
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(options.port))
    if options.user is not None:
        auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(options.user, options.password, token)
        server.set_auth(auth)
    return server


def obey(line: str, mounts: dict[str, Mount], server: GstRtspServer.RTSPServer) -> None:
    """Carry out one command line."""
    match line.split():
        case ["switch", name, path]:
            mounts[name].switch(path)
        case ["pause" | "mute" | "blind" as word, seconds, *names]:
            for mount in (mounts[name] for name in names or mounts):
                clips = {"pause": [mount.clip, mount.sound], "mute": [mount.sound], "blind": [mount.clip]}
                mount.pause(float(seconds), clips[word])
        case ["drop-clients"]:
            server.client_filter(lambda _server, _client: GstRtspServer.RTSPFilterResult.REMOVE)
        case _:
            raise ValueError("unknown command")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    for flag, meaning in FLAGS.items():
        parser.add_argument(flag, action="store_true", help=meaning)
    parser.add_argument("streams", nargs="+", metavar="MOUNT=FILE")
    options = parser.parse_args()

    Gst.init(None)
    server, loop = make_server(options), GLib.MainLoop()
    streams = dict(stream.split("=", 1) for stream in options.streams)
    clips = {path: Clip(path) for path in set(streams.values())}
    sounds = {path: Clip(path, clip) for path, clip in clips.items()} if options.sound else {}
    mounts = {name: Mount(name, clips[path], sounds.get(path), options) for name, path in streams.items()}
    for name, mount in mounts.items():
        server.get_mount_points().add_factory(f"/{name}", mount.factory)
    if not server.attach(None):
        sys.exit(f"cannot listen on port {options.port}")

    def follow() -> None:
        for line in map(str.strip, sys.stdin):
            try:
                obey(line, mounts, server)
                say(f"ok {line}")
            except (KeyError, ValueError, GLib.Error) as error:
                say(f"error {line}: {error!r}")
        loop.quit()

    threading.Thread(target=follow, daemon=True).start()
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGTERM, loop.quit)
    say(f"ready {server.get_bound_port()}")
    loop.run()
    os._exit(0)  # the threads wait for frames and for stdin: nothing to tidy up


if __name__ == "__main__":
    main()
