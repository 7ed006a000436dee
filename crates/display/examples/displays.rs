//! Prints the connected displays: `cargo run -p gaze-display --example displays`.

fn main() {
    match display::list() {
        Ok(found) => found.iter().for_each(|d| println!("{d:?}")),
        Err(e) => println!("{e}"),
    }
}
