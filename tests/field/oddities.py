"""The table of odd files: pictures, times and what else lies in a file."""

# ruff: noqa: E501
# a line each
# fmt: off

from __future__ import annotations

from footage import Row
from rows import H264, HEVC, JPEG

X264 = "-c:v libx264 -preset veryfast -crf 18 -pix_fmt yuv420p"
# each picture of two moments, line by line, but for the strip with the number
FIELDS = "[0]split[a][b];[a]tinterlace=interleave_top[c];[b]select='not(mod(n,2))',crop=iw:12:0:ih-12[d];[c][d]overlay=0:H-h,setfield=tff"

NO_TURN = "neither .avi nor .mkv, which hold MJPEG, can say here that pictures are turned or stretched"

PICTURES = (
    # groups of pictures
    Row("bframes.mp4", f"{X264} -bf 3"),
    Row("bframes.mkv", f"{X264} -bf 3"),
    Row("bframes.ts", f"{X264} -bf 3"),
    Row("bframes.avi", f"{X264} -bf 3", copy="refused", because="avi says only when a packet is decoded"),
    Row("bframes.flv", f"{X264} -bf 3"),
    Row("bframes_pyramid.mov", f"{X264} -bf 8 -x264-params b-pyramid=normal:b-adapt=0"),
    Row("hevc_bframes.mp4", HEVC.replace("keyint=25", "keyint=50:bframes=4:b-adapt=0") + " -tag:v hvc1"),
    Row("hevc_bframes.ts", HEVC.replace("keyint=25", "keyint=50:bframes=4:b-adapt=0")),
    Row("open_gop.mp4", f"{X264} -bf 3 -g 25 -x264-params open-gop=1"),
    Row("open_gop.ts", f"{X264} -bf 3 -g 25 -x264-params open-gop=1"),
    Row("hevc_open_gop.mkv", HEVC.replace("keyint=25", "keyint=25:open-gop=1:bframes=4:b-adapt=0")),
    Row("long_gop.mp4", f"{X264} -g 1000 -keyint_min 1000"),
    Row("all_intra.mp4", f"{X264} -g 1"),
    Row("intra_refresh.mp4", f"{X264} -bf 0 -x264-params intra-refresh=1:keyint=25"),
    Row("intra_refresh.ts", f"{X264} -bf 0 -x264-params intra-refresh=1:keyint=25"),
    Row("sliced.mp4", f"{X264} -x264-params slices=4"),
    Row("lossless.mp4", "-c:v libx264 -qp 0 -preset ultrafast"),
    # interlaced
    Row("interlaced.mp4", f"-vf scale=640:480,setfield=tff {X264} -flags +ildct+ilme -x264-params tff=1 -t 4"),
    Row("interlaced.ts", f"-vf setfield=tff {X264} -flags +ildct+ilme -x264-params tff=1"),
    Row("interlaced_bff.mkv", f"-vf setfield=bff {X264} -flags +ildct+ilme -x264-params bff=1"),
    Row("interlaced_of_50_fields.mp4", f"sh:ff -i $L -filter_complex \"{FIELDS}\" {X264} -flags +ildct+ilme -x264-params tff=1 $O"),
    Row("interlaced_of_50_fields.ts", f"sh:ff -i $L -filter_complex \"{FIELDS}\" -c:v mpeg2video -q:v 3 -flags +ildct+ilme -top 1 $O"),
    Row("interlaced_fake.mp4", f"{X264} -x264-params fake-interlaced=1"),
    Row("interlaced_mpeg2.ts", "-vf setfield=tff -c:v mpeg2video -q:v 3 -flags +ildct+ilme -top 1"),
    Row("interlaced_mpeg2.mpg", "-vf setfield=tff -c:v mpeg2video -q:v 3 -bf 2 -flags +ildct+ilme -top 1"),
    Row("interlaced_mpeg4.avi", "-vf setfield=tff -c:v mpeg4 -q:v 3 -flags +ildct+ilme -top 1"),
    Row("interlaced_prores.mov", "-vf setfield=tff -c:v prores_ks -profile:v 0 -flags +ildct -top 1"),
    Row("interlaced_pulldown.mpg", "-vf setfield=tff -r 24000/1001 -c:v mpeg2video -q:v 3 -flags +ildct+ilme"),
    Row("interlaced_said_by_mov.mov", f"-vf setfield=tff {JPEG} -field_order tt"),
    # kinds of pixels
    Row("10bit.mp4", "-c:v libx264 -preset ultrafast -crf 18 -pix_fmt yuv420p10le"),
    Row("hevc_10bit.mp4", HEVC.replace("yuv420p", "yuv420p10le") + " -tag:v hvc1"),
    Row("hevc_12bit_444.mkv", HEVC.replace("yuv420p", "yuv444p12le")),
    Row("422.mp4", "-c:v libx264 -preset ultrafast -crf 18 -pix_fmt yuv422p"),
    Row("422_10bit.mov", "-c:v libx264 -preset ultrafast -crf 18 -pix_fmt yuv422p10le"),
    Row("444.mp4", "-c:v libx264 -preset ultrafast -crf 18 -pix_fmt yuv444p"),
    Row("gray.mp4", "-c:v libx264 -preset ultrafast -crf 18 -pix_fmt gray"),
    Row("hevc_gray.mkv", HEVC.replace("yuv420p", "gray")),
    Row("rgb.mp4", "-c:v libx264rgb -preset ultrafast -crf 18"),
    Row("full_range.mp4", f"-vf scale=out_range=full {H264} -color_range pc"),
    Row("vp9_10bit.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M -pix_fmt yuv420p10le"),
    Row("ffv1_gray16.mkv", "-c:v ffv1 -pix_fmt gray16le"),
    # sizes
    Row("odd_319x239.mkv", "-vf scale=319:239 -c:v libx264 -preset ultrafast -crf 18 -pix_fmt yuv444p"),
    Row("odd_mjpeg_319x239.avi", f"-vf scale=319:239 {JPEG}"),
    Row("odd_hevc_318x238.mp4", f"-vf scale=318:238 {HEVC} -tag:v hvc1"),
    Row("odd_h264_322x242.ts", f"-vf scale=322:242 {H264}"),
    Row("odd_height_320x241.mp4", "-vf scale=320:241 -c:v mpeg4 -q:v 3"),
    Row("odd_width_321x240.mkv", "-vf scale=321:240 -c:v ffv1"),
    Row("cropped.mp4", f"sh:ff -i $L {X264} -bsf:v h264_metadata=crop_top=24 $O"),
    Row("tiny_80x60.mp4", f"-vf scale=80:60:flags=area {H264} -crf 8"),
    Row("wide_640x64.mp4", f"-vf scale=640:64 {H264}"),
    Row("portrait.mp4", f"sh:ff -i $T {H264} $O"),
    Row("portrait_mjpeg.avi", f"sh:ff -i $T {JPEG} $O"),
    Row("large_3840x2160.mp4", f"-vf scale=3840:2160 -t 0.4 {H264} -g 1000"),
    # turned
    *(
        Row(f"turned_{angle}.{suffix}", f"sh:ff -i $M -vf {turn} {codec} -f {suffix} in; ff -i in -c copy -metadata:s:v rotate={angle} $O", copy="said" if codec == JPEG else "", because=NO_TURN)
        for angle, turn in ((90, "transpose=1"), (180, "hflip,vflip"), (270, "transpose=2"))
        for suffix, codec in (("mp4", H264), ("mov", JPEG))
    ),
    Row("turned_90_portrait.mp4", f"sh:ff -i $T -vf transpose=1 {HEVC} -tag:v hvc1 -f mp4 in; ff -i in -c copy -metadata:s:v rotate=90 $O"),
    Row("turned_90_mpeg4.mp4", "sh:ff -i $M -vf transpose=1 -c:v mpeg4 -q:v 3 -f mp4 in; ff -i in -c copy -metadata:s:v rotate=90 $O"),
    Row("turned_90_sar.mp4", f"sh:ff -i $M -vf transpose=1,setsar=3/4 {H264} -f mp4 in; ff -i in -c copy -metadata:s:v rotate=90 $O"),
    # the shape of pixels
    Row("sar_4_3.mp4", f"-vf setsar=4/3 {H264}"),
    Row("sar_2_1.mp4", f"-vf setsar=2/1 {H264}"),
    Row("sar_1_2.mkv", f"-vf setsar=1/2 {H264}"),
    Row("sar_4_3.ts", f"-vf setsar=4/3 {H264}"),
    Row("sar_4_3.avi", "-vf setsar=4/3 -c:v mpeg4 -q:v 3"),
    Row("sar_hevc.mp4", f"-vf setsar=16/11 {HEVC} -tag:v hvc1"),
    Row("sar_mpeg2.mpg", "-vf scale=352:288 -aspect 16:9 -c:v mpeg2video -q:v 3"),
    Row("sar_by_container_only.mkv", f"sh:ff -i $M {H264} -f mp4 in; ff -i in -c copy -aspect 16:9 $O"),
    Row("sar_by_container_only.mp4", f"sh:ff -i $M {H264} -f matroska in; ff -i in -c copy -aspect 16:9 $O"),
    Row("sar_mjpeg.mkv", f"-vf setsar=4/3 {JPEG}", copy="said", because=NO_TURN),
    Row("sar_vp9.webm", "-vf setsar=3/2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M"),
)

