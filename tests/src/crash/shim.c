/* Counts the calls of a process that change what lies below a folder or make it last, writes down what each
 * did, and kills the process at one of them. Preloaded by tests/src/crash.rs, which reads what is written down.
 *
 *   CRASH_BELOW  the folder: absolute, without symbolic links
 *   CRASH_NOT    what the names of folders below it begin with that are passed over
 *   CRASH_TRACE  the file to write the calls down in, one record each, once they are done
 *   CRASH_AT     the call, counted from 1, to be killed at; 0 for none
 *   CRASH_HOW    before, after, or half: with half of the bytes written
 *   CRASH_FAULT  where set, the folder below it in which writing fails, with a `/` at its end
 *   CRASH_ERRNO  with this error, once
 *   CRASH_SPARE  so many bytes have been written there
 *
 * Calls that move bytes within the kernel are refused, so that Rust writes them. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static const char *not;
static const char *how;
static long at;
static long count;
static int trace = -1;
static const char *faulty;
static int fault;
static long spare;

__attribute__((constructor)) static void start(void) {
    root = getenv("CRASH_BELOW");
    not = getenv("CRASH_NOT");
    how = getenv("CRASH_HOW");
    at = atol(getenv("CRASH_AT"));
    faulty = getenv("CRASH_FAULT");
    if (faulty) {
        fault = atoi(getenv("CRASH_ERRNO"));
        spare = atol(getenv("CRASH_SPARE"));
    }
    trace = REAL(open64)(getenv("CRASH_TRACE"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

/* Where `path` is below the folder, "." for the folder itself; 0 if it is elsewhere. */
static int inside(const char *path, char *name) {
    size_t length = strlen(root);
    if (trace < 0 || strncmp(path, root, length) != 0 || (path[length] != 0 && path[length] != '/')) return 0;
    strcpy(name, path[length] == 0 ? "." : path + length + 1);
    return strncmp(name, not, strlen(not)) != 0;
}

/* The same for a descriptor; one whose file has no name any more is elsewhere. */
static int open_inside(int fd, char *name) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strstr(path, " (deleted)") == NULL && inside(path, name);
}

