/* A disk that fails when told to, for tests: loaded before the C library, it stands between a database and the kernel.
 *
 * The file named by FAULTY_DISK_ORDER holds one line: "<call> <n> <when> <error>". The n-th next call of that name on a
 * file whose path holds FAULTY_DISK_PATH fails with that error number, once; "<when>" is "before" (nothing is written) or
 * "after" (it is written, and an error is reported all the same). "always" instead of a number: every call fails until the
 * order is withdrawn. What was counted and whether the order was carried out is written to FAULTY_DISK_ORDER with ".done".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static char seen[128];
static long counted;

static int concerned(int fd) {
    char link[64], path[4096];
    const char *part = getenv("FAULTY_DISK_PATH");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0 || part == NULL) return 0;
    path[n] = 0;
    return strstr(path, part) != NULL;
}

/* 0: go on; 1: fail before; 2: fail after. The error number is put into *error. */
static int judge(const char *call, int fd, int *error) {
    const char *file = getenv("FAULTY_DISK_ORDER");
    char order[128], name[32], nth[32], when[32], done[4096];
    if (file == NULL || !concerned(fd)) return 0;
    FILE *f = fopen(file, "r");
    if (f == NULL) return 0;
    char *got = fgets(order, sizeof order, f);
    fclose(f);
    if (got == NULL || sscanf(order, "%31s %31s %31s %d", name, nth, when, error) != 4) return 0;
    if (strcmp(name, call) != 0 && strcmp(name, "any") != 0) return 0;
    int always = strcmp(nth, "always") == 0, hit = always;
    pthread_mutex_lock(&one);
    if (strcmp(seen, order) != 0) {
        strcpy(seen, order);
        counted = 0;
    }
    counted++;
    if (!always && counted == atol(nth)) hit = 1;
    pthread_mutex_unlock(&one);
    if (!hit) return 0;
    /* Carried out once, whichever of a server's processes comes first. */
    snprintf(done, sizeof done, "%s.done", file);
    int mark = open(done, O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (mark < 0 && !always) return 0;
    if (mark >= 0) close(mark);
    return strcmp(when, "after") == 0 ? 2 : 1;
}

#define FAULTY(type, call, word, fd, parameters, arguments)                     \
    type call parameters {                                                       \
        static type (*real) parameters;                                          \
        int error = 0, verdict;                                                  \
        if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #call);    \
        verdict = judge(word, fd, &error);                                       \
        if (verdict == 1) {                                                      \
            errno = error;                                                       \
            return -1;                                                           \
        }                                                                        \
        type result = real arguments;                                            \
        if (verdict == 2) {                                                      \
            errno = error;                                                       \
            return -1;                                                           \
        }                                                                        \
        return result;                                                           \
    }

FAULTY(ssize_t, pwrite64, "write", fd, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
FAULTY(ssize_t, pwrite, "write", fd, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
FAULTY(ssize_t, pwritev64, "write", fd, (int fd, const struct iovec *parts, int count, off64_t at), (fd, parts, count, at))
FAULTY(ssize_t, pwritev, "write", fd, (int fd, const struct iovec *parts, int count, off_t at), (fd, parts, count, at))
FAULTY(int, fdatasync, "sync", fd, (int fd), (fd))
FAULTY(int, fsync, "sync", fd, (int fd), (fd))
FAULTY(int, ftruncate64, "truncate", fd, (int fd, off64_t length), (fd, length))
FAULTY(int, ftruncate, "truncate", fd, (int fd, off_t length), (fd, length))