WANDER = "setpts='(N+6*sin(N/9))/25/TB'"
TWO = "ff -i $M {codec} -t 4 {more} a.{suffix}; ff -ss 4 -i $M {codec} {more} b.{suffix}; cat a.{suffix} b.{suffix} > $O"

BARE = "a bare stream does not say when its pictures are shown"

TIMES = (
    Row("vfr.mp4", f"-vf {WANDER} -fps_mode vfr -enc_time_base 1:1000 {X264} -bf 2"),
    Row("vfr.mkv", f"-vf {WANDER} -fps_mode vfr -enc_time_base 1:1000 {X264} -bf 0"),
    Row("vfr_mjpeg.mkv", f"-vf {WANDER} -fps_mode vfr -enc_time_base 1:1000 {JPEG}"),
    Row("vfr_thinned.mp4", f"-vf \"select='not(mod(n,3))+lt(n,60)'\" -fps_mode vfr {X264}"),
    Row("vfr_vp9.webm", f"-vf {WANDER} -fps_mode vfr -enc_time_base 1:1000 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M"),
    Row("pause_of_100_s.mp4", f"-vf \"setpts='(N+2500*gte(N,100))/25/TB'\" -fps_mode vfr {H264}"),
    Row("pause_while_sound_goes_on.mkv", f"sh:ff -i $M -f lavfi -i sine=r=8000:d=108 -vf \"setpts='(N+2500*gte(N,100))/25/TB'\" -fps_mode vfr {H264} -c:a pcm_s16le -frame_size 80 $O"),
    Row("pause_while_sound_goes_on.ts", f"sh:ff -i $M -f lavfi -i sine=r=48000:d=108 -vf \"setpts='(N+2500*gte(N,100))/25/TB'\" -fps_mode vfr {H264} -c:a mp2 $O", like="-copyts"),
    Row("1_fps.mp4", f"sh:ff -r 1 -i $M -frames:v 20 -fps_mode passthrough {H264} $O"),
    Row("1_fps.avi", f"sh:ff -r 1 -i $M -frames:v 20 -fps_mode passthrough {JPEG} $O"),
    Row("one_in_10_s.mkv", f"sh:ff -r 1/10 -i $M -frames:v 12 -fps_mode passthrough {H264} $O"),
    Row("120_fps.mp4", f"sh:ff -r 120 -i $M -fps_mode passthrough {X264} $O"),
    Row("240_fps.mov", f"sh:ff -r 240 -i $M -fps_mode passthrough {H264} $O"),
    Row("1000_fps.mkv", f"sh:ff -r 1000 -i $M -fps_mode passthrough {H264} $O"),
    Row("29_97_fps.mp4", f"sh:ff -r 30000/1001 -i $M -fps_mode passthrough {X264} $O"),
    Row("12_5_fps.ts", f"sh:ff -r 12.5 -i $M -fps_mode passthrough {H264} $O"),
    Row("7_fps.avi", "sh:ff -r 7 -i $M -fps_mode passthrough -c:v mpeg4 -q:v 3 $O"),
    Row("wrong_rate_in_stream.mp4", f"sh:ff -r 50 -i $M {H264} -f h264 in; ff -r 10 -i in -c copy $O"),
    Row("wrong_rate_in_stream.mkv", f"sh:ff -r 50 -i $M {H264} -f h264 in; ff -r 10 -i in -c copy $O"),
    Row("wrong_rate_in_stream.ts", f"sh:ff -r 50 -i $M {H264} -f h264 in; ff -r 10 -i in -c copy $O"),
    Row("edit_list.mp4", f"sh:ff -i $M {X264} -g 50 -f mp4 in; ff -ss 1.3 -i in -c copy $O", hidden=True),
    Row("edit_list.mov", f"sh:ff -i $M {X264} -bf 0 -g 50 -f mov in; ff -ss 1.3 -i in -c copy $O", hidden=True),
    Row("edit_list_empty.mp4", f"sh:ff -i $M {H264} -f mp4 in; ff $silence -itsoffset 2 -i in -map 0 -map 1 -c:v copy -c:a aac $O"),
    Row("edit_list_bframes_sound.mp4", f"sh:ff -i $M $silence {X264} -bf 3 -c:a aac -f mp4 in; ff -ss 2.1 -i in -c copy $O", hidden=True),
    Row("negative_first_time.mp4", f"{X264} -bf 3 -movflags negative_cts_offsets"),
    Row("late_first_time.mkv", f"sh:ff -i $M {H264} -f mp4 in; ff -itsoffset 3600 -i in -c copy -avoid_negative_ts disabled $O"),
    Row("late_first_time.ts", f"{X264} -output_ts_offset 50000"),
    Row("wrap_33_bits.ts", f"{X264} -output_ts_offset 95440"),
    Row("wrap_33_bits_mpeg2.ts", "-c:v mpeg2video -q:v 3 -output_ts_offset 95440"),
    Row("times_restart.ts", "sh:" + TWO.format(codec=H264, suffix="ts", more=""), odd=True),
    Row("times_restart_bframes.ts", "sh:" + TWO.format(codec=f"{X264} -bf 3", suffix="ts", more=""), odd=True),
    Row("times_restart_mpeg2.mpg", "sh:" + TWO.format(codec="-c:v mpeg2video -q:v 3", suffix="mpg", more=""), odd=True),
    Row("times_restart.flv", f"sh:ff -i $M {H264} -t 4 a.flv; ff -ss 4 -i $M {H264} b.flv; cat a.flv > $O; tail -c +14 b.flv >> $O", even=True, odd=True),
    Row("times_restart.h264", "sh:" + TWO.format(codec=H264, suffix="h264", more=""), copy="refused", because=BARE),
    Row("times_leap_1_h.ts", f"sh:ff -i $M {H264} -t 4 a.ts; ff -ss 4 -i $M {H264} -output_ts_offset 3600 b.ts; cat a.ts b.ts > $O", even=True, odd=True),
    Row("times_leap_back.ts", f"sh:ff -i $M {H264} -t 4 -output_ts_offset 3600 a.ts; ff -ss 4 -i $M {H264} b.ts; cat a.ts b.ts > $O", even=True, odd=True),
    Row("times_of_three.ts", f"sh:ff -i $M {H264} -t 3 a.ts; ff -ss 3 -i $M {H264} -t 3 b.ts; ff -ss 6 -i $M {H264} c.ts; cat a.ts b.ts c.ts > $O", odd=True),
    Row("no_times.h264", H264, like="-framerate 25", copy="refused", because=BARE),
    Row("no_times_bframes.h264", f"{X264} -bf 3", copy="refused", because=BARE),
    Row("no_times_10_fps.h264", f"sh:ff -r 10 -i $M -fps_mode passthrough {H264} $O", like="-framerate 10", copy="refused", because=BARE),
    Row("no_times.h265", HEVC, copy="refused", because=BARE),
    Row("no_times.m4v", "-c:v mpeg4 -q:v 3 -f m4v"),
    Row("no_times.mjpeg", f"{JPEG} -f mjpeg"),
    Row("no_times.m2v", "-c:v mpeg2video -q:v 3"),
    Row("no_times.mkv", f"sh:ff -i $M {H264} -f h264 in; ff -fflags +genpts -r 25 -i in -c copy $O"),
)

