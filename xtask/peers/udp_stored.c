// The yardstick for messages that are kept: a server that appends each datagram to a file and answers it, in upper case,
// when it is on disk (fdatasync(2)).
//
//     udp_stored FILE
#include "peer.h"

#define LONGEST 2048 // bytes of a datagram; the benchmark sends 64

int main(int argc, char **argv) {
    unsigned char bytes[LONGEST];
    struct sockaddr_in sender;
    if (argc != 2)
        return 2;
    int file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0)
        die("open");
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        die("socket");
    bind_and_announce(fd, "udp", "upper");
    for (;;) {
        socklen_t size = sizeof sender;
        ssize_t length = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&sender, &size);
        if (length < 0)
            die("recvfrom");
        if (write(file, bytes, length) != length || fdatasync(file) < 0)
            die("write");
        upper(bytes, length);
        if (sendto(fd, bytes, length, 0, (struct sockaddr *)&sender, size) < 0)
            die("sendto");
    }
}
