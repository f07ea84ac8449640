"""The table of odd files: codecs and containers."""

# ruff: noqa: E501
# a line each
# fmt: off

from __future__ import annotations

from footage import Row

H264 = "-c:v libx264 -preset ultrafast -crf 18 -bf 0 -g 25 -pix_fmt yuv420p"
HEVC = "-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1:frame-threads=1:keyint=25 -crf 18 -pix_fmt yuv420p"
AV1 = "-c:v libsvtav1 -preset 12 -crf 25 -pix_fmt yuv420p"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M"
NO_AV1 = "the FFmpeg of OpenCV's wheels has no software decoder for AV1"
JPEG = "-c:v mjpeg -q:v 3 -pix_fmt yuvj420p"

CODECS = (
    # H.264 in whatever holds it
    Row("h264.mp4", H264),
    Row("h264_fragments.mp4", f"{H264} -movflags frag_keyframe+empty_moov"),
    Row("h264_dash.mp4", f"{H264} -movflags frag_every_frame+empty_moov+default_base_moof"),
    Row("h264_faststart.m4v", f"{H264} -movflags faststart"),
    Row("h264.mov", H264),
    Row("h264.mkv", H264),
    Row("h264.avi", H264),
    Row("h264.ts", H264),
    Row("h264.m2ts", H264),
    Row("h264.flv", H264),
    Row("h264.3gp", H264),
    Row("h264.nut", H264),
    Row("h264_gst.mp4", "sh:gst filesrc location=$M ! y4mdec ! x264enc speed-preset=ultrafast ! h264parse ! mp4mux fragment-duration=500 ! filesink location=$O"),
    Row("h264_gst.mkv", "sh:gst filesrc location=$M ! y4mdec ! x264enc speed-preset=ultrafast ! h264parse ! matroskamux streamable=true ! filesink location=$O"),
    Row("h264_gst.ts", "sh:gst filesrc location=$M ! y4mdec ! x264enc speed-preset=ultrafast ! h264parse ! mpegtsmux ! filesink location=$O"),
    Row("h264_gst.avi", "sh:gst filesrc location=$M ! y4mdec ! x264enc speed-preset=ultrafast bframes=0 ! h264parse ! avimux ! filesink location=$O"),
    # H.265
    Row("hevc_hvc1.mp4", f"{HEVC} -tag:v hvc1"),
    Row("hevc_hev1.mp4", f"{HEVC} -tag:v hev1"),
    Row("hevc.mkv", HEVC),
    Row("hevc.ts", HEVC),
    Row("hevc.mov", f"{HEVC} -tag:v hvc1"),
    # JPEGs
    Row("mjpeg.avi", JPEG),
    Row("mjpeg.mp4", JPEG),
    Row("mjpeg.mov", JPEG),
    Row("mjpeg.mkv", JPEG),
    Row("mjpeg_422.avi", "-c:v mjpeg -q:v 3 -pix_fmt yuvj422p"),
    Row("mjpeg_444.mkv", "-c:v mjpeg -q:v 3 -pix_fmt yuvj444p"),
    Row("mjpeg_gray.avi", "-c:v mjpeg -q:v 3 -pix_fmt gray -strict unofficial"),
    Row("mjpeg_tables.avi", "-c:v mjpeg -q:v 3 -huffman default -pix_fmt yuvj420p -bsf:v mjpeg2jpeg"),
    # older ones
    Row("mpeg4.mp4", "-c:v mpeg4 -q:v 3"),
    Row("mpeg4.avi", "-c:v mpeg4 -q:v 3 -vtag DIVX"),
    Row("mpeg4_bframes.avi", "-c:v mpeg4 -q:v 3 -bf 2 -vtag XVID"),
    Row("mpeg4_bframes.mp4", "-c:v mpeg4 -q:v 3 -bf 2"),
    Row("xvid.mkv", "-c:v libxvid -q:v 3"),
    Row("msmpeg4.avi", "-c:v msmpeg4 -q:v 3"),
    Row("wmv2.wmv", "-c:v wmv2 -q:v 3"),
    Row("wmv1.asf", "-c:v wmv1 -q:v 3"),
    Row("flv1.flv", "-c:v flv -q:v 3"),
    Row("h263.3gp", "-vf scale=352:288 -c:v h263 -q:v 3"),
    Row("dv.avi", "-vf scale=720:576 -c:v dvvideo -pix_fmt yuv420p"),
    Row("dv.dv", "-vf scale=720:576 -c:v dvvideo -pix_fmt yuv420p"),
    Row("mpeg2.mpg", "-c:v mpeg2video -q:v 3"),
    Row("mpeg2.ts", "-c:v mpeg2video -q:v 3 -bf 2"),
    Row("mpeg2.vob", "-c:v mpeg2video -q:v 3 -bf 2 -f vob"),
    Row("mpeg2.mxf", "-c:v mpeg2video -q:v 3"),
    Row("mpeg1.mpg", "-c:v mpeg1video -q:v 3"),
    Row("theora.ogv", "-c:v libtheora -q:v 8"),
    # the web's
    Row("vp8.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M"),
    Row("vp8_altref.webm", "-c:v libvpx -deadline good -cpu-used 5 -b:v 2M -auto-alt-ref 1 -lag-in-frames 16"),
    Row("vp9.webm", VP9),
    Row("vp9.mp4", VP9),
    Row("vp9_altref.mkv", "-c:v libvpx-vp9 -deadline good -cpu-used 8 -b:v 2M -auto-alt-ref 1 -lag-in-frames 16"),
    Row("vp9_odd.webm", f"-vf scale=319:239 {VP9}"),
    Row("vp9.ivf", VP9),
    Row("av1.mp4", AV1, may="refused", because=NO_AV1),
    Row("av1.webm", AV1, may="refused", because=NO_AV1),
    Row("av1.ivf", AV1, may="refused", because=NO_AV1),
    Row("av1.obu", AV1, may="refused", because=NO_AV1),
    Row("moving.gif", "-vf fps=25"),
    Row("moving.apng", "-c:v apng -f apng"),
    # the studio's
    Row("prores.mov", "-c:v prores_ks -profile:v 0"),
    Row("prores_4444.mov", "-c:v prores_ks -profile:v 4 -pix_fmt yuva444p10le"),
    Row("dnxhr.mov", "-c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p"),
    Row("jpeg2000.mxf", "-c:v libopenjpeg -q:v 5 -t 3"),
    Row("raw.avi", "-c:v rawvideo -pix_fmt yuv420p"),
    Row("raw_rgb.avi", "-c:v rawvideo -pix_fmt bgr24"),
    Row("raw_yuyv.mov", "-c:v rawvideo -pix_fmt yuyv422"),
    Row("raw.y4m", ""),
    Row("ffv1.mkv", "-c:v ffv1"),
    Row("huffyuv.avi", "-c:v huffyuv"),
    Row("utvideo.avi", "-c:v utvideo"),
    Row("qtrle.mov", "-c:v qtrle"),
    Row("png.mov", "-c:v png"),
    Row("png.avi", "-c:v png"),
)
