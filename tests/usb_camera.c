/* A USB camera of Linux without hardware: preloaded, it answers as a driver of Video4Linux would for /dev/video0.
 *
 * $USB_CAMERA is a folder. It holds a folder for each format, named FOURCC-WIDTHxHEIGHT@RATE, with pictures 0, 1, 2 …
 * that are sent over and over, and empty files that say how the camera is. They may come and go:
 * `plugged`, `busy` (somebody else uses it), `forbidden`, `crowded` (others use all that the bus can carry),
 * `hangs` (it sends nothing), `blind` (a node that has no pictures, as of metadata).
 * Its file descriptor is a timer, so that select() and poll() wait for a picture as they do for a camera.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST_FORMATS = 32, MOST_BUFFERS = 32, LARGEST = 16 << 20 };

struct format { uint32_t fourcc, width, height, rate; char folder[256]; };

static struct format formats[MOST_FORMATS], *chosen;
static int format_count, rate, streaming, camera = -1;
static unsigned buffer_count, first_queued, queued_count, queued[MOST_BUFFERS];
static unsigned char *memory[MOST_BUFFERS];
static uint64_t taken, sent; /* ticks of the timer; pictures of this stream */

static int is(const char *what) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("USB_CAMERA"), what);
    return access(path, F_OK) == 0;
}

static int refuse(int reason) { errno = reason; return -1; }

static int by_name(const void *one, const void *other) {
    return strcmp(((const struct format *)one)->folder, ((const struct format *)other)->folder);
}

static void find_formats(void) {
    DIR *folder = opendir(getenv("USB_CAMERA"));
    format_count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder)) && format_count < MOST_FORMATS;) {
        struct format *f = &formats[format_count];
        char code[5];
        if (sscanf(entry->d_name, "%4c-%ux%u@%u", code, &f->width, &f->height, &f->rate) != 4) continue;
        f->fourcc = v4l2_fourcc(code[0], code[1], code[2], code[3]);
        snprintf(f->folder, sizeof f->folder, "%s", entry->d_name);
        format_count++;
    }
    if (folder) closedir(folder);
    qsort(formats, format_count, sizeof *formats, by_name);
    chosen = formats;
}

/* The nearest format that the camera has, as a driver answers: its own codec if it has none such. */
static struct format *nearest(const struct v4l2_pix_format *asked) {
    struct format *best = formats;
    long best_off = -1;
    for (struct format *f = formats; f < formats + format_count; f++) {
        long off = labs((long)f->width - asked->width) + labs((long)f->height - asked->height);
        if (f->fourcc != asked->pixelformat) off += 1000000;
        if (best_off < 0 || off < best_off) best = f, best_off = off;
    }
    return best;
}

static unsigned picture_bytes(void) { return 2 * chosen->width * chosen->height; }

static void describe(struct v4l2_pix_format *pix) {
    pix->width = chosen->width, pix->height = chosen->height, pix->pixelformat = chosen->fourcc;
    pix->field = V4L2_FIELD_NONE;
    pix->bytesperline = chosen->fourcc == V4L2_PIX_FMT_YUYV ? 2 * chosen->width : 0;
    pix->sizeimage = picture_bytes();
    pix->colorspace = V4L2_COLORSPACE_SRGB;
}

static void set_timer(int runs) {
    long ns = 1000000000L / rate;
    struct itimerspec spec = {{0, runs ? ns : 0}, {0, runs ? ns : 0}};
    if (rate == 1 && runs) spec.it_interval.tv_sec = spec.it_value.tv_sec = 1, spec.it_interval.tv_nsec = spec.it_value.tv_nsec = 0;
    timerfd_settime(camera, 0, &spec, NULL);
}

static int take_picture(struct v4l2_buffer *buffer) {
    uint64_t ticks;
    if (is("hangs")) { set_timer(0); return refuse(EAGAIN); }
    if (taken == 0) {
        if (read(camera, &ticks, sizeof ticks) != sizeof ticks) {
            struct itimerspec now;
            timerfd_gettime(camera, &now);
            if (!now.it_interval.tv_sec && !now.it_interval.tv_nsec) set_timer(1); /* it had hung */
            return refuse(EAGAIN);
        }
        unsigned kept = ticks < queued_count ? ticks : queued_count;
        sent += ticks - kept; /* there was no buffer for these */
        taken = kept;
    }
    if (!queued_count) return refuse(EAGAIN);
    unsigned index = queued[first_queued];
    first_queued = (first_queued + 1) % MOST_BUFFERS, queued_count--, taken--;

    char path[4096];
    int file = -1;
    for (int attempt = 0; attempt < 2 && file < 0; attempt++, sent = file < 0 ? 0 : sent) {
        snprintf(path, sizeof path, "%s/%s/%lu", getenv("USB_CAMERA"), chosen->folder, (unsigned long)sent);
        file = open(path, O_RDONLY);
    }
    ssize_t length = file < 0 ? 0 : read(file, memory[index], picture_bytes());
    if (file >= 0) close(file);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->index = index;
    buffer->length = picture_bytes();
    buffer->bytesused = length;
    buffer->sequence = sent++;
    buffer->timestamp.tv_sec = now.tv_sec, buffer->timestamp.tv_usec = now.tv_nsec / 1000;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | (length ? 0 : V4L2_BUF_FLAG_ERROR);
    return 0;
}

