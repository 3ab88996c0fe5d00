// A burst on a UDP server: `-c` sockets each send one datagram, all at once, and wait for their answers. A server
// with the kernel's usual receive buffer loses some.
#include "load.h"

#include <poll.h>

#define QUIET 1000 // milliseconds without an answer after which the rest are counted as lost

int main(int argc, char **argv) {
    struct options options = read_options(argc, argv);
    raise_descriptor_limit();
    struct pollfd *sockets = calloc(options.connections, sizeof *sockets);
    if (sockets == NULL)
        die("calloc");
    for (int i = 0; i < options.connections; i++) {
        struct sockaddr_in address = loopback(INADDR_LOOPBACK, options.port);
        sockets[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN};
        if (sockets[i].fd < 0 || connect(sockets[i].fd, (struct sockaddr *)&address, sizeof address) < 0)
            die("connect");
    }
    say_ready_and_wait();

    uint64_t answered = 0, errors = 0;
    for (int i = 0; i < options.connections; i++) {
        uint32_t number = i;
        if (send(sockets[i].fd, &number, sizeof number, 0) < 0)
            errors++;
    }
    while (answered < (uint64_t)options.connections && poll(sockets, options.connections, QUIET) > 0) {
        for (int i = 0; i < options.connections; i++) {
            uint32_t expected = i, number;
            if (sockets[i].revents == 0)
                continue;
            upper((unsigned char *)&expected, sizeof expected);
            if (recv(sockets[i].fd, &number, sizeof number, 0) == sizeof number && number == expected)
                answered++;
            else
                errors++;
            sockets[i].fd = -1; // poll(2) skips it; its socket stays open until the end
        }
    }
    printf("{\"messages\":%lu,\"lost\":%lu,\"errors\":%lu}\n", answered, options.connections - answered, errors);
    hold_until_told();
}
