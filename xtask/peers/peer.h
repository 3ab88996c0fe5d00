// What the C programs of the benchmark share. Linux only; every address is on this machine.
#ifndef PEER_H
#define PEER_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// Prints what failed and why, and ends the program: a benchmark that goes on after a failure measures nothing.
__attribute__((noreturn)) static inline void die(const char *what) {
    perror(what);
    exit(1);
}

static inline void set_option(int fd, int level, int name, int value) {
    if (setsockopt(fd, level, name, &value, sizeof value) < 0)
        die("setsockopt");
}

// Thousands of connections need more descriptors than the usual soft limit of 1,024.
static inline void raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("setrlimit");
}

static inline struct sockaddr_in loopback(uint32_t address, uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

// Binds to a free port of 127.0.0.1 and prints the ready line that trunkline prints, so that both are started alike.
static inline void bind_and_announce(int fd, const char *scheme, const char *service) {
    struct sockaddr_in address = loopback(INADDR_LOOPBACK, 0);
    socklen_t length = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        die("bind");
    if (strcmp(scheme, "tcp") == 0 && listen(fd, 4096) < 0)
        die("listen");
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        die("getsockname");
    fprintf(stderr, "listening on %s://127.0.0.1:%d (%s)\n", scheme, ntohs(address.sin_port), service);
}

// ASCII upper case without a branch, so that the compiler makes vector code of it.
static inline void upper(unsigned char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = bytes[i];
        bytes[i] = byte - (((unsigned char)(byte - 'a') < 26) << 5);
    }
}

#endif