static int answer(unsigned long request, void *argument) {
    if (!is("plugged")) return refuse(ENODEV);
    switch ((uint32_t)request) {
    case (uint32_t)VIDIOC_QUERYCAP: {
        struct v4l2_capability *told = argument;
        memset(told, 0, sizeof *told);
        strcpy((char *)told->driver, "uvcvideo"), strcpy((char *)told->card, "Camera");
        told->device_caps = (is("blind") ? V4L2_CAP_META_CAPTURE : V4L2_CAP_VIDEO_CAPTURE) | V4L2_CAP_STREAMING;
        told->capabilities = told->device_caps | V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_DEVICE_CAPS;
        return 0;
    }
    case (uint32_t)VIDIOC_ENUM_FMT: return refuse(EINVAL);
    case (uint32_t)VIDIOC_G_FMT:
        if (is("blind")) return refuse(EINVAL);
        describe(&((struct v4l2_format *)argument)->fmt.pix);
        return 0;
    case (uint32_t)VIDIOC_S_FMT:
    case (uint32_t)VIDIOC_TRY_FMT: {
        struct v4l2_pix_format *pix = &((struct v4l2_format *)argument)->fmt.pix;
        if (is("busy") || buffer_count) return refuse(EBUSY);
        chosen = nearest(pix), rate = chosen->rate;
        describe(pix);
        return 0;
    }
    case (uint32_t)VIDIOC_S_PARM:
    case (uint32_t)VIDIOC_G_PARM: {
        struct v4l2_captureparm *parm = &((struct v4l2_streamparm *)argument)->parm.capture;
        if ((uint32_t)request == (uint32_t)VIDIOC_S_PARM) {
            if (streaming) return refuse(EBUSY);
            unsigned asked = parm->timeperframe.numerator ? parm->timeperframe.denominator / parm->timeperframe.numerator : 0;
            rate = asked && asked < chosen->rate ? (int)asked : (int)chosen->rate;
        }
        memset(parm, 0, sizeof *parm);
        parm->capability = V4L2_CAP_TIMEPERFRAME;
        parm->timeperframe.numerator = 1, parm->timeperframe.denominator = rate;
        return 0;
    }
    case (uint32_t)VIDIOC_REQBUFS: {
        struct v4l2_requestbuffers *asked = argument;
        if (is("busy")) return refuse(EBUSY);
        if (asked->count > MOST_BUFFERS) asked->count = MOST_BUFFERS;
        buffer_count = asked->count, queued_count = first_queued = 0;
        return 0;
    }
    case (uint32_t)VIDIOC_QUERYBUF: {
        struct v4l2_buffer *buffer = argument;
        if (buffer->index >= buffer_count) return refuse(EINVAL);
        buffer->length = picture_bytes();
        buffer->m.offset = buffer->index * LARGEST;
        return 0;
    }
    case (uint32_t)VIDIOC_QBUF: {
        struct v4l2_buffer *buffer = argument;
        if (buffer->index >= buffer_count) return refuse(EINVAL);
        queued[(first_queued + queued_count++) % MOST_BUFFERS] = buffer->index;
        return 0;
    }
    case (uint32_t)VIDIOC_DQBUF: return streaming ? take_picture(argument) : refuse(EINVAL);
    case (uint32_t)VIDIOC_STREAMON:
        if (is("busy")) return refuse(EBUSY);
        if (is("crowded")) return refuse(ENOSPC);
        streaming = 1, sent = taken = 0, set_timer(1);
        return 0;
    case (uint32_t)VIDIOC_STREAMOFF:
        streaming = 0, queued_count = first_queued = 0, set_timer(0);
        return 0;
    default: return refuse(ENOTTY);
    }
}

static int opened(const char *path) {
    const char *name = "/dev/video0";
    if (!getenv("USB_CAMERA") || strcmp(path, name)) return -2;
    if (!is("plugged")) return refuse(ENOENT);
    if (is("forbidden")) return refuse(EACCES);
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (camera >= 0) return fd; /* a second look at it, which may not use it */
    camera = fd, buffer_count = 0, streaming = 0;
    find_formats();
    return fd;
}

#define OPEN(NAME)                                                             \
    int NAME(const char *path, int flags, ...) {                               \
        static int (*real)(const char *, int, ...);                            \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #NAME); \
        va_list rest;                                                          \
        va_start(rest, flags);                                                 \
        mode_t mode = va_arg(rest, mode_t);                                    \
        va_end(rest);                                                          \
        int fd = opened(path);                                                 \
        return fd == -2 ? real(path, flags, mode) : fd;                        \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "close");
    if (fd == camera && fd >= 0) camera = -1;
    return real(fd);
}

int ioctl(int fd, unsigned long request, ...) {
    static int (*real)(int, unsigned long, ...);
    if (!real) real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return fd == camera && fd >= 0 ? answer(request, argument) : real(fd, request, argument);
}

#define MMAP(NAME, OFFSET)                                                     \
    void *NAME(void *at, size_t length, int protection, int flags, int fd, OFFSET offset) { \
        static void *(*real)(void *, size_t, int, int, int, OFFSET);           \
        if (!real) real = (void *(*)(void *, size_t, int, int, int, OFFSET))dlsym(RTLD_NEXT, #NAME); \
        if (fd < 0 || fd != camera) return real(at, length, protection, flags, fd, offset); \
        unsigned char *found = real(at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); \
        memory[offset / LARGEST % MOST_BUFFERS] = found;                       \
        return found;                                                          \
    }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)