BESIDE = (
    Row("single_picture.mp4", f"-frames:v 1 {H264}"),
    Row("two_pictures.mp4", f"-vf \"select='eq(n,0)+eq(n,50)'\" -fps_mode vfr {H264}"),
    Row("audio_first.mp4", f"sh:ff $silence -i $M -map 0:a -map 1:v -c:a aac {H264} $O"),
    Row("audio_first.ts", f"sh:ff $silence -i $M -map 0:a -map 1:v -c:a aac {H264} $O"),
    Row("audio_first.avi", f"sh:ff $silence -i $M -map 0:a -map 1:v -c:a mp3 {H264} $O"),
    Row("audio_longer.mkv", f"sh:ff -i $M -f lavfi -i sine=r=16000:d=60 -c:a aac {H264} $O"),
    Row("audio_longer.mp4", f"sh:ff -i $M -f lavfi -i sine=r=16000:d=60 -c:a aac {H264} $O"),
    Row("audio_begins_5_s_early.ts", f"sh:ff -i $M {H264} -f mp4 in; ff $silence -itsoffset 5 -i in -map 0 -map 1 -c:v copy -c:a aac $O"),
    Row("audio_begins_5_s_early.mkv", f"sh:ff -i $M {H264} -f mp4 in; ff $silence -itsoffset 5 -i in -map 0 -map 1 -c:v copy -c:a aac $O"),
    Row("picture_track_first.mp4", "sh:ff -i $M -frames:v 1 c.jpg; ff -i c.jpg -i $M -map 0 -map 1 -c:v:0 copy -c:v:1 libx264 -preset ultrafast -crf 18 $O", stream=1),
    Row("picture_track_first.mkv", "sh:ff -i $M -frames:v 1 c.jpg; ff -i c.jpg -i $M -map 0 -map 1 -c:v:0 copy -c:v:1 libx264 -preset ultrafast -crf 18 $O", stream=1),
    Row("picture_attached_first.mp4", f"sh:ff -i $M -frames:v 1 c.jpg; ff -i c.jpg -i $M -map 0 -map 1 -c:v:0 copy {H264.replace('-c:v', '-c:v:1')} -disposition:v:0 attached_pic $O"),
    Row("picture_attached_last.mp4", f"sh:ff -i $M -frames:v 1 c.png; ff -i $M -i c.png -map 0 -map 1 {H264} -c:v:1 copy -disposition:v:1 attached_pic $O"),
    Row("picture_attached.mkv", f"sh:ff -i $M -frames:v 1 c.jpg; ff -i $M {H264} -attach c.jpg -metadata:s:t mimetype=image/jpeg $O"),
    Row("two_videos_small_first.mkv", "sh:ff -i $M -filter_complex '[0:v]split[a][b];[a]scale=160:120[c]' -map '[c]' -map '[b]' -c:v libx264 -preset ultrafast -crf 18 $O", stream=1),
    Row("two_videos_large_first.mp4", "sh:ff -i $M -filter_complex '[0:v]split[a][b];[a]scale=160:120[c]' -map '[b]' -map '[c]' -c:v libx264 -preset ultrafast -crf 18 $O"),
    Row("two_videos.ts", "sh:ff -i $M -filter_complex '[0:v]split[a][b];[a]scale=160:120[c]' -map '[c]' -map '[b]' -c:v libx264 -preset ultrafast -crf 18 $O", stream=1),
    Row("subtitles.mkv", f"sh:printf '1\\n00:00:01,000 --> 00:00:03,000\\nHello\\n' > s.srt; ff -i s.srt -i $M -map 0 -map 1 {H264} $O"),
    Row("subtitles.mp4", f"sh:printf '1\\n00:00:01,000 --> 00:00:03,000\\nHello\\n' > s.srt; ff -i s.srt -i $M -map 0 -map 1 {H264} -c:s mov_text $O"),
    Row("timecode.mov", f"{X264} -timecode 01:00:00:00"),
    Row("size_changes.ts", f"sh:ff -i $M {H264} -t 4 a.ts; ff -ss 4 -i $M -vf scale=640:480 {H264} -output_ts_offset 4 b.ts; cat a.ts b.ts > $O", odd=True),
    Row("aud.mp4", f"{X264} -x264-params aud=1"),
    Row("parameter_sets_in_band.mp4", f"{H264} -x264-params repeat-headers=1 -tag:v avc3"),
    Row("named_wrongly.avi", f"{H264} -f mp4"),
    Row("named_wrongly.mp4", f"{X264} -f matroska"),
    Row("without_suffix", f"{H264} -f mp4"),
    Row("no_duration.mkv", f"sh:ff -i $M {H264} -f matroska - | cat > $O"),
    Row("no_duration.webm", "sh:ff -i $M -c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M -f webm -live 1 - | cat > $O"),
    Row("no_index.avi", f"sh:ff -i $M {H264} -f avi - | cat > $O"),
    Row("no_duration.flv", f"sh:ff -i $M {H264} -f flv -flvflags no_duration_filesize - | cat > $O"),
    )

ODD = PICTURES + TIMES + BESIDE
