//! The IP Messenger protocol (UDP and TCP port 2425) and nothing else: bytes to packets and back, and the state
//! machine of a node. It cannot do I/O; time and randomness are arguments; its output is data.
