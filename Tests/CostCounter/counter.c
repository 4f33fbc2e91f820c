// Counts what a program asks of its C library, in a file that others can read while it runs. A test preloads it:
//
//   cc -shared -fPIC -O2 -o counter.so counter.c
//   LD_PRELOAD=counter.so MARTLET_COST_FILE=/tmp/costs martlet-edge …
//
// The file holds one number of 64 bits for each of the counts below. Calls count, whatever comes of them; what the C
// library calls within itself does not.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ALLOCATIONS, WRITES, READS, WAITS, CONTROLS, KINDS };

// Until the file is there, which is before main, and in programs that have none.
static _Atomic uint64_t unseen[KINDS];
static _Atomic uint64_t *counts = unseen;

static inline void count(int kind) { atomic_fetch_add_explicit(&counts[kind], 1, memory_order_relaxed); }

__attribute__((constructor)) static void open_file(void) {
  const char *path = getenv("MARTLET_COST_FILE");
  int file = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (file < 0) return;
  if (ftruncate(file, sizeof unseen) == 0) {
    void *shared = mmap(NULL, sizeof unseen, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) counts = shared;
  }
  close(file);
}

// What glibc has under these names too.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) { return count(ALLOCATIONS), __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return count(ALLOCATIONS), __libc_calloc(number, size); }
void *realloc(void *old, size_t size) { return count(ALLOCATIONS), __libc_realloc(old, size); }
void *aligned_alloc(size_t alignment, size_t size) { return count(ALLOCATIONS), __libc_memalign(alignment, size); }
int posix_memalign(void **place, size_t alignment, size_t size) {
  count(ALLOCATIONS);
  *place = __libc_memalign(alignment, size);
  return *place ? 0 : ENOMEM;
}

ssize_t write(int file, const void *bytes, size_t size) { return count(WRITES), syscall(SYS_write, file, bytes, size); }
ssize_t writev(int file, const struct iovec *parts, int number) {
  return count(WRITES), syscall(SYS_writev, file, parts, number);
}
ssize_t send(int file, const void *bytes, size_t size, int flags) {
  return count(WRITES), syscall(SYS_sendto, file, bytes, size, flags, NULL, 0);
}
ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
  return count(WRITES), syscall(SYS_sendmsg, file, message, flags);
}

ssize_t read(int file, void *bytes, size_t size) { return count(READS), syscall(SYS_read, file, bytes, size); }
ssize_t readv(int file, const struct iovec *parts, int number) {
  return count(READS), syscall(SYS_readv, file, parts, number);
}
ssize_t recv(int file, void *bytes, size_t size, int flags) {
  return count(READS), syscall(SYS_recvfrom, file, bytes, size, flags, NULL, NULL);
}

int epoll_wait(int poller, struct epoll_event *events, int number, int milliseconds) {
  return count(WAITS), (int)syscall(SYS_epoll_pwait, poller, events, number, milliseconds, NULL, 8);
}
int epoll_ctl(int poller, int operation, int file, struct epoll_event *event) {
  return count(CONTROLS), (int)syscall(SYS_epoll_ctl, poller, operation, file, event);
}
