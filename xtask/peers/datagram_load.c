// Load on a UDP server: `-c` sockets, each waits for its answer before it sends again. An answer that does not come
// in time counts as lost, and the socket goes on with its next message. With `-k FILE` it keeps what it sends: a message is
// appended to the file and on disk (fdatasync(2)) before it goes.
#include "load.h"

#define EVENTS 512
#define NUMBER 8                  // a message starts with its number, in capital hexadecimal digits
#define PATIENCE (NANOSECONDS / 5)

struct client {
    int fd;
    uint32_t number;
    uint64_t sent_when;
};

static uint64_t answered, errors, lost;
static int file = -1; // -1 when nothing is kept

static void write_message(unsigned char *message, uint32_t number) {
    static const char digits[] = "0123456789ABCDEF";
    for (int i = 0; i < NUMBER; i++)
        message[i] = digits[number >> (28 - 4 * i) & 15];
    for (size_t i = NUMBER; i < BODY; i++)
        message[i] = letter(number + i);
}

static void send_next(struct client *client) {
    unsigned char message[BODY];
    write_message(message, ++client->number);
    if (file >= 0 && (write(file, message, BODY) != BODY || fdatasync(file) < 0))
        die("write");
    client->sent_when = now();
    if (send(client->fd, message, BODY, 0) < 0 && errno != EAGAIN)
        errors++;
}

static void receive(struct client *client) {
    unsigned char answer[BODY + 1], expected[BODY];
    ssize_t received = recv(client->fd, answer, sizeof answer, 0);
    if (received < 0 && errno == EAGAIN)
        return;
    write_message(expected, client->number);
    upper(expected, BODY);
    if (received == BODY && memcmp(answer, expected, NUMBER) != 0)
        return; // the late answer to a message that was counted as lost
    if (received != BODY || memcmp(answer, expected, BODY) != 0)
        errors++;
    else
        answered++;
    send_next(client);
}

static void count_lost(struct client *clients, int count) {
    uint64_t time = now();
    for (int i = 0; i < count; i++) {
        if (time - clients[i].sent_when > PATIENCE) {
            lost++;
            send_next(&clients[i]);
        }
    }
}

int main(int argc, char **argv) {
    struct options options = read_options(argc, argv);
    raise_descriptor_limit();
    if (options.file != NULL) {
        file = open(options.file, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
        if (file < 0)
            die("open");
    }
    int epoll = epoll_create1(0);
    struct client *clients = calloc(options.connections, sizeof *clients);
    if (epoll < 0 || clients == NULL)
        die("epoll");
    for (int i = 0; i < options.connections; i++) {
        struct sockaddr_in address = loopback(INADDR_LOOPBACK, options.port);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        clients[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        clients[i].number = i * 1000;
        if (clients[i].fd < 0 || connect(clients[i].fd, (struct sockaddr *)&address, sizeof address) < 0)
            die("connect");
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event) < 0)
            die("epoll_ctl");
    }
    say_ready_and_wait();

    for (int i = 0; i < options.connections; i++)
        send_next(&clients[i]);
    struct epoll_event events[EVENTS];
    uint64_t measure_from = now() + options.warm_up * NANOSECONDS, swept = now(), started = 0, cpu_before = 0, time;
    for (;;) {
        time = now();
        if (started == 0 && time >= measure_from) {
            started = time;
            answered = lost = 0;
            cpu_before = server_cpu(options.server);
        }
        if (started != 0 && time - started >= options.seconds * NANOSECONDS)
            break;
        int count = epoll_wait(epoll, events, EVENTS, 20);
        for (int i = 0; i < count; i++)
            receive(events[i].data.ptr);
        if (time - swept > PATIENCE / 4) {
            count_lost(clients, options.connections);
            swept = time;
        }
    }
    uint64_t cpu = server_cpu(options.server) - cpu_before;
    printf("{\"seconds\":%f,\"messages\":%lu,\"errors\":%lu,\"lost\":%lu,\"server_cpu\":%f}\n",
           (time - started) / 1e9, answered, errors, lost, cpu / 1e9);
    hold_until_told();
}
