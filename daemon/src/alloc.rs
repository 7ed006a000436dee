//! Counts allocations thread by thread, so that "nothing is allocated on the
//! way from frame to sample" can be measured in the program people run.
//!
//! The counters are thread-local plain cells: counting costs a few
//! instructions, takes no lock, and a thread reads its own count only.
//! ONNX Runtime allocates with C's malloc and is not counted.

#![allow(unsafe_code)] // a global allocator is an unsafe trait

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count of this thread's calls.
pub struct CountingAllocator;

/// Allocations and reallocations this thread has made since it began.
/// Zero for ever unless the program installed [`CountingAllocator`].
pub fn allocations_of_this_thread() -> u64 {
    ALLOCATIONS.try_with(Cell::get).unwrap_or(0)
}

fn count() {
    // A thread that is being torn down has no cell any more; it is not hot.
    let _ = ALLOCATIONS.try_with(|c| c.set(c.get() + 1));
}

// SAFETY: every call is handed unchanged to the system's allocator, which keeps
// the trait's contract; counting touches a const-initialised cell without
// destructor, so it allocates nothing itself.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}
