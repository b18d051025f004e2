/* A disk, a loop and a network card that misbehave on request, for one process: LD_PRELOAD.
 *
 * FAULT_RULES names a file that is read at every call. Each of its lines is a rule
 *
 *     call action number part-of-path
 *
 * call    sync (fsync, fdatasync), write (write, pwrite, pwritev), read (read, pread), rename, wait
 *         (epoll_wait, that is the event loop; its path is "")
 * action  errno: the call fails with that number; sleep: it first sleeps so many milliseconds;
 *         kill: the process is killed, before the call takes effect
 * path    the rule concerns files whose path contains this; "-" is part of every path
 *
 * FAULT_SOURCE is the loopback address this process speaks from, so that a proxy tells who calls.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RULES_BYTES_MAX 2048
#define PATH_BYTES_MAX 1024
#define NEXT(name)                   \
    static __typeof__(name) *next;   \
    if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* Reads the rules with bare system calls: the calls of libc are those that lead here. */
static ssize_t read_rules(char *text) {
    const char *file = getenv("FAULT_RULES");
    if (!file) return 0;
    int saved = errno;
    int descriptor = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    ssize_t length = descriptor < 0 ? 0 : syscall(SYS_read, descriptor, text, RULES_BYTES_MAX - 1);
    if (descriptor >= 0) syscall(SYS_close, descriptor);
    errno = saved;
    text[length < 0 ? 0 : length] = 0;
    return length;
}

static void pause_ms(long number) {
    struct timespec left = {number / 1000, number % 1000 * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR) {
    }
}

/* Carries out the rules for a call; returns 0 or the error it is to fail with. */
static int obey(const char *call, int descriptor, const char *path) {
    char text[RULES_BYTES_MAX], found[PATH_BYTES_MAX] = "", *rest;
    if (read_rules(text) <= 0) return 0;
    if (path) {
        snprintf(found, sizeof found, "%s", path);
    } else if (descriptor >= 0) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t length = readlink(link, found, sizeof found - 1);
        found[length < 0 ? 0 : length] = 0;
    }
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char name[16], action[16], part[PATH_BYTES_MAX];
        long number;
        if (sscanf(line, "%15s %15s %ld %1023s", name, action, &number, part) != 4) continue;
        if (strcmp(name, call) || (strcmp(part, "-") && !strstr(found, part))) continue;
        if (!strcmp(action, "kill")) kill(getpid(), SIGKILL);
        if (!strcmp(action, "errno")) return (int)number;
        pause_ms(number);
    }
    return 0;
}

#define DISOBEY(call, descriptor, path)               \
    do {                                              \
        int fault = obey(call, descriptor, path);     \
        if (fault) {                                  \
            errno = fault;                            \
            return -1;                                \
        }                                             \
    } while (0)

int fsync(int file) {
    NEXT(fsync);
    DISOBEY("sync", file, NULL);
    return next(file);
}

int fdatasync(int file) {
    NEXT(fdatasync);
    DISOBEY("sync", file, NULL);
    return next(file);
}

ssize_t write(int file, const void *data, size_t size) {
    NEXT(write);
    DISOBEY("write", file, NULL);
    return next(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
    NEXT(pwrite);
    DISOBEY("write", file, NULL);
    return next(file, data, size, at);
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
    NEXT(pwrite64);
    DISOBEY("write", file, NULL);
    return next(file, data, size, at);
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
    NEXT(pwritev);
    DISOBEY("write", file, NULL);
    return next(file, parts, count, at);
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) {
    NEXT(pwritev64);
    DISOBEY("write", file, NULL);
    return next(file, parts, count, at);
}

ssize_t read(int file, void *data, size_t size) {
    NEXT(read);
    DISOBEY("read", file, NULL);
    return next(file, data, size);
}

ssize_t pread(int file, void *data, size_t size, off_t at) {
    NEXT(pread);
    DISOBEY("read", file, NULL);
    return next(file, data, size, at);
}

ssize_t pread64(int file, void *data, size_t size, off64_t at) {
    NEXT(pread64);
    DISOBEY("read", file, NULL);
    return next(file, data, size, at);
}

int rename(const char *from, const char *to) {
    NEXT(rename);
    DISOBEY("rename", -1, from);
    return next(from, to);
}

int epoll_wait(int poll, struct epoll_event *events, int count, int wait_ms) {
    NEXT(epoll_wait);
    DISOBEY("wait", -1, "");
    return next(poll, events, count, wait_ms);
}

int connect(int socket, const struct sockaddr *to, socklen_t size) {
    NEXT(connect);
    const char *source = getenv("FAULT_SOURCE");
    if (source && to->sa_family == AF_INET) {
        struct sockaddr_in from = {.sin_family = AF_INET};
        int late = 1;
        inet_pton(AF_INET, source, &from.sin_addr);
        setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
        /* A socket that is connected bit by bit is bound the second time already. */
        if (bind(socket, (struct sockaddr *)&from, sizeof from) && errno != EINVAL) return -1;
    }
    return next(socket, to, size);
}
