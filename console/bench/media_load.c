/*
 * The load of the media benchmark: every telephone (a UDP socket) and every headset (a WebSocket) in one thread.
 *
 *   media_load CALLS WARM_UP SECONDS
 *
 * It prints "ports P1 … Pn" (its telephones), reads "HEADSET_PORT Q1 … Qn" (where their RTP goes) and n lines with the
 * path and query of each headset's socket, connects, and prints "ready" once every headset was told that its call
 * begins. Each side then sends a G.711 packet each 20 ms that carries its sending time. "counting" and "counted" mark
 * the time in which packets count; a JSON object with counts and delays (microseconds) follows. The sockets stay open
 * until standard input ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FRAME_NS 20000000ULL
#define PAYLOAD 160
#define HEADSET_HEADER 8
#define RTP_HEADER 12
#define STEP_NS 250000

struct headset {
    int fd, started;
    size_t have;
    unsigned char data[16384];
};

struct stream {
    uint64_t due;
    int call, from_headset;
    uint32_t number;
};

static struct headset *headsets;
static int *telephones;
static uint64_t from_ns = UINT64_MAX, until_ns = UINT64_MAX;
static uint32_t *delays[2]; /* to the headset, to the line; microseconds */
static uint32_t *lateness;  /* of this load's own packets; microseconds */
static size_t arrived[2], sent[2], measured, room, refused;

static void fail(const char *what) {
    fprintf(stderr, "media_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void arrival(int direction, const unsigned char *payload, size_t size) {
    uint64_t at, now = now_ns();
    if (size != PAYLOAD || memcmp(payload + 12, "sansheng", 8)) return; /* silence, or somebody else's */
    memcpy(&at, payload, 8);
    if (at < from_ns || at >= until_ns || arrived[direction] >= room) return;
    delays[direction][arrived[direction]++] = (uint32_t)((now - at) / 1000);
}

static void send_frame(struct headset *one, int opcode, const unsigned char *body, size_t size) {
    unsigned char frame[4 + 4 + 512];
    static const unsigned char key[4] = {0x5a, 0xc3, 0x17, 0x9e};
    size_t at = 0;
    frame[at++] = (unsigned char)(0x80 | opcode);
    if (size < 126) {
        frame[at++] = (unsigned char)(0x80 | size);
    } else {
        frame[at++] = 0x80 | 126;
        frame[at++] = (unsigned char)(size >> 8);
        frame[at++] = (unsigned char)size;
    }
    memcpy(frame + at, key, 4);
    at += 4;
    for (size_t i = 0; i < size; i++) frame[at + i] = body[i] ^ key[i & 3];
    if (send(one->fd, frame, at + size, MSG_NOSIGNAL) != (ssize_t)(at + size)) refused++;
}

static void text(struct headset *one, const char *said) {
    const char *number;
    if (strstr(said, "\"probe\"") && (number = strstr(said, "\"n\":"))) {
        char answer[96];
        int size = snprintf(answer, sizeof answer, "{\"type\":\"alive\",\"n\":%d,\"page_age_ms\":5,\"stats\":{}}",
                            atoi(number + 4));
        send_frame(one, 1, (unsigned char *)answer, (size_t)size);
    } else if (strstr(said, "\"start\"")) {
        one->started = 1;
    }
}

static void take_frames(struct headset *one) {
    size_t at = 0;
    while (one->have - at >= 2) {
        unsigned char *frame = one->data + at;
        size_t size = frame[1] & 0x7f, head = 2;
        if (size == 126) {
            if (one->have - at < 4) break;
            size = (size_t)frame[2] << 8 | frame[3];
            head = 4;
        }
        if (one->have - at < head + size) break;
        if ((frame[0] & 15) == 2 && size > HEADSET_HEADER) {
            arrival(0, frame + head + HEADSET_HEADER, size - HEADSET_HEADER);
        } else if ((frame[0] & 15) == 1) {
            char said[512] = {0};
            memcpy(said, frame + head, size < 511 ? size : 511);
            text(one, said);
        }
        at += head + size;
    }
    memmove(one->data, one->data + at, one->have - at);
    one->have -= at;
}

static void read_headset(struct headset *one) {
    ssize_t got = recv(one->fd, one->data + one->have, sizeof one->data - one->have, 0);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        errno = got ? errno : ECONNRESET;
        fail("a headset's socket was closed");
    }
    one->have += (size_t)got;
    take_frames(one);
}

