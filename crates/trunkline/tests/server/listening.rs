//! Opening the line: ready lines, ports, addresses in use, socket files.

use crate::Serve;

#[test]
fn the_ready_line_has_the_address_with_the_real_port_and_the_service() {
    let server = Serve::new("tcp://127.0.0.1:0", "upper").start();
    let line = server.log.wait_for("");
    let port = server.port();
    assert_ne!(port, 0);
    assert_eq!(line, format!("listening on tcp://127.0.0.1:{port} (upper)\n"));
    let mut client = server.client();
    client.say("hello");
    client.hears("HELLO");
}
