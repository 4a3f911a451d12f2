/* Stands between a program and its disk (LD_PRELOAD): counts, notes down, and fails the calls on files below one directory.
 *
 *   FAULT_ROOT   absolute path of the directory; calls elsewhere are left alone
 *   FAULT_CALLS  which calls count: any of create write truncate sync rename remove mkdir open read, with commas between
 *   FAULT_AT     number of the call that is struck, from 1
 *   FAULT_WHILE  a file: as long as it is there, every call is struck
 *   FAULT_ERROR  what happens to a struck call: KILL (the process dies before it), EIO, ENOSPC or EDQUOT
 *   FAULT_STICKY "1": every call after that one is struck as well
 *   FAULT_TRACE  a file for the notes, one for each call that changes the disk, in the order in which they took effect:
 *                a line "KIND NUMBER LENGTH PATH", then LENGTH bytes. Kinds: C create, W write at NUMBER, T truncate to
 *                NUMBER, S sync (of a file or a directory), R rename to what the bytes say, U unlink, D rmdir, K mkdir,
 *                M for what went to standard output, and F for a call that was struck.
 *
 * The shared-memory index of SQLite ("-shm") does not count: it is never read after a crash. Calls that would change files
 * unseen end the process.
 */
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
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *root, *calls, *while_there;
static size_t root_length;
static long at, seen;
static int error_number, kills, sticky, trace = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
  const char *text;
  calls = (text = getenv("FAULT_CALLS")) ? text : "";
  at = (text = getenv("FAULT_AT")) ? atol(text) : 0;
  while_there = getenv("FAULT_WHILE");
  sticky = (text = getenv("FAULT_STICKY")) && *text == '1';
  text = getenv("FAULT_ERROR");
  kills = text && !strcmp(text, "KILL");
  error_number = text && !strcmp(text, "ENOSPC") ? ENOSPC : text && !strcmp(text, "EDQUOT") ? EDQUOT : EIO;
  if ((text = getenv("FAULT_TRACE"))) trace = NEXT(open)(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  root = getenv("FAULT_ROOT");
  root_length = root ? strlen(root) : 0;
}

static int is_below(const char *path) {
  size_t length = strlen(path);
  if (!root || strncmp(path, root, root_length) || (path[root_length] != '/' && path[root_length])) return 0;
  return length < 4 || strcmp(path + length - 4, "-shm");
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_below(path);
}

static int resolve(int directory, const char *name, char *path) {
  char base[PATH_MAX];
  if (*name == '/') {
    snprintf(path, PATH_MAX, "%s", name);
    return is_below(path);
  }
  if (directory == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return 0;
  } else {
    path_of(directory, base);
  }
  if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) return 0;
  return is_below(path);
}

static void note(char kind, long number, const char *path, const void *bytes, size_t length);

/* Whether this call fails; errno says how. */
static int is_struck(const char *call) {
  const char *found = root ? strstr(calls, call) : NULL;
  if (!found) return 0;
  int strikes;
  if (while_there) {
    strikes = !syscall(SYS_access, while_there, F_OK);
  } else {
    long number = ++seen;
    strikes = at && (number == at || (sticky && number > at));
  }
  if (!strikes) return 0;
  if (kills) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
  }
  note('F', at, call, "", 0);
  errno = error_number;
  return 1;
}

static void put(const void *bytes, size_t length) {
  for (const char *rest = bytes; length;) {
    ssize_t done = syscall(SYS_write, trace, rest, length);
    if (done <= 0) abort();
    rest += done, length -= done;
  }
}

static void note(char kind, long number, const char *path, const void *bytes, size_t length) {
  if (trace < 0) return;
  int before = errno;
  char line[PATH_MAX + 64];
  put(line, snprintf(line, sizeof line, "%c %ld %zu %s\n", kind, number, length, path));
  put(bytes, length);
  errno = before;
}

/* A call that changes the disk: struck, or done and noted, one after the other. */
#define CHANGE(call, result, operation, noted) \
  pthread_mutex_lock(&order);                  \
  result = is_struck(call) ? -1 : (operation); \
  if (result >= 0) { noted; }                  \
  pthread_mutex_unlock(&order);                \
  return result

/* A call that changes nothing: only its being struck is noted, and never within another call's note. */
static int is_struck_alone(const char *call) {
  pthread_mutex_lock(&order);
  int strikes = is_struck(call);
  pthread_mutex_unlock(&order);
  return strikes;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  char path[PATH_MAX];
  if (fd == STDOUT_FILENO && trace >= 0) {
    pthread_mutex_lock(&order);
    note('M', 0, "-", bytes, length);
    pthread_mutex_unlock(&order);
  }
  if (fd == trace || !path_of(fd, path)) return NEXT(write)(fd, bytes, length);
  int flags = fcntl(fd, F_GETFL);
  off64_t offset = lseek64(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
  ssize_t done;
  CHANGE("write", done, NEXT(write)(fd, bytes, length), note('W', offset, path, bytes, done));
}

static ssize_t write_at(int fd, const void *bytes, size_t length, off64_t offset) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return NEXT(pwrite64)(fd, bytes, length, offset);
  ssize_t done;
  CHANGE("write", done, NEXT(pwrite64)(fd, bytes, length, offset), note('W', offset, path, bytes, done));
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return write_at(fd, bytes, length, offset); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return write_at(fd, bytes, length, offset); }

