// An operation has no files. Where the C library would write to one (printf, or what snprintf is made of), it learns so here, and nothing
// is imported from WASI.

#include <stdint.h>

#define BADF 8

int32_t __imported_wasi_snapshot_preview1_fd_write(int32_t fd, int32_t iovs, int32_t count, int32_t written) {
  (void)fd, (void)iovs, (void)count, (void)written;
  return BADF;
}

int32_t __imported_wasi_snapshot_preview1_fd_seek(int32_t fd, int64_t offset, int32_t whence, int32_t position) {
  (void)fd, (void)offset, (void)whence, (void)position;
  return BADF;
}

int32_t __imported_wasi_snapshot_preview1_fd_close(int32_t fd) {
  (void)fd;
  return BADF;
}
