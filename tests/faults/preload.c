/* Faults inside a process, for the tests of tests/faults: a library to be named by LD_PRELOAD. It
 * reads its variables when it is loaded, and again where faults_begin() is called.
 *
 * FAULTS_UNDER=FOLDER   steps are calls that change a file below it
 * FAULTS_AT=N           the fault comes before the N-th step (from 1)
 * FAULTS_HOW=kill       the process is killed; a number is the errno of that step instead
 * FAULTS_COUNT=FILE     the number of steps is written there when the process ends
 * FAULTS_NO_LOCKS=1     locks of files fail with ENOLCK, as in a folder of NFS without them
 * FAULTS_CLOCK=back     the clock of the day runs backwards, a second at each look; a number is by how
 *                       many seconds it is wrong instead
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const char *under, *count_file;
static long at, failure, wrong;
static int no_locks, back;
static pid_t owner;
static atomic_long steps, looks;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) void faults_begin(void) {
    const char *how = getenv("FAULTS_HOW"), *number = getenv("FAULTS_AT");
    const char *clock_is = getenv("FAULTS_CLOCK");
    under = getenv("FAULTS_UNDER");
    count_file = getenv("FAULTS_COUNT");
    at = number ? atol(number) : 0;
    failure = how && strcmp(how, "kill") ? atol(how) : 0;
    no_locks = getenv("FAULTS_NO_LOCKS") != NULL;
    back = clock_is && !strcmp(clock_is, "back");
    wrong = clock_is && !back ? atol(clock_is) : 0;
    owner = getpid();
    atomic_store(&steps, 0);
}

__attribute__((destructor)) void faults_end(void) {
    if (count_file == NULL || getpid() != owner) return;
    FILE *file = fopen(count_file, "w");
    if (file == NULL) return;
    fprintf(file, "%ld\n", atomic_load(&steps));
    fclose(file);
}

/* 0: go on. -1: fail, with errno set. */
static int step(const char *path) {
    if (under == NULL || path == NULL || strncmp(path, under, strlen(under)) != 0) return 0;
    if (atomic_fetch_add(&steps, 1) + 1 != at) return 0;
    if (failure == 0) kill(getpid(), SIGKILL);
    errno = (int)failure;
    return -1;
}

static int step_of(int descriptor) {
    char link[64], path[4096];
    if (under == NULL) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return step(path);
}

static int step_at(int folder, const char *path) {
    char link[64], whole[8192];
    if (under == NULL || path[0] == '/' || folder == AT_FDCWD) return step(path);
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t size = readlink(link, whole, 4095);
    if (size < 0) return 0;
    snprintf(whole + size, sizeof whole - (size_t)size, "/%s", path);
    return step(whole);
}

#define CHANGES(flags) ((flags) & (O_CREAT | O_TRUNC))

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...) {                                                   \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = va_arg(more, mode_t);                                                        \
        va_end(more);                                                                              \
        if (CHANGES(flags) && step(path)) return -1;                                               \
        return ((int (*)(const char *, int, mode_t))real(#name))(path, flags, mode);               \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int folder, const char *path, int flags, ...) {                                       \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = va_arg(more, mode_t);                                                        \
        va_end(more);                                                                              \
        if (CHANGES(flags) && step_at(folder, path)) return -1;                                    \
        return ((int (*)(int, const char *, int, mode_t))real(#name))(folder, path, flags, mode);  \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int descriptor, const void *data, size_t size) {
    return step_of(descriptor) ? -1 : REAL(write)(descriptor, data, size);
}
ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset) {
    return step_of(descriptor) ? -1 : REAL(pwrite64)(descriptor, data, size, offset);
}
ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    return step_of(descriptor) ? -1 : REAL(pwrite)(descriptor, data, size, offset);
}
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    return step_of(descriptor) ? -1 : REAL(writev)(descriptor, parts, count);
}
int fsync(int descriptor) { return step_of(descriptor) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return step_of(descriptor) ? -1 : REAL(fdatasync)(descriptor); }
int ftruncate64(int descriptor, off64_t size) {
    return step_of(descriptor) ? -1 : REAL(ftruncate64)(descriptor, size);
}
int fchmod(int descriptor, mode_t mode) {
    return step_of(descriptor) ? -1 : REAL(fchmod)(descriptor, mode);
}
int chmod(const char *path, mode_t mode) { return step(path) ? -1 : REAL(chmod)(path, mode); }
int rename(const char *from, const char *to) { return step(to) ? -1 : REAL(rename)(from, to); }
int renameat(int a, const char *from, int b, const char *to) {
    return step_at(b, to) ? -1 : REAL(renameat)(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    return step_at(b, to) ? -1 : REAL(renameat2)(a, from, b, to, flags);
}
int unlink(const char *path) { return step(path) ? -1 : REAL(unlink)(path); }
int unlinkat(int folder, const char *path, int flags) {
    return step_at(folder, path) ? -1 : REAL(unlinkat)(folder, path, flags);
}
int rmdir(const char *path) { return step(path) ? -1 : REAL(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { return step(path) ? -1 : REAL(mkdir)(path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) {
    return step_at(folder, path) ? -1 : REAL(mkdirat)(folder, path, mode);
}

static int no_lock(void) {
    errno = ENOLCK;
    return -1;
}
int flock(int descriptor, int operation) {
    return no_locks ? no_lock() : REAL(flock)(descriptor, operation);
}
static int locks(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK ||
           command == F_OFD_SETLKW || command == F_GETLK || command == F_OFD_GETLK;
}
#define FCNTL(name)                                                                                \
    int name(int descriptor, int command, ...) {                                                   \
        va_list more;                                                                              \
        va_start(more, command);                                                                   \
        void *argument = va_arg(more, void *);                                                     \
        va_end(more);                                                                              \
        if (no_locks && locks(command)) return no_lock();                                          \
        return ((int (*)(int, int, void *))real(#name))(descriptor, command, argument);            \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* Seconds by which the clock of the day is off at this look. */
static time_t off(void) { return back ? -(time_t)atomic_fetch_add(&looks, 1) : wrong; }

int clock_gettime(clockid_t clock, struct timespec *found) {
    int status = REAL(clock_gettime)(clock, found);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        found->tv_sec += off();
    return status;
}
int gettimeofday(struct timeval *restrict found, void *restrict zone) {
    int status = REAL(gettimeofday)(found, zone);
    if (status == 0) found->tv_sec += off();
    return status;
}
time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}
