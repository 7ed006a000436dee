//! Storing and reading samples makes no system call and no allocation.

#![cfg(target_os = "linux")] // only Linux can forbid system calls

mod ring_support;

use ring_support::Name;
use std::process::Command;

/// What the quiet writer said before it ended.
fn quiet(call: &[&str]) -> String {
    let name = Name::new("quiet");
    let output = Command::new(env!("CARGO_BIN_EXE_ring_quiet"))
        .arg(&name.0)
        .args(call)
        .output()
        .expect("it runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn storing_and_reading_make_no_system_call_and_no_allocation() {
    // Three reads a round: the newest, the next, the faces.
    assert_eq!(quiet(&[]), "0 allocations, 15000 reads\n");
}

#[test]
fn a_system_call_or_an_allocation_would_show() {
    assert_eq!(quiet(&["wake"]), "", "killed at the call");
    // A small box comes from memory that the allocator already has.
    assert_eq!(quiet(&["box"]), "1 allocations, 15000 reads\n");
}
