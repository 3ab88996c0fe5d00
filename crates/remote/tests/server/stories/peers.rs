//! Clients that are not OpenSSH's.

use std::process::{Command, Stdio};

use crate::client::{Said, run, write_noise};
use crate::support::Host;

/// Runs a program in Python with the system's own interpreter, which has the system's modules.
fn python(host: &Host, text: &str) -> String {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-W", "ignore", "-c", text, &host.port.to_string(), &host.user]);
    run(python.current_dir(host.path(""))).out()
}

#[test]
fn dropbear_runs_commands_and_moves_bytes() {
    needs!("dbclient", "dropbearconvert");
    let host = Host::start();
    run(Command::new("dropbearconvert")
        .args(["openssh", "dropbear"])
        .args([host.path("key"), host.path("db")]));
    let port = host.port.to_string();
    let client = |command: &str| {
        let mut client = Command::new("dbclient");
        client.args(["-y", "-y", "-p", &port, "-i"]).arg(host.path("db")).args([&host.target(), command]);
        client.env("HOME", host.path("")).stdin(Stdio::null());
        client
    };
    let output = client("echo out; echo err >&2; exit 5").output().unwrap();
    assert_eq!((output.out().as_str(), output.status.code()), ("out\n", Some(5)));
    assert!(output.err().contains("err\n"));
    let noise = host.path("noise");
    write_noise(&noise, 4 * 1024 * 1024);
    let file = std::fs::File::open(&noise).unwrap();
    assert!(run(client("cat").stdin(file)).stdout == std::fs::read(&noise).unwrap());
}

#[test]
fn asyncssh_runs_many_commands_at_once_and_copies_files() {
    needs!("asyncssh");
    let host = Host::start();
    write_noise(&host.path("noise"), 4 * 1024 * 1024);
    let said = python(
        &host,
        r#"
import asyncio, asyncssh, os, sys
async def main():
    async with asyncssh.connect("127.0.0.1", int(sys.argv[1]), username=sys.argv[2], client_keys=["key"],
                                known_hosts=None, agent_path=None, config=None) as connection:
        results = await asyncio.gather(*(connection.run(f"echo {n}; exit {n}") for n in range(8)))
        print([(r.stdout, r.exit_status) for r in results] == [(f"{n}\n", n) for n in range(8)])
        killed = await connection.run("kill -KILL $$")
        print(killed.exit_signal[0])
        process = await connection.create_process("trap 'echo got it; exit 3' USR1; echo ready; while :; do sleep 0.1; done")
        print(await process.stdout.readline(), end="")
        process.send_signal("USR1")
        done = await process.wait()
        print(done.stdout, done.exit_status)
        async with connection.start_sftp_client() as sftp:
            await sftp.chdir(os.path.abspath("home"))
            await sftp.put("noise", "there")
            await sftp.get("there", "back")
            print((await sftp.stat("there")).size, "there" in await sftp.listdir("."))
asyncio.run(main())
"#,
    );
    assert_eq!(said, "True\nKILL\nready\ngot it\n 3\n4194304 True\n");
    assert!(std::fs::read(host.path("noise")).unwrap() == std::fs::read(host.path("back")).unwrap());
}

#[test]
fn paramiko_gets_a_file_that_it_has_asked_for_all_at_once() {
    needs!("paramiko");
    let host = Host::start();
    write_noise(&host.path("noise"), 16 * 1024 * 1024);
    let said = python(
        &host,
        r#"
import os, paramiko, sys
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect("127.0.0.1", int(sys.argv[1]), sys.argv[2], key_filename="key", allow_agent=False, look_for_keys=False)
_, out, err = client.exec_command("echo out; echo err >&2; exit 4")
print(out.read(), err.read(), out.channel.recv_exit_status())
sftp = client.open_sftp()
sftp.chdir(os.path.abspath("home"))
sftp.put("noise", "there")
sftp.get("there", "back", prefetch=True)
print(sftp.stat("there").st_size, sftp.normalize("."))
client.close()
"#,
    );
    let home = host.path("home").canonicalize().unwrap();
    assert_eq!(said, format!("b'out\\n' b'err\\n' 4\n16777216 {}\n", home.display()));
    assert!(std::fs::read(host.path("noise")).unwrap() == std::fs::read(host.path("back")).unwrap());
}

#[test]
fn ansible_pings_runs_and_copies_with_and_without_pipelining() {
    needs!("ansible-inventory", "ssh");
    let host = Host::start();
    std::fs::write(host.path("noise"), "copied\n").unwrap();
    let inventory = format!(
        "127.0.0.1 ansible_port={} ansible_user={} ansible_ssh_private_key_file={} \
         ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args='-F none -o UserKnownHostsFile={} \
         -o IdentityAgent=none'\n",
        host.port,
        host.user,
        host.path("key").display(),
        host.path("known_hosts").display(),
    );
    std::fs::write(host.path("inventory"), inventory).unwrap();
    let ansible = |pipelining: &str, arguments: &[&str]| {
        let mut ansible = Command::new("ansible");
        ansible.arg("-i").arg(host.path("inventory")).arg("all").args(arguments).current_dir(host.path(""));
        ansible
            .env("HOME", host.path(""))
            .env("ANSIBLE_HOME", host.path(""))
            .env("ANSIBLE_PIPELINING", pipelining);
        ansible
            .env("ANSIBLE_LOCAL_TEMP", host.path("local"))
            .env("ANSIBLE_REMOTE_TEMP", host.there(".ansible"))
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null());
        run(&mut ansible).out()
    };
    for pipelining in ["False", "True"] {
        assert!(ansible(pipelining, &["-m", "ping"]).contains("pong"));
        assert!(ansible(pipelining, &["-m", "command", "-a", "echo here"]).contains("here"));
    }
    let copy = format!("src=noise dest={}", host.there("there").display());
    assert!(ansible("False", &["-m", "copy", "-a", &copy]).contains("CHANGED"));
    assert_eq!(std::fs::read_to_string(host.there("there")).unwrap(), "copied\n");
}
