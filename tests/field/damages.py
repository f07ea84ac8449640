"""The table of odd files: cut, harmed, and no video at all."""

# ruff: noqa: E501
# a line each
# fmt: off

from __future__ import annotations

from footage import Row
from harm import behead, cut, garbage, lose_ts_packets, scratch, without, zero_packet, zero_packets, zeros
from oddities import BARE, X264
from rows import H264, HEVC, JPEG

PLACES = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.9, 0.99)

CUT = (
    *(Row(f"cut_at_{place:.0%}.mp4".replace("%", ""), f"{X264} -movflags faststart", (cut(place),), lost=True) for place in PLACES),
    *(Row(f"cut_at_{place:.0%}.mkv".replace("%", ""), f"{X264}", (cut(place),), lost=True) for place in PLACES[1::2]),
    *(Row(f"cut_at_{place:.0%}.ts".replace("%", ""), f"{H264}", (cut(place),), odd=True) for place in PLACES[1::2]),
    *(Row(f"cut_at_{place:.0%}.avi".replace("%", ""), f"{JPEG}", (cut(place),), lost=True) for place in PLACES[1::2]),
    Row("cut.flv", H264, (cut(0.6),), lost=True),
    Row("cut_fragments.mp4", f"{H264} -movflags frag_keyframe+empty_moov", (cut(0.6),), odd=True),
    Row("cut.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M", (cut(0.6),), lost=True),
    Row("cut_mpeg4.avi", "-c:v mpeg4 -q:v 3", (cut(0.6),), lost=True),
    Row("cut_hevc.mp4", f"{HEVC} -movflags faststart", (cut(0.6),), lost=True),
    Row("moov_missing.mp4", H264, (cut(0.9),), may="refused"),
    Row("moov_missing.mov", JPEG, (cut(0.9),), may="refused"),
    Row("moov_cut.mp4", f"{H264} -movflags faststart", (cut(0.004),), may="refused"),
)

