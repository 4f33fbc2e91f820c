// The same bytes to many sockets with one system call, by io_uring. What the library of io_uring brings stays in the C
// file: another package that Swift reads here has the kernel's structures too, in another shape.
#include <stddef.h>
#include <stdint.h>

// A ring, for the thread that opened it.
struct curing;

struct curing_bytes {
  const void *start;
  size_t count;
};

// One socket to send to.
struct curing_target {
  int32_t descriptor;
  // Which form of the bytes: 0 is the first, anything else the second.
  int32_t form;
  // How many bytes the kernel took; 0 or negative where it took none.
  int64_t sent;
  // The caller's own.
  int64_t place;
};

// As many sockets as one call takes.
enum { CURING_AT_ONCE = 256 };

// A ring for this thread; NULL where the kernel has no io_uring, or does not let this process have it.
struct curing *curing_open(void);

void curing_close(struct curing *ring);

// Sends to at most CURING_AT_ONCE sockets, as far as each takes it now, and says so in `sent`. All is done when this
// returns: the kernel neither waits for a socket nor keeps a send for later.
//
// Returns 0, or a negative errno where the ring is of no use any more; it sent nothing where it left `sent` alone.
int curing_send(
  struct curing *ring, struct curing_target *targets, uint32_t count, struct curing_bytes first,
  struct curing_bytes second
);
