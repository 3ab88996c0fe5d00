// What the load generators share: their options, the clock of the server's CPU, and how they speak with xtask.
//
// A generator opens its sockets, prints `ready`, waits for a line on standard input, runs, prints its result as one
// line of JSON, and holds its sockets until standard input ends. So xtask can look at the server at every stage.
#ifndef LOAD_H
#define LOAD_H

#include "peer.h"

#define BODY 64 // bytes of a message, without its frame
#define NANOSECONDS 1000000000ull

enum frame { RAW, LINE, LENGTH };

struct options {
    uint16_t port;
    pid_t server;       // whose CPU time is reported; 0 for none
    int connections;    // sockets open at the same time
    int depth;          // messages on their way on each connection
    int count;          // connections to open in all
    double seconds;     // of measuring
    double warm_up;     // seconds before it
    enum frame frame;
    const char *file;   // where each message is kept before it is sent; NULL for nowhere
};

static inline struct options read_options(int argc, char **argv) {
    struct options options = {.connections = 1, .depth = 1, .count = 1, .seconds = 1};
    int option;
    while ((option = getopt(argc, argv, "p:P:c:d:n:s:w:f:k:")) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'P': options.server = atoi(optarg); break;
        case 'c': options.connections = atoi(optarg); break;
        case 'd': options.depth = atoi(optarg); break;
        case 'n': options.count = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'w': options.warm_up = atof(optarg); break;
        case 'f': options.frame = strcmp(optarg, "line") == 0 ? LINE : strcmp(optarg, "length") == 0 ? LENGTH : RAW; break;
        case 'k': options.file = optarg; break;
        default: exit(2);
        }
    }
    return options;
}

static inline uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

// CPU time of every thread of the server so far, user and kernel, in nanoseconds (clock_getcpuclockid(3)).
static inline uint64_t server_cpu(pid_t server) {
    clockid_t clock;
    struct timespec time;
    if (server == 0)
        return 0;
    if (clock_getcpuclockid(server, &clock) != 0 || clock_gettime(clock, &time) < 0)
        die("the CPU clock of the server");
    return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

static inline void say_ready_and_wait(void) {
    char line[16];
    puts("ready");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        exit(0); // the look at the idle server was all that was wanted
}

static inline void hold_until_told(void) {
    fflush(stdout);
    while (getchar() != EOF)
        ;
}

// A repeating text with nothing in it that upper-casing could make longer. A prime length, so that neighbouring
// messages differ and an answer that belongs to another message is noticed.
static inline unsigned char letter(size_t index) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345678";
    return letters[index % (sizeof letters - 1)];
}

#endif