/* The same for a path that is relative to the folder `dir`. */
static int below(int dir, const char *path, char *name) {
    char full[2 * PATH_MAX] = "", link[64];
    if (path[0] != '/') {
        snprintf(link, sizeof link, dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
        ssize_t length = readlink(link, full, PATH_MAX);
        if (length < 0) return 0;
        full[length] = '/';
        full[length + 1] = 0;
    }
    strncat(full, path, PATH_MAX);
    return inside(full, name);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static int is_killed(const char *when) { return count == at && strcmp(how, when) == 0; }

static void before(void) {
    pthread_mutex_lock(&turn);
    count++;
    if (is_killed("before")) die();
}

static void put(const void *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t now = REAL(write)(trace, (const char *)bytes + done, length - done);
        if (now <= 0) abort();
        done += (size_t)now;
    }
}

/* Writes the call down, as one that did `nothing` if it was not done, and lets others have their turn. */
static void after(int done, const void *bytes, size_t length, const char *format, ...) {
    int error = errno;
    char line[5 * PATH_MAX] = "nothing\n";
    va_list arguments;
    va_start(arguments, format);
    if (done) vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    put(line, strlen(line));
    if (done) put(bytes, length);
    if (is_killed("after") || is_killed("half")) die();
    pthread_mutex_unlock(&turn);
    errno = error;
}

static int opened(int dir, const char *path, int flags, mode_t mode) {
    char name[2 * PATH_MAX];
    if (!(flags & (O_CREAT | O_TRUNC)) || !below(dir, path, name)) return REAL(openat64)(dir, path, flags, mode);
    struct stat64 found;
    int is_new = fstatat64(dir, path, &found, AT_SYMLINK_NOFOLLOW) != 0;
    before();
    int fd = REAL(openat64)(dir, path, flags, mode);
    if (is_new) after(fd >= 0, "", 0, "create %s %o\n", name, mode & 07777);
    else after(fd >= 0 && (flags & O_TRUNC), "", 0, "truncate %s 0\n", name);
    return fd;
}

static mode_t mode_of(int flags, va_list arguments) { return flags & O_CREAT ? va_arg(arguments, mode_t) : 0; }

#define OPENS(signature, dir)                                                                                          \
    int signature {                                                                                                    \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode_t mode = mode_of(flags, arguments);                                                                       \
        va_end(arguments);                                                                                             \
        return opened(dir, path, flags, mode);                                                                         \
    }

OPENS(open(const char *path, int flags, ...), AT_FDCWD)
OPENS(open64(const char *path, int flags, ...), AT_FDCWD)
OPENS(openat(int dir, const char *path, int flags, ...), dir)
OPENS(openat64(int dir, const char *path, int flags, ...), dir)

/* Writes at `offset`, or where the descriptor stands if that is -1. */
static ssize_t written(int fd, const void *bytes, size_t length, off64_t offset) {
    char name[PATH_MAX];
    if (!open_inside(fd, name))
        return offset < 0 ? REAL(write)(fd, bytes, length) : REAL(pwrite64)(fd, bytes, length, offset);
    before();
    if (faulty && strncmp(name, faulty, strlen(faulty)) == 0 && (spare -= (long)length) < 0) {
        after(0, "", 0, "");
        errno = fault;
        return -1;
    }
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    off64_t where = appends || offset < 0 ? lseek64(fd, 0, appends ? SEEK_END : SEEK_CUR) : offset;
    size_t wanted = is_killed("half") ? length / 2 : length;
    ssize_t done = offset < 0 ? REAL(write)(fd, bytes, wanted) : REAL(pwrite64)(fd, bytes, wanted, offset);
    after(done >= 0, bytes, (size_t)done, "write %s %lld %zd\n", name, (long long)where, done);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return written(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return written(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return written(fd, bytes, length, at); }

ssize_t writev(int fd, const struct iovec *parts, int number) {
    char name[PATH_MAX];
    if (!open_inside(fd, name)) return REAL(writev)(fd, parts, number);
    /* A short write is a write: the caller goes on with the rest. */
    for (int part = 0; part < number; part++)
        if (parts[part].iov_len > 0) return written(fd, parts[part].iov_base, parts[part].iov_len, -1);
    return 0;
}

#define SYNCS(function)                                                                                                \
    int function(int fd) {                                                                                             \
        char name[PATH_MAX];                                                                                           \
        if (!open_inside(fd, name)) return REAL(function)(fd);                                                         \
        before();                                                                                                      \
        after(1, "", 0, "sync %s\n", name);                                                                            \
        return 0;                                                                                                      \
    }

/* The machine itself keeps its power: syncing is written down, and costs nothing. */
SYNCS(fsync)
SYNCS(fdatasync)

#define ON_PATH(signature, dir, call, kind)                                                                            \
    int signature {                                                                                                    \
        char name[2 * PATH_MAX];                                                                                       \
        if (!below(dir, path, name)) return call;                                                                      \
        before();                                                                                                      \
        int done = call;                                                                                               \
        after(done == 0, "", 0, "%s %s\n", kind, name);                                                                \
        return done;                                                                                                   \
    }

ON_PATH(mkdir(const char *path, mode_t mode), AT_FDCWD, REAL(mkdir)(path, mode), "mkdir")
ON_PATH(mkdirat(int dir, const char *path, mode_t mode), dir, REAL(mkdirat)(dir, path, mode), "mkdir")
ON_PATH(unlink(const char *path), AT_FDCWD, REAL(unlink)(path), "remove")
ON_PATH(rmdir(const char *path), AT_FDCWD, REAL(rmdir)(path), "remove")
ON_PATH(unlinkat(int dir, const char *path, int flags), dir, REAL(unlinkat)(dir, path, flags), "remove")

#define ON_TWO(signature, from_dir, to_dir, call, kind)                                                                \
    int signature {                                                                                                    \
        char name[2 * PATH_MAX], new_name[2 * PATH_MAX];                                                               \
        if (!below(from_dir, from, name) || !below(to_dir, to, new_name)) return call;                                 \
        before();                                                                                                      \
        int done = call;                                                                                               \
        after(done == 0, "", 0, kind " %s %s\n", name, new_name);                                                      \
        return done;                                                                                                   \
    }

ON_TWO(rename(const char *from, const char *to), AT_FDCWD, AT_FDCWD, REAL(rename)(from, to), "rename")
ON_TWO(renameat(int a, const char *from, int b, const char *to), a, b, REAL(renameat)(a, from, b, to), "rename")
ON_TWO(renameat2(int a, const char *from, int b, const char *to, unsigned flags), a, b,
       REAL(renameat2)(a, from, b, to, flags), "rename")
ON_TWO(link(const char *from, const char *to), AT_FDCWD, AT_FDCWD, REAL(link)(from, to), "link")
ON_TWO(linkat(int a, const char *from, int b, const char *to, int flags), a, b, REAL(linkat)(a, from, b, to, flags),
       "link")

#define TRUNCATES(function, offset)                                                                                    \
    int function(int fd, offset length) {                                                                              \
        char name[PATH_MAX];                                                                                           \
        if (!open_inside(fd, name)) return REAL(function)(fd, length);                                                 \
        before();                                                                                                      \
        int done = REAL(function)(fd, length);                                                                         \
        after(done == 0, "", 0, "truncate %s %lld\n", name, (long long)length);                                        \
        return done;                                                                                                   \
    }

TRUNCATES(ftruncate, off_t)
TRUNCATES(ftruncate64, off64_t)

#define REFUSES(signature, to, call)                                                                                   \
    ssize_t signature {                                                                                                \
        char name[PATH_MAX];                                                                                           \
        if (!open_inside(to, name)) return call;                                                                       \
        errno = ENOSYS;                                                                                                \
        return -1;                                                                                                     \
    }

REFUSES(copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t length, unsigned flags), to,
        REAL(copy_file_range)(from, a, to, b, length, flags))
REFUSES(sendfile64(int to, int from, off64_t *offset, size_t length), to, REAL(sendfile64)(to, from, offset, length))
REFUSES(sendfile(int to, int from, off_t *offset, size_t length), to, REAL(sendfile)(to, from, offset, length))
REFUSES(splice(int from, off64_t *a, int to, off64_t *b, size_t length, unsigned flags), to,
        REAL(splice)(from, a, to, b, length, flags))
