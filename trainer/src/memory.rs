//! Memory that the system refuses, as one line and an exit code instead of an abort.
//!
//! Rust ends a program whose allocation fails with a signal and a line that helps nobody. Where
//! this allocator is installed, it says what to do and exits with [`NOT_ENOUGH`]. What is half
//! written then has a temporary name, as after a kill. A system that promises more than it has
//! kills instead of refusing; nothing can be said then, and `--resume` goes on all the same.

#![allow(unsafe_code)] // a global allocator is an unsafe trait

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write as _;

/// Exit code where memory was not enough.
pub const NOT_ENOUGH: u8 = 6;

/// The system's allocator; what it refuses ends the program with a line.
pub struct TellingAllocator;

#[cold]
fn not_enough(bytes: usize) -> ! {
    // Nothing is allocated from here on.
    let mut line = [0u8; 160];
    let mut rest = &mut line[..];
    let _ = writeln!(
        rest,
        "gaze-trainer: memory is not enough ({} MB more were asked for); use a smaller --batch, --size or --width, or fewer --jobs",
        bytes.div_ceil(1 << 20)
    );
    let left = rest.len();
    let _ = std::io::stderr().write_all(&line[..line.len() - left]);
    signal_hook::low_level::exit(i32::from(NOT_ENOUGH))
}

fn told(at: *mut u8, bytes: usize) -> *mut u8 {
    if at.is_null() {
        not_enough(bytes);
    }
    at
}

// SAFETY: every call is handed unchanged to the system's allocator, which keeps the trait's
// contract; an answer of null never returns to the caller.
unsafe impl GlobalAlloc for TellingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        told(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        told(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        told(unsafe { System.realloc(ptr, layout, new_size) }, new_size)
    }
}
