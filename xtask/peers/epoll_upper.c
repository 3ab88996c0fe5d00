// The yardstick for TCP: a server that answers in upper case, one thread, edge-triggered epoll. It does the least
// a correct server can do: one receive and one send for a message, one shared buffer, no log.
//
// An answer that the socket does not take whole is kept for its connection, which is not read again before it is sent.
#include "peer.h"

#define BUFFER (64 * 1024)
#define EVENTS 256

struct connection {
    int fd;
    unsigned char *unsent; // owned; NULL when there is nothing left to send
    size_t unsent_length, unsent_sent;
};

static unsigned char buffer[BUFFER];

static void close_connection(struct connection *connection) {
    close(connection->fd);
    free(connection->unsent);
    free(connection);
}

static void accept_all(int listener, int epoll) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0)
            return;
        set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        struct connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL)
            die("calloc");
        connection->fd = fd;
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            die("epoll_ctl");
    }
}

// True when nothing is left to send.
static int send_unsent(struct connection *connection) {
    if (connection->unsent == NULL)
        return 1;
    size_t left = connection->unsent_length - connection->unsent_sent;
    ssize_t sent = send(connection->fd, connection->unsent + connection->unsent_sent, left, MSG_NOSIGNAL);
    if (sent > 0)
        connection->unsent_sent += sent;
    if (connection->unsent_sent < connection->unsent_length)
        return 0;
    free(connection->unsent);
    connection->unsent = NULL;
    return 1;
}

static void keep_unsent(struct connection *connection, size_t from, size_t to) {
    connection->unsent_sent = 0;
    connection->unsent_length = to - from;
    connection->unsent = malloc(to - from);
    if (connection->unsent == NULL)
        die("malloc");
    memcpy(connection->unsent, buffer + from, to - from);
}

static void answer(struct connection *connection, uint32_t events) {
    for (;;) {
        ssize_t received = recv(connection->fd, buffer, BUFFER, 0);
        if (received < 0 && errno == EAGAIN)
            return;
        if (received <= 0) {
            close_connection(connection);
            return;
        }
        upper(buffer, received);
        ssize_t sent = send(connection->fd, buffer, received, MSG_NOSIGNAL);
        if (sent < 0)
            sent = 0;
        if (sent < received) {
            keep_unsent(connection, sent, received);
            return;
        }
        // A read that did not fill the buffer emptied the socket, and the next edge tells of more (epoll(7)), but not
        // of an end that this event told of already.
        if (received < BUFFER && !(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
            return;
    }
}

int main(void) {
    raise_descriptor_limit();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0)
        die("socket");
    set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    bind_and_announce(listener, "tcp", "upper");

    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0)
        die("epoll");
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL)
                accept_all(listener, epoll);
            else if (send_unsent(connection))
                answer(connection, events[i].events);
        }
    }
}
