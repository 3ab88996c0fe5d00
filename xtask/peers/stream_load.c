// Load on a TCP server: `-c` connections, each with `-d` messages on their way (1 is ping-pong), one thread. Every
// byte of every answer is compared with what it must be.
#include "load.h"

#define MESSAGES 1021 // different messages; each connection starts at another one
#define BUFFER (256 * 1024)
#define EVENTS 512

// Everything a connection sends, and must receive, is one text that repeats after `period` bytes. The requests are
// followed by a second copy of their start, so that one send never has to stop at the end of the text.
static unsigned char *requests, *answers;
static size_t message_length, period;

struct connection {
    int fd;
    size_t request_at, answer_at;       // places in the texts
    uint64_t bytes_sent, bytes_received;
    uint64_t sent, answered;            // messages
    uint64_t *sent_when;                // of the last `depth` messages
};

// Latencies in buckets that are exact to 1/64.
static uint64_t latencies[4096];
static uint64_t measured, errors;
static int measuring;

static size_t bucket(uint64_t nanoseconds) {
    if (nanoseconds < 64)
        return nanoseconds;
    int exponent = 63 - __builtin_clzll(nanoseconds);
    return (exponent - 5) * 64 + (nanoseconds >> (exponent - 6)) - 64;
}

static uint64_t bucket_start(size_t bucket) {
    if (bucket < 64)
        return bucket;
    return (uint64_t)(64 + bucket % 64) << (bucket / 64 - 1);
}

static double percentile(double part) {
    uint64_t below = 0;
    for (size_t i = 0; i < sizeof latencies / sizeof latencies[0]; i++) {
        below += latencies[i];
        if (measured > 0 && below >= part * measured)
            return bucket_start(i) / 1e9;
    }
    return 0;
}

static void write_texts(const struct options *options) {
    size_t header = options->frame == LENGTH ? 4 : 0;
    message_length = header + BODY + (options->frame == LINE ? 1 : 0);
    period = MESSAGES * message_length;
    requests = malloc(period + (options->depth + 1) * message_length);
    answers = malloc(period);
    if (requests == NULL || answers == NULL)
        die("malloc");
    for (size_t i = 0; i < MESSAGES; i++) {
        unsigned char *message = requests + i * message_length;
        uint32_t length = htonl(BODY);
        memcpy(message, &length, header);
        for (size_t j = 0; j < BODY; j++)
            message[header + j] = letter(i + j);
        if (options->frame == LINE)
            message[BODY] = '\n';
        unsigned char *answer = answers + i * message_length;
        memcpy(answer, message, message_length);
        upper(answer + header, BODY);
    }
    for (size_t i = 0; i < (options->depth + 1) * message_length; i++)
        requests[period + i] = requests[i % period];
}

static void give_up(struct connection *connection) {
    errors++;
    close(connection->fd);
    connection->fd = -1;
}

// Sends until `depth` messages are on their way, or the socket takes no more: its edge will come.
static void send_more(struct connection *connection, int depth, uint64_t time) {
    uint64_t end = (connection->answered + depth) * message_length;
    while (connection->bytes_sent < end) {
        ssize_t sent = send(connection->fd, requests + connection->request_at, end - connection->bytes_sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN)
                give_up(connection);
            return;
        }
        connection->request_at = (connection->request_at + sent) % period;
        connection->bytes_sent += sent;
        while (connection->sent * message_length < connection->bytes_sent)
            connection->sent_when[connection->sent++ % depth] = time;
    }
}

static int is_the_answer(struct connection *connection, const unsigned char *bytes, size_t length) {
    while (length > 0) {
        size_t part = period - connection->answer_at;
        if (part > length)
            part = length;
        if (memcmp(bytes, answers + connection->answer_at, part) != 0)
            return 0;
        connection->answer_at = (connection->answer_at + part) % period;
        bytes += part;
        length -= part;
    }
    return 1;
}