HARMED = (
    *(
        Row(f"packet_zeroed_{where}_{kind}", codec, (zero_packet(at),), lost=True, unnoticed=(where, kind) == ("last", "h264.ts"))
        for kind, codec in (
            ("h264.mp4", X264), ("hevc.mkv", HEVC), ("h264.ts", H264), ("mpeg4.avi", "-c:v mpeg4 -q:v 3"), ("mjpeg.avi", JPEG),
        )
        for where, at in (("first", 0.0), ("middle", 0.53), ("last", 0.9999))
    ),
    Row("packets_zeroed.mp4", X264, (zero_packets(10),), lost=True),
    Row("packets_zeroed_hevc.mp4", HEVC, (zero_packets(10),), lost=True),
    Row("packets_zeroed.avi", JPEG, (zero_packets(3),), lost=True),
    Row("packets_zeroed_vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M", (zero_packets(20),), lost=True),
    Row("half_of_the_packets_zeroed.mp4", X264, (zero_packets(2),), lost=True),
    Row("scratched.mp4", X264, (scratch(7),), lost=True),
    Row("scratched_hevc.mkv", HEVC, (scratch(7),), lost=True, unnoticed=True),
    Row("scratched_mpeg4.avi", "-c:v mpeg4 -q:v 3", (scratch(7),), lost=True),
    Row("scratched_mpeg2.ts", "-c:v mpeg2video -q:v 3", (scratch(7),), lost=True),
    Row("scratched_mjpeg.mkv", JPEG, (scratch(3),), lost=True, unnoticed=True),
    Row("hole.mp4", X264, (zeros(0.3, 0.6),), lost=True),
    Row("hole.mkv", X264, (zeros(0.3, 0.6),), lost=True),
    Row("hole.ts", H264, (zeros(0.3, 0.6),), lost=True),
    Row("hole.avi", JPEG, (zeros(0.3, 0.6),), lost=True),
    Row("hole_at_the_end.mp4", f"{H264} -movflags faststart", (zeros(0.8, 1.0),), lost=True),
    Row("hole_at_the_end.ts", H264, (zeros(0.8, 1.0),), lost=True),
    Row("lost_packets.ts", f"{H264} -g 10", (lose_ts_packets(97),), lost=True),
    Row("begins_before_key.ts", f"{X264} -g 50", (behead(0.07),), odd=True),
    Row("begins_before_key.h264", f"{X264} -bf 0 -g 50", (behead(0.07),), copy="refused", because=BARE, odd=True),
    Row("begins_before_key_mpeg2.mpg", "-c:v mpeg2video -q:v 3 -g 25", (behead(0.07),), odd=True),
    Row("begins_before_key.mkv", f"sh:ff -i $M {X264} -bf 0 -g 50 -f mp4 in; ff -i in -c copy -bsf:v \"noise=drop='lt(n,20)'\" $O", odd=True),
    Row("begins_before_key.mp4", f"sh:ff -i $M {X264} -bf 0 -g 50 -f mp4 in; ff -i in -c copy -bsf:v \"noise=drop='lt(n,20)'\" $O", odd=True),
    Row("garbage_before.ts", H264, (garbage(0.0),)),
    Row("garbage_before.mpg", "-c:v mpeg2video -q:v 3", (garbage(0.0),)),
    Row("garbage_before.h264", H264, (garbage(0.0),), copy="refused", because=BARE),
    Row("garbage_before.mkv", H264, (garbage(0.0),), may="refused"),
    Row("garbage_before.mp4", H264, (garbage(0.0),), may="refused"),
    Row("garbage_between.ts", H264, (garbage(0.5),), lost=True, unnoticed=True),
    Row("garbage_between.mkv", H264, (garbage(0.5),), lost=True),
    Row("garbage_between.avi", JPEG, (garbage(0.5),), lost=True),
    Row("garbage_between.flv", H264, (garbage(0.5),), lost=True),
    Row("garbage_between.h264", H264, (garbage(0.5),), lost=True, copy="refused", because=BARE),
    Row("garbage_between.mpg", "-c:v mpeg2video -q:v 3", (garbage(0.5),), lost=True, unnoticed=True),
    Row("garbage_behind.mp4", H264, (garbage(1.0),)),
    Row("garbage_behind.ts", H264, (garbage(1.0),)),
    Row("part_missing.ts", H264, (without(0.5, 20000),), lost=True),
    Row("part_missing.mkv", H264, (without(0.5, 20000),), lost=True),
    Row("part_missing.avi", JPEG, (without(0.5, 20000),), lost=True),
)

NO_VIDEO = (
    Row("empty.mp4", "sh:: > $O", may="refused"),
    Row("text.mp4", "sh:seq 20000 > $O", may="refused"),
    Row("noise.mp4", "sh:head -c 300000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 -nosalt 2>/dev/null > $O", may="refused"),
    Row("sound_only.mp4", "sh:ff $silence -c:a aac $O", may="refused"),
    Row("sound_only.wav", "sh:ff $silence $O", may="refused"),
    Row("picture.jpg", "-frames:v 1", may="refused"),
    Row("picture.png", "-frames:v 1", may="refused"),
    Row("picture.webp", "-frames:v 1", may="refused"),
    Row("picture.bmp", "-frames:v 1", may="refused"),
    Row("sound_with_cover.mp3", "sh:ff -i $M -frames:v 1 c.jpg; ff $silence -i c.jpg -map 0 -map 1 -c:v copy -c:a libmp3lame $O", may="refused"),
    Row("playlist.m3u8", f"sh:ff -i $M {H264} -f hls -hls_time 2 -hls_list_size 0 -hls_segment_filename ../playlist_%d.ts in.m3u8; cp in.m3u8 $O"),
)

DAMAGED = CUT + HARMED + NO_VIDEO

# small ones, of a kind each, for chance to spoil
FUZZED = tuple(
    Row(name, f"-t 3 {make}")
    for name, make in (
        ("fuzz_h264.mp4", f"{X264} -movflags +faststart"),
        ("fuzz_hevc.mkv", HEVC),
        ("fuzz_h264.ts", H264),
        ("mjpeg_fuzz.avi", JPEG),
        ("fuzz_mpeg4.mp4", "-c:v mpeg4 -q:v 3 -movflags +faststart"),
    )
)
