/*
 * The floor of the media benchmark: the least that the phone's media path can be, in C.
 *
 *   media_relay FOLDER P1 … Pn
 *
 * Call n: RTP from port Pn of loopback goes to the n-th headset's WebSocket in frames of the same form as the phone's,
 * frames of the headset go out as RTP, and both directions are appended to FOLDER/n.cap as the recorder does (a record
 * header, the payload; written twice a second). No latch, pacer, statistics, probes or error handling beyond that.
 * It prints "HEADSET_PORT Q1 … Qn" and runs until its standard input ends. A headset's query says its number.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define RECORD 16
#define FLUSH_NS 500000000ULL
#define ROOM 65536

struct call {
    int rtp, headset, file;
    uint16_t sequence;
    uint32_t timestamp;
    size_t have, taped;
    unsigned char data[8192];
    unsigned char tape[ROOM];
};

static struct call *calls;
static int count;

static void fail(const char *what) {
    fprintf(stderr, "media_relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void flush(struct call *call) {
    if (call->taped && write(call->file, call->tape, call->taped) < 0) fail("a capture file");
    call->taped = 0;
}

static void record(struct call *call, unsigned leg, uint32_t timestamp, const unsigned char *payload, size_t size) {
    if (call->taped + RECORD + size > ROOM) flush(call);
    unsigned char *at = call->tape + call->taped;
    uint32_t stamp = htonl(timestamp);
    uint64_t arrival = htobe64(now_ns());
    at[0] = (unsigned char)leg;
    at[1] = 8;
    at[2] = (unsigned char)(size >> 8);
    at[3] = (unsigned char)size;
    memcpy(at + 4, &stamp, 4);
    memcpy(at + 8, &arrival, 8);
    memcpy(at + RECORD, payload, size);
    call->taped += RECORD + size;
}

static void from_line(struct call *call) {
    unsigned char datagram[2048], frame[4 + 8 + 2048];
    ssize_t got = recv(call->rtp, datagram, sizeof datagram, 0);
    if (got <= 12 || datagram[0] != 0x80) return;
    size_t size = (size_t)got - 12;
    frame[0] = 0x82;
    frame[1] = 126;
    frame[2] = (unsigned char)((size + 8) >> 8);
    frame[3] = (unsigned char)(size + 8);
    frame[4] = datagram[1] & 0x7f;
    frame[5] = datagram[1] >> 7;
    memcpy(frame + 6, datagram + 2, 6);
    memcpy(frame + 12, datagram + 12, size);
    if (call->headset >= 0) (void)!send(call->headset, frame, size + 12, MSG_NOSIGNAL);
    uint32_t timestamp;
    memcpy(&timestamp, datagram + 4, 4);
    record(call, 0, ntohl(timestamp), datagram + 12, size);
}

static void from_headset(struct call *call) {
    ssize_t got = recv(call->headset, call->data + call->have, sizeof call->data - call->have, 0);
    if (got <= 0) {
        if (got < 0 && errno == EAGAIN) return;
        close(call->headset);
        call->headset = -1;
        return;
    }
    call->have += (size_t)got;
    size_t at = 0;
    while (call->have - at >= 6) {
        unsigned char *frame = call->data + at, *key, *body;
        size_t size = frame[1] & 0x7f, head = 2;
        if (size == 126) {
            size = (size_t)frame[2] << 8 | frame[3];
            head = 4;
        }
        if (call->have - at < head + 4 + size) break;
        key = frame + head;
        body = key + 4;
        if ((frame[0] & 15) == 2 && size > 8) {
            unsigned char packet[12 + 2048];
            for (size_t n = 0; n < size; n++) body[n] ^= key[n & 3];
            uint16_t sequence = htons(call->sequence++);
            uint32_t timestamp = htonl(call->timestamp), source = htonl(1);
            packet[0] = 0x80;
            packet[1] = 8;
            memcpy(packet + 2, &sequence, 2);
            memcpy(packet + 4, &timestamp, 4);
            memcpy(packet + 8, &source, 4);
            memcpy(packet + 12, body + 8, size - 8);
            (void)!send(call->rtp, packet, size + 4, MSG_NOSIGNAL);
            record(call, 1, call->timestamp, body + 8, size - 8);
            call->timestamp += (uint32_t)size - 8;
        }
        at += head + 4 + size;
    }
    memmove(call->data, call->data + at, call->have - at);
    call->have -= at;
}

static void say(int fd, const char *text) {
    unsigned char frame[128];
    size_t size = strlen(text);
    frame[0] = 0x81;
    frame[1] = (unsigned char)size;
    memcpy(frame + 2, text, size);
    if (send(fd, frame, size + 2, MSG_NOSIGNAL) < 0) fail("a greeting");
}

static void accept_headset(int listener, int poller) {
    char request[4096];
    size_t have = 0;
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    do {
        ssize_t got = recv(fd, request + have, sizeof request - have - 1, 0);
        if (got <= 0) {
            close(fd);
            return;
        }
        have += (size_t)got;
        request[have] = 0;
    } while (!strstr(request, "\r\n\r\n") && have < sizeof request - 1);
    char *query = strchr(request, '=');
    int number = query ? atoi(query + 1) : -1;
    if (number < 0 || number >= count) {
        close(fd);
        return;
    }
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    if (send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) fail("a handshake");
    say(fd, "{\"type\":\"start\"}");
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    calls[number].headset = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(count + number)};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: media_relay FOLDER P1 … Pn\n");
        return 2;
    }
    struct sched_param first = {.sched_priority = 1};
    sched_setscheduler(0, SCHED_RR, &first); /* as the phone does where it may */
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM, 0), poller = epoll_create1(0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&here, size) || listen(listener, 1024)) fail("listen");
    getsockname(listener, (struct sockaddr *)&here, &size);
    printf("%d", ntohs(here.sin_port));
    count = argc - 2;
    calls = calloc((size_t)count, sizeof *calls);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    event.data.u32 = UINT32_MAX - 1;
    epoll_ctl(poller, EPOLL_CTL_ADD, 0, &event);
    for (int n = 0; n < count; n++) {
        struct call *call = &calls[n];
        char path[4096];
        here.sin_port = 0;
        call->headset = -1;
        call->rtp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (call->rtp < 0 || bind(call->rtp, (struct sockaddr *)&here, sizeof here)) fail("an RTP socket");
        getsockname(call->rtp, (struct sockaddr *)&here, &size);
        printf(" %d", ntohs(here.sin_port));
        here.sin_port = htons((uint16_t)atoi(argv[n + 2]));
        if (connect(call->rtp, (struct sockaddr *)&here, sizeof here)) fail("an RTP peer");
        snprintf(path, sizeof path, "%s/%d.cap", argv[1], n);
        call->file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (call->file < 0) fail(path);
        event.data.u32 = (uint32_t)n;
        epoll_ctl(poller, EPOLL_CTL_ADD, call->rtp, &event);
    }
    printf("\n");
    fflush(stdout);
    for (uint64_t flushed = now_ns();;) {
        struct epoll_event ready[256];
        int many = epoll_wait(poller, ready, 256, 100);
        for (int n = 0; n < many; n++) {
            uint32_t which = ready[n].data.u32;
            if (which == UINT32_MAX) {
                accept_headset(listener, poller);
            } else if (which == UINT32_MAX - 1) {
                for (int k = 0; k < count; k++) flush(&calls[k]);
                return 0;
            } else if (which < (uint32_t)count) {
                from_line(&calls[which]);
            } else {
                from_headset(&calls[which - (uint32_t)count]);
            }
        }
        if (now_ns() - flushed >= FLUSH_NS) {
            for (int n = 0; n < count; n++) flush(&calls[n]);
            flushed = now_ns();
        }
    }
}