static void receive(struct connection *connection, int depth) {
    static unsigned char buffer[BUFFER];
    ssize_t received;
    do {
        received = recv(connection->fd, buffer, BUFFER, 0);
        if (received < 0 && errno == EAGAIN)
            return;
        if (received <= 0 || !is_the_answer(connection, buffer, received)) {
            give_up(connection);
            return;
        }
        connection->bytes_received += received;
        uint64_t time = now();
        for (; (connection->answered + 1) * message_length <= connection->bytes_received; connection->answered++) {
            if (measuring) {
                latencies[bucket(time - connection->sent_when[connection->answered % depth])]++;
                measured++;
            }
        }
        send_more(connection, depth, time);
    } while (received == BUFFER && connection->fd >= 0);
}

// Connects and exchanges one message, so that `ready` means that the server has accepted and served everybody.
static void open_connection(struct connection *connection, size_t index, const struct options *options, int epoll) {
    struct sockaddr_in address = loopback(INADDR_LOOPBACK, options->port);
    struct timeval patience = {.tv_sec = 10};
    unsigned char answer[BODY + 8];
    size_t start = index * 7 % MESSAGES * message_length;
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->fd < 0)
        die("socket");
    if (setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        die("setsockopt");
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("connect");
    set_option(connection->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (send(connection->fd, requests + start, message_length, MSG_NOSIGNAL) != (ssize_t)message_length)
        die("send");
    if (recv(connection->fd, answer, message_length, MSG_WAITALL) != (ssize_t)message_length)
        die("no answer to the first message");
    if (memcmp(answer, answers + start, message_length) != 0)
        errors++;
    connection->request_at = connection->answer_at = start;
    connection->sent_when = calloc(options->depth, sizeof *connection->sent_when);
    if (connection->sent_when == NULL)
        die("calloc");
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        die("epoll_ctl");
}

int main(int argc, char **argv) {
    struct options options = read_options(argc, argv);
    raise_descriptor_limit();
    write_texts(&options);
    int epoll = epoll_create1(0);
    struct connection *connections = calloc(options.connections, sizeof *connections);
    if (epoll < 0 || connections == NULL)
        die("epoll");
    for (int i = 0; i < options.connections; i++)
        open_connection(&connections[i], i, &options, epoll);
    say_ready_and_wait();

    for (int i = 0; i < options.connections; i++) {
        // From here on nothing may block: MSG_DONTWAIT at every call would be the same, at a higher price.
        if (fcntl(connections[i].fd, F_SETFL, O_NONBLOCK) < 0)
            die("fcntl");
        send_more(&connections[i], options.depth, now());
    }
    struct epoll_event events[EVENTS];
    uint64_t measure_from = now() + options.warm_up * NANOSECONDS, started = 0, cpu_before = 0, time;
    for (;;) {
        time = now();
        if (!measuring && time >= measure_from) {
            measuring = 1;
            started = time;
            cpu_before = server_cpu(options.server);
        }
        if (measuring && time - started >= options.seconds * NANOSECONDS)
            break;
        int count = epoll_wait(epoll, events, EVENTS, 50);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (connection->fd >= 0 && events[i].events & ~EPOLLOUT)
                receive(connection, options.depth);
            if (connection->fd >= 0 && events[i].events & EPOLLOUT)
                send_more(connection, options.depth, now());
        }
    }
    uint64_t cpu = server_cpu(options.server) - cpu_before, answered = 0;
    for (int i = 0; i < options.connections; i++)
        answered += connections[i].answered;
    printf("{\"seconds\":%f,\"messages\":%lu,\"answered\":%lu,\"errors\":%lu,\"server_cpu\":%f,\"p50\":%.9f,\"p99\":%.9f}\n",
           (time - started) / 1e9, measured, answered, errors, cpu / 1e9, percentile(0.50), percentile(0.99));
    hold_until_told();
}
