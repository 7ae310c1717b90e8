/*
 * A long line between two network namespaces, for t/bench/distance.py; no program of zr:
 *
 *	line [-d MS] [-l PERCENT] [-q MS] [-r MBIT] [-s SEED] PROGRAM ...
 *
 * runs PROGRAM in a network namespace of its own, as 10.9.0.1, from where a line leads
 * to 10.9.0.2 in another one: /proc/PID/ns/net, the value of LINE_FAR, as long as
 * PROGRAM runs.  It needs the rights to make both (root), and a kernel with TUN.
 *
 * Each direction is a transmitter of MBIT (100) with a queue of at most MS (50), and a
 * way of MS (0) behind it, -d.  -l of the packets, by chance from SEED, are lost on the
 * way; so are those that find the queue full.  It stands in for netem, which few kernels
 * of virtual machines have: TCP is the kernel's and sees delays and losses of IP packets.
 */
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"

#define PACKET_MAX	1500
#define WAY_MAX		(1u << 15)	/* packets in each direction, a power of 2 */
#define MS		1000000		/* in nanoseconds */

static const char usage[] =
    "line [-d MS] [-l PERCENT] [-q MS] [-r MBIT] [-s SEED] PROGRAM [ARGUMENT...]";

struct packet {
	int64_t due;
	uint16_t length;
	uint8_t bytes[PACKET_MAX];
};

/* One direction.  All packets in it have the same way to go: the first is due first. */
struct way {
	int source, sink;
	uint64_t chance;
	int64_t transmitter_free;
	size_t first, count;
	struct packet packets[WAY_MAX];
};

static struct way ways[2];
static double lost, mbit = 100;
static int64_t delay, queue = 50 * MS;

static int64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return ((int64_t)time.tv_sec * 1000 * MS + time.tv_nsec);
}

/* Between 0 and 1: xorshift64*. */
static double
chance(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return ((double)((*state * 2685821657736338717u) >> 11) / (double)(1ull << 53));
}

static void
take_in(struct way *way)
{
	static uint8_t nowhere[PACKET_MAX];
	struct packet *packet;
	const int64_t time = now();
	int64_t sent;
	ssize_t got;

	for (;;) {
		packet = &way->packets[(way->first + way->count) % WAY_MAX];
		got = read(way->source, way->count < WAY_MAX ? packet->bytes : nowhere,
		    PACKET_MAX);
		if (got <= 0)
			return;
		sent = (way->transmitter_free > time ? way->transmitter_free : time) +
		    (int64_t)((double)got * 8000 / mbit);
		if (way->count == WAY_MAX || sent - time > queue)
			continue;
		way->transmitter_free = sent;
		if (chance(&way->chance) < lost)
			continue;
		packet->due = sent + delay;
		packet->length = (uint16_t)got;
		way->count++;
	}
}

/* Returns when the next one is due, INT64_MAX: there is none. */
static int64_t
deliver(struct way *way)
{
	const int64_t time = now();

	for (; way->count > 0; way->count--) {
		const struct packet *packet = &way->packets[way->first];

		if (packet->due > time)
			return (packet->due);
		/* The kernel drops what it cannot take, as it would elsewhere. */
		if (write(way->sink, packet->bytes, packet->length) == -1 &&
		    errno != EAGAIN && errno != ENOBUFS)
			die_errno("write");
		way->first = (way->first + 1) % WAY_MAX;
	}
	return (INT64_MAX);
}

static int
carry(int children, pid_t program)
{
	struct pollfd entries[] = { { .fd = ways[0].source, .events = POLLIN },
	    { .fd = ways[1].source, .events = POLLIN },
	    { .fd = children, .events = POLLIN } };
	int status;

	for (;;) {
		const int64_t one = deliver(&ways[0]), other = deliver(&ways[1]);
		const int64_t due = one < other ? one : other, time = now();
		const int64_t wait = due > time ? due - time : 0;
		const struct timespec limit = { .tv_sec = wait / (1000 * MS),
		    .tv_nsec = wait % (1000 * MS) };

		if (ppoll(entries, 3, due == INT64_MAX ? NULL : &limit, NULL) == -1)
			die_errno("ppoll");
		for (int i = 0; i < 2; i++)
			if (entries[i].revents != 0)
				take_in(&ways[i]);
		if (entries[2].revents != 0) {
			if (waitpid(program, &status, 0) == -1)
				die_errno("waitpid");
			return (WIFEXITED(status) ? WEXITSTATUS(status) :
			    128 + WTERMSIG(status));
		}
	}
}

