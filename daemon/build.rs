//! On a Mac the bare program carries an Info.plist of its own (`__TEXT,__info_plist`):
//! without the reason for wanting the camera in it, the system ends whoever asks.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=../launchd/Info.plist.in");
    let set = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    if set("CARGO_CFG_TARGET_OS") != "macos" {
        return;
    }
    let template =
        fs::read_to_string("../launchd/Info.plist.in").expect("launchd/Info.plist.in is there");
    let file = PathBuf::from(set("OUT_DIR")).join("Info.plist");
    let filled = template.replace("@VERSION@", &set("CARGO_PKG_VERSION"));
    fs::write(&file, filled).expect("OUT_DIR can be written");
    println!(
        "cargo:rustc-link-arg-bin=gazed=-Wl,-sectcreate,__TEXT,__info_plist,{}",
        file.display()
    );
}
