// Connections that come and go: `-n` in all, `-c` at one time; each sends one message, checks the answer and closes.
// The client closes first, so TIME_WAIT stays on its side, as with the clients of a real server.
//
// The clients use 16 addresses of the loopback network: one address has fewer free ports than connections that are
// still in TIME_WAIT after a second.
#include "load.h"

#define ADDRESSES 16
#define EVENTS 512

enum state { CONNECTING, ASKED };

struct client {
    int fd;
    enum state state;
};

static uint64_t opened, done, failed;
static unsigned char request[BODY], expected[BODY];

static void open_next(struct client *client, const struct options *options, int epoll) {
    client->fd = -1;
    while (opened < (uint64_t)options->count) {
        struct sockaddr_in from = loopback(INADDR_LOOPBACK + opened++ % ADDRESSES, 0);
        struct sockaddr_in to = loopback(INADDR_LOOPBACK, options->port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (fd < 0)
            die("socket");
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0)
            die("bind");
        if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
            failed++;
            close(fd);
            continue;
        }
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("epoll_ctl");
        *client = (struct client){.fd = fd, .state = CONNECTING};
        return;
    }
}

// True when this connection has come to its end, good or bad.
static int go_on(struct client *client) {
    if (client->state == CONNECTING) {
        if (send(client->fd, request, BODY, MSG_NOSIGNAL) != BODY) {
            failed++;
            return 1;
        }
        client->state = ASKED;
    }
    unsigned char answer[BODY];
    ssize_t received = recv(client->fd, answer, BODY, 0);
    if (received < 0 && errno == EAGAIN)
        return 0;
    if (received != BODY || memcmp(answer, expected, BODY) != 0)
        failed++;
    return 1;
}

int main(int argc, char **argv) {
    struct options options = read_options(argc, argv);
    raise_descriptor_limit();
    for (size_t i = 0; i < BODY; i++)
        request[i] = expected[i] = letter(i);
    upper(expected, BODY);
    int epoll = epoll_create1(0);
    struct client *clients = calloc(options.connections, sizeof *clients);
    if (epoll < 0 || clients == NULL)
        die("epoll");
    say_ready_and_wait();

    uint64_t started = now(), cpu_before = server_cpu(options.server);
    for (int i = 0; i < options.connections; i++)
        open_next(&clients[i], &options, epoll);
    struct epoll_event events[EVENTS];
    while (done + failed < (uint64_t)options.count) {
        int count = epoll_wait(epoll, events, EVENTS, 10000);
        if (count == 0) {
            fprintf(stderr, "no answer for ten seconds\n");
            return 1;
        }
        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;
            uint64_t failed_before = failed;
            if (!go_on(client))
                continue;
            done += failed == failed_before;
            close(client->fd);
            open_next(client, &options, epoll);
        }
    }
    printf("{\"seconds\":%f,\"messages\":%lu,\"errors\":%lu,\"server_cpu\":%f}\n",
           (now() - started) / 1e9, done, failed, (server_cpu(options.server) - cpu_before) / 1e9);
    hold_until_told();
}