static void
set(int fd, unsigned long request, struct ifreq *interface, const char *what)
{
	if (ioctl(fd, request, interface) == -1)
		die_errno("%s", what);
}

static void
set_address(int fd, unsigned long request, struct ifreq *interface, const char *address)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = inet_addr(address) };

	memcpy(&interface->ifr_addr, &in, sizeof(in));
	set(fd, request, interface, address);
}

static void
bring_up(int fd, struct ifreq *interface)
{
	interface->ifr_flags = IFF_UP;
	set(fd, SIOCSIFFLAGS, interface, interface->ifr_name);
}

/* Enter a new network namespace; returns the end of the line there. */
static int
make_end(const char *address)
{
	struct ifreq lo = { .ifr_name = "lo" }, line = { .ifr_name = "line" };
	int fd, end;

	if (unshare(CLONE_NEWNET) == -1)
		die_errno("a network namespace");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	end = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || end == -1)
		die_errno("/dev/net/tun");
	line.ifr_flags = IFF_TUN | IFF_NO_PI;
	set(end, TUNSETIFF, &line, "TUN");
	set_address(fd, SIOCSIFADDR, &line, address);
	set_address(fd, SIOCSIFNETMASK, &line, "255.255.255.0");
	/* We read at once, or as soon as we get a processor. */
	line.ifr_qlen = 10000;
	set(fd, SIOCSIFTXQLEN, &line, "the queue");
	bring_up(fd, &line);
	bring_up(fd, &lo);
	close(fd);
	return (end);
}

static pid_t
start(int namespace, char *argv[])
{
	char far[64];
	sigset_t none;
	pid_t program;

	snprintf(far, sizeof(far), "/proc/%ld/ns/net", (long)getpid());
	program = fork();
	if (program == -1)
		die_errno("fork");
	if (program > 0)
		return (program);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (setenv("LINE_FAR", far, 1) == -1 || setns(namespace, CLONE_NEWNET) == -1)
		die_errno("setns");
	execvp(argv[0], argv);
	die_errno("%s", argv[0]);
}

static double
number(const char *text, double most)
{
	char *end;
	const double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0 && value <= most))
		usage_die(usage);
	return (value);
}

int
main(int argc, char *argv[])
{
	uint64_t seed = 1;
	sigset_t child;
	int option, near, namespace, children;
	pid_t program;

	diag_init("line");
	while ((option = getopt(argc, argv, "+d:l:q:r:s:")) != -1)
		switch (option) {
		case 'd':
			delay = (int64_t)(number(optarg, 1000) * MS);
			break;
		case 'l':
			lost = number(optarg, 100) / 100;
			break;
		case 'q':
			queue = (int64_t)(number(optarg, 1000) * MS);
			break;
		case 'r':
			mbit = number(optarg, 10000);
			break;
		case 's':
			seed = (uint64_t)number(optarg, 1e9);
			break;
		default:
			usage_die(usage);
		}
	if (optind == argc || mbit == 0)
		usage_die(usage);
	near = make_end("10.9.0.1");
	namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (namespace == -1)
		die_errno("/proc/self/ns/net");
	ways[0].source = ways[1].sink = near;
	ways[0].sink = ways[1].source = make_end("10.9.0.2");
	for (int i = 0; i < 2; i++) {
		/* The same for both, so that it does not matter which way a stream goes. */
		ways[i].chance = (seed + 1) * 0x9e3779b97f4a7c15u;
		for (int j = 0; j < 10; j++)
			chance(&ways[i].chance);
	}
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	children = signalfd(-1, &child, SFD_CLOEXEC);
	if (children == -1)
		die_errno("signalfd");
	prctl(PR_SET_TIMERSLACK, 1ul);
	program = start(namespace, argv + optind);
	/* What else the machine does is not to make the line longer, if we may. */
	(void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 2 });
	return (carry(children, program));
}
