//! Files: stock `sftp` and `scp`.

use std::process::{Command, Stdio};

use crate::client::{Said, run, write_noise};
use crate::support::Host;

const SIZE: usize = 8 * 1024 * 1024;

fn scp(host: &Host, options: &[&str], from: &str, to: &str) {
    run(Command::new("scp").args(host.options()).arg("-q").args(options).args([from, to]));
}

fn there_and_back(options: &[&str]) {
    let host = Host::start();
    let (noise, back) = (host.path("noise"), host.path("back"));
    write_noise(&noise, SIZE);
    let place = format!("{}:{}", host.target(), host.there("there").display());
    scp(&host, options, noise.to_str().unwrap(), &place);
    scp(&host, options, &place, back.to_str().unwrap());
    assert!(std::fs::read(&noise).unwrap() == std::fs::read(&back).unwrap());
    assert!(host.there("there").exists());
}

#[test]
fn scp_copies_there_and_back() {
    needs!("scp");
    there_and_back(&[]);
}

#[test]
fn scp_of_the_old_protocol_copies_there_and_back() {
    needs!("scp");
    there_and_back(&["-O"]);
}

#[test]
fn scp_copies_folders_with_their_times_and_modes() {
    needs!("scp");
    let host = Host::start();
    let folder = host.path("folder");
    std::fs::create_dir_all(folder.join("inner")).unwrap();
    let file = folder.join("inner/file with blanks");
    std::fs::write(&file, "text").unwrap();
    run(Command::new("touch").args(["-d", "2001-02-03T04:05:06Z"]).arg(&file));
    run(Command::new("chmod").arg("750").arg(&file));
    let place = format!("{}:{}", host.target(), host.there("there").display());
    scp(&host, &["-r", "-p"], folder.to_str().unwrap(), &place);
    let there = host.there("there/inner/file with blanks");
    let metadata = std::fs::metadata(&there).unwrap();
    assert_eq!(metadata.modified().unwrap(), std::fs::metadata(&file).unwrap().modified().unwrap());
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o750);
}

#[test]
fn sftp_does_what_a_person_types() {
    needs!("sftp");
    let host = Host::start();
    let noise = host.path("noise");
    write_noise(&noise, SIZE);
    let batch = host.path("batch");
    let commands = format!(
        "cd {2}\npwd\nmkdir d\ncd d\nput {0} one\nrename one two\nln -s two three\nln two four\nls -l\nchmod 600 two\n\
         get three {1}\ndf\nrm three\nrm four\n-rm nothing\ncd ..\nls d\n",
        noise.display(),
        host.path("back").display(),
        host.path("home").display(),
    );
    std::fs::write(&batch, commands).unwrap();
    let mut sftp = Command::new("sftp");
    sftp.args(host.options()).arg("-b").arg(&batch).arg(host.target()).stdin(Stdio::null());
    let output = run(&mut sftp);
    let said = output.out();
    assert!(said.contains(&format!("Remote working directory: {}", host.path("home").display())), "{said}");
    assert!(said.contains("lrwxrwxrwx") && said.contains("d/two"), "{said}");
    assert!(output.err().contains("No such file"), "{}", output.err());
    assert!(std::fs::read(&noise).unwrap() == std::fs::read(host.path("back")).unwrap());
    host.hears(&["runs sftp"]);
    host.hears(&["ran", "status 0"]);
}

#[test]
fn a_key_that_is_bound_to_sftp_gets_nothing_else() {
    needs!("sftp");
    let host = Host::start();
    let key = std::fs::read_to_string(host.path("key.pub")).unwrap();
    host.allow(&format!("restrict,command=\"internal-sftp\" {key}"));
    std::fs::write(host.path("batch"), "ls\n").unwrap();
    let mut sftp = Command::new("sftp");
    run(sftp.args(host.options()).arg("-b").arg(host.path("batch")).arg(host.target()));
    let output = host.ssh(&[]).arg("echo escaped").stdin(Stdio::null()).output().unwrap();
    assert!(!output.out().contains("escaped"));
}
