use super::*;

#[tokio::test]
async fn a_datagram_is_received_with_a_large_buffer() {
    let socket = datagrams("udp://127.0.0.1:0").await;
    let Datagrams::Udp(udp) = socket.transport() else { panic!() };
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"hello", socket.local().socket_addr().unwrap()).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(udp.recv_from(&mut buffer).await.unwrap(), (5, sender.local_addr().unwrap()));
    let cap: usize = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse().unwrap();
    let granted = sockopt::socket_recv_buffer_size(udp).unwrap() / 2;
    assert!(granted >= cap.min(DATAGRAM_RECEIVE_BUFFER), "{granted} of {cap}");
    assert!(!sockopt::socket_reuseaddr(udp).unwrap());
}

#[tokio::test]
async fn the_receive_buffer_may_be_chosen() {
    let bound = open_with("udp://127.0.0.1:0", &["rcvbuf=64K"]).await.unwrap();
    let Bound::Datagram(sockets) = bound else { panic!() };
    let Datagrams::Udp(udp) = sockets[0].transport() else { panic!() };
    assert_eq!(sockopt::socket_recv_buffer_size(udp).unwrap(), 2 * 64 * 1024);
}

#[tokio::test]
async fn nobody_can_take_our_datagrams_and_we_take_nobodys() {
    let ours = datagrams("udp://127.0.0.1:0").await;
    let (_python, answer) = Python::run(
        "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n\
         try: s.bind(('127.0.0.1',int(sys.argv[1]))); print('bound')\n\
         except OSError: s.bind(('127.0.0.1',0)); print(s.getsockname()[1])",
        &port(ours.local()).to_string(),
    );
    assert_ne!(answer, "bound");
    assert!(refusal(&format!("udp://127.0.0.1:{answer}")).await.contains("the port is taken by python3"));
}

#[tokio::test]
async fn a_port_alone_takes_datagrams_of_both_families() {
    let socket = datagrams("udp://:0").await;
    let Datagrams::Udp(udp) = socket.transport() else { panic!() };
    let hosts: &[&str] =
        if socket.local().socket_addr().unwrap().is_ipv6() { &["127.0.0.1", "::1"] } else { &["127.0.0.1"] };
    for host in hosts {
        let sender = std::net::UdpSocket::bind((*host, 0)).unwrap();
        sender.send_to(b"x", (*host, port(socket.local()))).unwrap();
        let (_, from) = udp.recv_from(&mut [0; 4]).await.unwrap();
        assert_eq!(Endpoint::udp(from), Endpoint::Udp(sender.local_addr().unwrap()));
    }
}