static void read_telephone(int fd) {
    unsigned char datagram[2048];
    ssize_t got = recv(fd, datagram, sizeof datagram, 0);
    if (got > RTP_HEADER) arrival(1, datagram + RTP_HEADER, (size_t)got - RTP_HEADER);
}

static void send_one(struct stream *stream) {
    unsigned char packet[RTP_HEADER + PAYLOAD];
    uint32_t number = ++stream->number;
    uint16_t low = htons((uint16_t)number);
    uint32_t timestamp = htonl(number * PAYLOAD), source = htonl((uint32_t)stream->call + 1);
    unsigned char *payload = packet + (stream->from_headset ? HEADSET_HEADER : RTP_HEADER);
    memset(payload, 0x55, PAYLOAD);
    memcpy(payload + 12, "sansheng", 8);
    uint64_t now = now_ns();
    memcpy(payload, &now, 8);
    if (stream->from_headset) {
        packet[0] = 8;
        packet[1] = 0;
        memcpy(packet + 2, &low, 2);
        memcpy(packet + 4, &timestamp, 4);
        send_frame(&headsets[stream->call], 2, packet, HEADSET_HEADER + PAYLOAD);
    } else {
        packet[0] = 0x80;
        packet[1] = (unsigned char)(8 | (number == 1 ? 0x80 : 0));
        memcpy(packet + 2, &low, 2);
        memcpy(packet + 4, &timestamp, 4);
        memcpy(packet + 8, &source, 4);
        if (send(telephones[stream->call], packet, sizeof packet, MSG_NOSIGNAL) < 0) refused++;
    }
    if (now >= from_ns && now < until_ns) sent[stream->from_headset]++;
}

static int telephone(void) {
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof here)) fail("a telephone's socket");
    return fd;
}

