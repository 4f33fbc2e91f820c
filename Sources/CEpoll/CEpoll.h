// Sockets and epoll as the load generator and the floor server need them: what is a macro, a union or a structure
// with a tail in C becomes a function that Swift can call. Every failure is a negative errno.
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// glibc shows these to programs alone that ask for its extensions, which Swift's module of glibc does not.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int sched_getaffinity(pid_t, size_t, cpu_set_t *);
extern int sched_setaffinity(pid_t, size_t, const cpu_set_t *);
extern int epoll_pwait2(int, struct epoll_event *, int, const struct timespec *, const sigset_t *);

static inline uint64_t cepoll_nanoseconds(struct timespec time) {
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Nanoseconds since some moment; never set back.
static inline uint64_t cepoll_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return cepoll_nanoseconds(time);
}

// Milliseconds since 1970.
static inline uint64_t cepoll_milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return cepoll_nanoseconds(time) / 1000000u;
}

// Nanoseconds of processor that a process has used, all its threads together, also those that ended; 0: this process.
// -1 where there is none such.
static inline int64_t cepoll_processor(pid_t process) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) return -1;
  return (int64_t)cepoll_nanoseconds(time);
}

// Has this thread, and those that it starts, run on the processors that a process may use.
static inline int cepoll_share_processors(pid_t process) {
  cpu_set_t processors;
  if (sched_getaffinity(process, sizeof processors, &processors) != 0) return -errno;
  return sched_setaffinity(0, sizeof processors, &processors) == 0 ? 0 : -errno;
}

// How many descriptors this process may have, after its soft limit was raised to the hard one.
static inline uint64_t cepoll_descriptors_max(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return (uint64_t)limit.rlim_cur;
}

static inline int cepoll_set(int poller, int operation, int descriptor, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(poller, operation, descriptor, &event) == 0 ? 0 : -errno;
}

static inline int cepoll_create(void) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  return poller >= 0 ? poller : -errno;
}

// epoll's own event is packed and has a union for a tail.
struct cepoll_event {
  uint64_t token;
  uint32_t events;
};

enum { CEPOLL_AT_ONCE = 512 };
static const uint32_t CEPOLL_IN = EPOLLIN, CEPOLL_OUT = EPOLLOUT, CEPOLL_BROKEN = EPOLLERR | EPOLLHUP;

// Waits for at most so long, for ever where the span is negative, and fills in at most CEPOLL_AT_ONCE events. Without
// epoll_pwait2 (Linux before 5.11) it waits for whole milliseconds.
static inline int cepoll_wait(int poller, struct cepoll_event *events, int64_t nanoseconds) {
  struct epoll_event found[CEPOLL_AT_ONCE];
  struct timespec span = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  int ready = epoll_pwait2(poller, found, CEPOLL_AT_ONCE, nanoseconds < 0 ? NULL : &span, NULL);
  if (ready < 0 && errno == ENOSYS) {
    ready = epoll_wait(poller, found, CEPOLL_AT_ONCE, nanoseconds < 0 ? -1 : (int)(nanoseconds / 1000000));
  }
  for (int i = 0; i < ready; i++) {
    events[i].token = found[i].data.u64;
    events[i].events = found[i].events;
  }
  if (ready >= 0) return ready;
  return errno == EINTR ? 0 : -errno;
}

// The address of a host and port; 0, or -1 where the name is not known.
static inline int cepoll_resolve(
  const char *host, const char *port, struct sockaddr_storage *address, socklen_t *length
) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo(host, port, &hints, &found) != 0) return -1;
  memcpy(address, found->ai_addr, found->ai_addrlen);
  *length = found->ai_addrlen;
  freeaddrinfo(found);
  return 0;
}

// Whether an address is one of 127.0.0.0/8.
static inline int cepoll_is_loopback(const struct sockaddr_storage *address) {
  if (address->ss_family != AF_INET) return 0;
  return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

// Begins to connect, from an IPv4 address where one is given (0: from any). The descriptor does not block; closing it
// resets the connection, so that no port stays behind in TIME_WAIT.
static inline int cepoll_connect(const struct sockaddr_storage *address, socklen_t length, uint32_t source) {
  int on = 1, failure;
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  int descriptor = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (source != 0) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    // The port is chosen when both ends are known: then as many connections fit as there are ports an address.
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(descriptor, (struct sockaddr *)&own, sizeof own) != 0) goto failed;
  }
  if (connect(descriptor, (const struct sockaddr *)address, length) == 0 || errno == EINPROGRESS) return descriptor;
failed:
  failure = -errno;
  close(descriptor);
  return failure;
}

// 0 where a connection stands that was begun, else why not.
static inline int cepoll_failure(int descriptor) {
  int failure = 0;
  socklen_t length = sizeof failure;
  return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length) == 0 ? -failure : -errno;
}

// Listens on a free port of 127.0.0.1.
static inline int cepoll_listen(void) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), failure;
  if (descriptor < 0) return -errno;
  if (bind(descriptor, (struct sockaddr *)&own, sizeof own) == 0 && listen(descriptor, 4096) == 0) return descriptor;
  failure = -errno;
  close(descriptor);
  return failure;
}

static inline int cepoll_port(int descriptor) {
  struct sockaddr_in own;
  socklen_t length = sizeof own;
  return getsockname(descriptor, (struct sockaddr *)&own, &length) == 0 ? ntohs(own.sin_port) : -errno;
}

static inline int cepoll_accept(int listener) {
  int on = 1, descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return -errno;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

static inline int64_t cepoll_receive(int descriptor, void *bytes, uint64_t count) {
  ssize_t received = recv(descriptor, bytes, count, MSG_DONTWAIT);
  return received < 0 ? -errno : received;
}

static inline int64_t cepoll_send(int descriptor, const void *bytes, uint64_t count) {
  ssize_t sent = send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}
