#include "CUring.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/socket.h>

struct curing {
  struct io_uring ring;
};

// Notes what is done, and says how many that were.
static unsigned reap(struct curing *ring, struct curing_target *targets) {
  struct io_uring_cqe *completion;
  unsigned head, seen = 0;
  io_uring_for_each_cqe(&ring->ring, head, completion) {
    targets[completion->user_data].sent = completion->res;
    seen++;
  }
  io_uring_cq_advance(&ring->ring, seen);
  return seen;
}

struct curing *curing_open(void) {
  struct curing *ring = malloc(sizeof *ring);
  if (ring == NULL) return NULL;
  // One thread submits, which spares the kernel its locks (Linux 6.1 on).
  unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  int failure = io_uring_queue_init(CURING_AT_ONCE, &ring->ring, flags);
  if (failure == -EINVAL) failure = io_uring_queue_init(CURING_AT_ONCE, &ring->ring, 0);
  if (failure != 0) {
    free(ring);
    return NULL;
  }
  // Linux 5.1 to 5.5 has rings, but not this operation, nor a way to ask for it.
  struct io_uring_probe *probe = io_uring_get_probe_ring(&ring->ring);
  int can_send = probe != NULL && io_uring_opcode_supported(probe, IORING_OP_SEND);
  io_uring_free_probe(probe);
  if (can_send) return ring;
  curing_close(ring);
  return NULL;
}

void curing_close(struct curing *ring) {
  io_uring_queue_exit(&ring->ring);
  free(ring);
}

int curing_send(
  struct curing *ring, struct curing_target *targets, uint32_t count, struct curing_bytes first,
  struct curing_bytes second
) {
  for (uint32_t i = 0; i < count; i++) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->ring);
    if (entry == NULL) return -EBUSY;
    struct curing_bytes bytes = targets[i].form == 0 ? first : second;
    // A send that may not wait is done, or has failed, by the time that it is submitted.
    io_uring_prep_send(entry, targets[i].descriptor, bytes.start, bytes.count, MSG_DONTWAIT | MSG_NOSIGNAL);
    io_uring_sqe_set_data64(entry, i);
  }
  uint32_t done = 0;
  while (done < count) {
    int submitted = io_uring_submit_and_wait(&ring->ring, count - done);
    done += reap(ring, targets);
    if (submitted < 0 && submitted != -EINTR) return submitted;
  }
  return 0;
}
