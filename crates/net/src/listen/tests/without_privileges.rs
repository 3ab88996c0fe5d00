//! What a user meets who may not do everything. The tests run again as such a user where they were started by
//! root, who may.

use super::*;

const NOBODY: u32 = 65534;

/// Runs one test of this file again as nobody, with an argument in its environment. False: it is not root
/// who asks, so the test can go on in this process.
fn again_as_nobody(test: &str, argument: &str) -> bool {
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    // By way of /proc it can be started even where the folder of the build is closed to others.
    let output = Command::new("/proc/self/exe")
        .args(["--exact", &format!("listen::tests::without_privileges::{test}")])
        .env("ARGUMENT", argument)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}");
    true
}

#[tokio::test]
async fn a_low_port_says_how_to_be_allowed() {
    let border = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    let Some(port) = border.trim().parse::<u16>().unwrap().checked_sub(1).filter(|port| *port > 0) else {
        return;
    };
    if again_as_nobody("a_low_port_says_how_to_be_allowed", "") {
        return;
    }
    let error = refusal(&format!("127.0.0.1:{port}")).await;
    assert!(error.contains(&format!("a port below {} needs privilege", border.trim())), "{error}");
    assert!(error.contains("sudo setcap cap_net_bind_service=+ep /"), "{error}");
}

#[tokio::test]
async fn a_folder_of_another_user_is_named() {
    if again_as_nobody("a_folder_of_another_user_is_named", "") {
        return;
    }
    let error = refusal("unix:/usr/line.sock").await;
    assert!(
        error.contains("no permission to make a socket file in /usr; choose a folder of yours"),
        "{error}"
    );
}

#[tokio::test]
async fn a_holder_who_is_another_user_is_known_by_the_user_alone() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    if again_as_nobody("a_holder_who_is_another_user_is_known_by_the_user_alone", &address) {
        return;
    }
    let Ok(address) = std::env::var("ARGUMENT") else { return };
    assert_eq!(
        refusal(&address).await,
        format!(
            "listening on tcp://{address}: the port is taken by a program of uid 0, whose name only that \
             user and root can see; stop it or choose another port"
        )
    );
}