static void unseen(int fd, const char *call) {
  char path[PATH_MAX];
  if (path_of(fd, path)) {
    fprintf(stderr, "disk.c: %s on %s is not noted down\n", call, path);
    abort();
  }
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  unseen(fd, "writev");
  return NEXT(writev)(fd, parts, count);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  unseen(fd, "pwritev64");
  return NEXT(pwritev64)(fd, parts, count, offset);
}

ssize_t copy_file_range(int from, off64_t *start, int to, off64_t *end, size_t length, unsigned flags) {
  unseen(to, "copy_file_range");
  return NEXT(copy_file_range)(from, start, to, end, length, flags);
}

static int cut(int fd, off64_t length) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return NEXT(ftruncate64)(fd, length);
  int result;
  CHANGE("truncate", result, NEXT(ftruncate64)(fd, length), note('T', length, path, "", 0));
}

int ftruncate64(int fd, off64_t length) { return cut(fd, length); }
int ftruncate(int fd, off_t length) { return cut(fd, length); }

int fsync(int fd) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return NEXT(fsync)(fd);
  int result;
  CHANGE("sync", result, NEXT(fsync)(fd), note('S', 0, path, "", 0));
}

int fdatasync(int fd) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return NEXT(fdatasync)(fd);
  int result;
  CHANGE("sync", result, NEXT(fdatasync)(fd), note('S', 0, path, "", 0));
}

static int open_at(int directory, const char *name, int flags, mode_t mode) {
  char path[PATH_MAX];
  if (!resolve(directory, name, path)) return NEXT(openat64)(directory, name, flags, mode);
  int is_new = (flags & O_CREAT) && syscall(SYS_access, path, F_OK), result;
  if (!is_new && !(flags & O_TRUNC)) {
    return is_struck_alone("open") ? -1 : NEXT(openat64)(directory, name, flags, mode);
  }
  CHANGE("create", result, NEXT(openat64)(directory, name, flags, mode),
         is_new ? note('C', 0, path, "", 0) : note('T', 0, path, "", 0));
}

#define OPEN_AT(directory)                                  \
  mode_t mode = 0;                                          \
  if (flags & (O_CREAT | __O_TMPFILE)) {                    \
    va_list rest;                                           \
    va_start(rest, flags);                                  \
    mode = va_arg(rest, mode_t);                            \
    va_end(rest);                                           \
  }                                                         \
  return open_at(directory, name, flags, mode)

int open(const char *name, int flags, ...) { OPEN_AT(AT_FDCWD); }
int open64(const char *name, int flags, ...) { OPEN_AT(AT_FDCWD); }
int openat(int directory, const char *name, int flags, ...) { OPEN_AT(directory); }
int openat64(int directory, const char *name, int flags, ...) { OPEN_AT(directory); }

ssize_t read(int fd, void *bytes, size_t length) {
  char path[PATH_MAX];
  if (strstr(calls ? calls : "", "read") && path_of(fd, path) && is_struck_alone("read")) return -1;
  return NEXT(read)(fd, bytes, length);
}

static ssize_t read_at(int fd, void *bytes, size_t length, off64_t offset) {
  char path[PATH_MAX];
  if (strstr(calls ? calls : "", "read") && path_of(fd, path) && is_struck_alone("read")) return -1;
  return NEXT(pread64)(fd, bytes, length, offset);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) { return read_at(fd, bytes, length, offset); }
ssize_t pread(int fd, void *bytes, size_t length, off_t offset) { return read_at(fd, bytes, length, offset); }

int rename(const char *from, const char *to) {
  char old[PATH_MAX], new[PATH_MAX];
  int below = resolve(AT_FDCWD, from, old) | resolve(AT_FDCWD, to, new), result;
  if (!below) return NEXT(rename)(from, to);
  CHANGE("rename", result, NEXT(rename)(from, to), note('R', 0, old, new, strlen(new)));
}

static int remove_at(int directory, const char *name, int flags) {
  char path[PATH_MAX];
  if (!resolve(directory, name, path)) return NEXT(unlinkat)(directory, name, flags);
  int result;
  CHANGE("remove", result, NEXT(unlinkat)(directory, name, flags),
         note(flags & AT_REMOVEDIR ? 'D' : 'U', 0, path, "", 0));
}

int unlink(const char *name) { return remove_at(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return remove_at(AT_FDCWD, name, AT_REMOVEDIR); }
int unlinkat(int directory, const char *name, int flags) { return remove_at(directory, name, flags); }

int mkdir(const char *name, mode_t mode) {
  char path[PATH_MAX];
  if (!resolve(AT_FDCWD, name, path)) return NEXT(mkdir)(name, mode);
  int result;
  CHANGE("mkdir", result, NEXT(mkdir)(name, mode), note('K', 0, path, "", 0));
}