static void connect_headset(struct headset *one, int port, const char *path) {
    struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[2048];
    int on = 1;
    one->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (one->fd < 0 || connect(one->fd, (struct sockaddr *)&there, sizeof there)) fail("a headset's connection");
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        path, port);
    if (size >= (int)sizeof request || send(one->fd, request, (size_t)size, MSG_NOSIGNAL) != size) fail("a handshake");
    for (;;) {
        ssize_t got = recv(one->fd, one->data + one->have, sizeof one->data - one->have - 1, 0);
        if (got <= 0) fail("a handshake was not answered");
        one->have += (size_t)got;
        one->data[one->have] = 0;
        char *end = strstr((char *)one->data, "\r\n\r\n");
        if (!end) continue;
        if (strncmp((char *)one->data, "HTTP/1.1 101", 12)) {
            errno = EPROTO;
            fail("a handshake was refused");
        }
        size_t used = (size_t)(end + 4 - (char *)one->data);
        memmove(one->data, one->data + used, one->have - used);
        one->have -= used;
        break;
    }
    fcntl(one->fd, F_SETFL, fcntl(one->fd, F_GETFL) | O_NONBLOCK);
    take_frames(one);
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_delays(const char *name, int direction, const char *after) {
    size_t count = arrived[direction];
    uint32_t *all = delays[direction];
    qsort(all, count, sizeof *all, by_size);
#define AT(share) (count ? all[(size_t)((double)(count - 1) * (share))] : 0)
    printf("\"%s\": {\"n\": %zu, \"p50\": %u, \"p95\": %u, \"p99\": %u, \"max\": %u}%s", name, count, AT(0.5), AT(0.95),
           AT(0.99), AT(1.0), after);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: media_load CALLS WARM_UP SECONDS\n");
        return 2;
    }
    struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_RR, &first); /* where it may: its own lateness must not be taken for the phone's */
    int calls = atoi(argv[1]), port, poller = epoll_create1(0);
    double warm_up = atof(argv[2]), seconds = atof(argv[3]);
    if (calls < 1 || calls > 5000 || seconds <= 0 || seconds > 600) return 2;
    headsets = calloc((size_t)calls, sizeof *headsets);
    telephones = calloc((size_t)calls, sizeof *telephones);
    room = (size_t)(calls * (seconds + 1) * 60);
    delays[0] = malloc(room * sizeof(uint32_t));
    delays[1] = malloc(room * sizeof(uint32_t));
    lateness = malloc(2 * room * sizeof(uint32_t));
    printf("ports");
    for (int n = 0; n < calls; n++) {
        struct sockaddr_in here;
        socklen_t size = sizeof here;
        telephones[n] = telephone();
        getsockname(telephones[n], (struct sockaddr *)&here, &size);
        printf(" %d", ntohs(here.sin_port));
    }
    printf("\n");
    fflush(stdout);
    if (scanf("%d", &port) != 1) fail("no headset port");
    for (int n = 0; n < calls; n++) {
        struct sockaddr_in there = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int to;
        if (scanf("%d", &to) != 1) fail("no RTP port");
        there.sin_port = htons((uint16_t)to);
        if (connect(telephones[n], (struct sockaddr *)&there, sizeof there)) fail("a telephone's connect");
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)n};
        epoll_ctl(poller, EPOLL_CTL_ADD, telephones[n], &event);
    }
    for (int n = 0; n < calls; n++) {
        char path[1024];
        if (scanf("%1023s", path) != 1) fail("no path");
        connect_headset(&headsets[n], port, path);
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(calls + n)};
        epoll_ctl(poller, EPOLL_CTL_ADD, headsets[n].fd, &event);
    }
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec beat = {.it_interval = {0, STEP_NS}, .it_value = {0, STEP_NS}};
    timerfd_settime(timer, 0, &beat, NULL);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);

    int streams = 2 * calls, next = 0, state = 0;
    struct stream *all = calloc((size_t)streams, sizeof *all);
    uint64_t begun = 0, end = UINT64_MAX;
    srand(1);
    for (uint64_t now = now_ns(); now < end; now = now_ns()) {
        struct epoll_event ready[256];
        int count = epoll_wait(poller, ready, 256, 1000);
        for (int n = 0; n < count; n++) {
            uint32_t which = ready[n].data.u32;
            if (which == UINT32_MAX) {
                uint64_t ticks;
                if (read(timer, &ticks, sizeof ticks) < 0) continue;
            } else if (which < (uint32_t)calls) {
                read_telephone(telephones[which]);
            } else {
                read_headset(&headsets[which - (uint32_t)calls]);
            }
        }
        now = now_ns();
        if (state == 0) {
            int started = 0;
            for (int n = 0; n < calls; n++) started += headsets[n].started;
            if (started < calls) continue;
            state = 1;
            begun = now;
            printf("ready\n");
            fflush(stdout);
            /* every stream at a phase of its own, spread at random; in order, they come due in turn */
            for (int n = 0; n < streams; n++) {
                int other = rand() % (n + 1);
                all[n] = all[other];
                all[other] = (struct stream){0, n / 2, n & 1, 0};
            }
            for (int n = 0; n < streams; n++) all[n].due = now + FRAME_NS * (uint64_t)n / (uint64_t)streams;
        }
        if (state == 1 && now >= begun + (uint64_t)(warm_up * 1e9)) {
            state = 2;
            from_ns = now;
            until_ns = now + (uint64_t)(seconds * 1e9);
            printf("counting\n");
            fflush(stdout);
        }
        if (state == 2 && now >= until_ns) {
            state = 3;
            printf("counted\n");
            fflush(stdout);
            end = now + 500000000ULL;
        }
        while (all[next].due <= now) {
            if (state == 2 && measured < 2 * room) lateness[measured++] = (uint32_t)((now - all[next].due) / 1000);
            send_one(&all[next]);
            all[next].due += FRAME_NS;
            next = (next + 1) % streams;
        }
    }
    qsort(lateness, measured, sizeof *lateness, by_size);
    printf("{\"line\": %zu, \"headset\": %zu, \"refused\": %zu, \"late_p99_us\": %u, \"latest_us\": %u, ", sent[0],
           sent[1], refused, measured ? lateness[measured * 99 / 100] : 0, measured ? lateness[measured - 1] : 0);
    print_delays("to_headset", 0, ", ");
    print_delays("to_line", 1, "}\n");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
