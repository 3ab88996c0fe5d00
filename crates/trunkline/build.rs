//! How the program is linked.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        // The unwinder out of the compiler's archive. To load libgcc_s.so, which this replaces, takes a tenth of the
        // time of a short run (docs/benchmarks.md).
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}
