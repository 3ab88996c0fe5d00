// The yardstick for UDP: a server that answers each datagram in upper case, one thread, up to 64 datagrams in one
// recvmmsg and one sendmmsg (recvmmsg(2), sendmmsg(2)).
#include "peer.h"

#define BATCH 64
#define LONGEST 2048 // bytes of a datagram; the benchmark sends 64
#define SOCKET_BUFFER (4 * 1024 * 1024)

static unsigned char bytes[BATCH][LONGEST];
static struct sockaddr_in senders[BATCH];
static struct iovec slices[BATCH];
static struct mmsghdr messages[BATCH];

static int receive_some(int fd) {
    for (int i = 0; i < BATCH; i++) {
        slices[i] = (struct iovec){bytes[i], LONGEST};
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &senders[i], .msg_namelen = sizeof senders[i], .msg_iov = &slices[i], .msg_iovlen = 1};
    }
    return recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
}

static void answer(int fd, int count) {
    for (int i = 0; i < count; i++) {
        slices[i].iov_len = messages[i].msg_len;
        upper(bytes[i], messages[i].msg_len);
    }
    for (int done = 0; done < count;) {
        int sent = sendmmsg(fd, messages + done, count - done, 0);
        // The first of the rest cannot be sent (its sender is gone, say): the others still get their answers.
        done += sent > 0 ? sent : 1;
    }
}

int main(void) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        die("socket");
    set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
    bind_and_announce(fd, "udp", "upper");
    for (;;)
        answer(fd, receive_some(fd));
}
