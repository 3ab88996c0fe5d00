// The other end of a bulk transfer: takes one connection after the other, reads each to its end, prints how many
// bytes came, then closes, so that a client that waits for the end of the stream ends too.
#include "peer.h"

#define BUFFER (256 * 1024)

int main(void) {
    static char buffer[BUFFER];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0)
        die("socket");
    bind_and_announce(listener, "tcp", "sink");
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            die("accept");
        unsigned long long total = 0;
        ssize_t received;
        while ((received = recv(fd, buffer, BUFFER, 0)) > 0)
            total += received;
        if (received < 0)
            perror("recv");
        printf("%llu\n", total);
        fflush(stdout);
        close(fd);
    }
}
