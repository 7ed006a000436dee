//! Opening, judging and mapping the object.
#![allow(unsafe_code)]

use crate::layout::{Prefix, Shared, TOTAL_SIZE};
use rustix::fd::OwnedFd;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::shm;
use std::ptr::NonNull;

/// What the file system says about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub uid: u32,
    pub mode: u32,
    pub size: u64,
    /// Device and inode: the same name may lead to another object later.
    pub inode: (u64, u64),
    pub regular: bool,
}

/// Why an object is not to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distrust {
    Owner(u32),
    Mode(u32),
    NotAnObject,
}

impl Facts {
    /// Whether the object belongs to `me` alone. Everything in it is believed
    /// afterwards, so nobody else may be able to write it.
    pub(crate) fn judge(&self, me: u32) -> Result<(), Distrust> {
        if self.uid != me {
            return Err(Distrust::Owner(self.uid));
        }
        if self.mode & 0o177 != 0 {
            return Err(Distrust::Mode(self.mode));
        }
        if self.regular {
            Ok(())
        } else {
            Err(Distrust::NotAnObject)
        }
    }
}

/// An open object.
pub(crate) struct Opened {
    pub fd: OwnedFd,
    pub facts: Facts,
}

/// Opens what the name leads to, without waiting and without creating.
pub(crate) fn open(name: &str, write: bool) -> Result<Opened, Errno> {
    let access = if write {
        shm::OFlags::RDWR
    } else {
        shm::OFlags::RDONLY
    };
    let fd = shm::open(name, access | EXTRA, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    // Field types differ between systems.
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    let facts = Facts {
        uid: stat.st_uid,
        mode: stat.st_mode as u32 & 0o7777,
        size: stat.st_size as u64,
        inode: (stat.st_dev as u64, stat.st_ino as u64),
        regular: is_regular(stat.st_mode as u32),
    };
    Ok(Opened { fd, facts })
}

// Linux keeps the objects as files in /dev/shm: follow no link that somebody
// left there, and do not hang on a pipe.
#[cfg(target_os = "linux")]
const EXTRA: shm::OFlags = shm::OFlags::from_bits_retain(
    rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::NONBLOCK.bits(),
);
#[cfg(not(target_os = "linux"))]
const EXTRA: shm::OFlags = shm::OFlags::empty();

#[cfg(target_os = "linux")]
fn is_regular(mode: u32) -> bool {
    mode & 0o170_000 == 0o100_000
}
// macOS gives shared memory objects no file type.
#[cfg(not(target_os = "linux"))]
fn is_regular(_mode: u32) -> bool {
    true
}

/// A mapped object of at least `T`'s size, unmapped on drop.
pub(crate) struct Map<T: Mappable> {
    at: NonNull<T>,
}

/// Types that consist of atomics only, so that memory which other processes
/// write may stand behind a shared reference.
///
/// # Safety
/// Every byte lies in an atomic, and every bit pattern is valid.
pub(crate) unsafe trait Mappable {}
// SAFETY: only atomics, see its definition.
unsafe impl Mappable for Prefix {}
// SAFETY: only atomics, see its definition.
unsafe impl Mappable for Shared {}

// SAFETY: the mapping belongs to the process, not to a thread.
unsafe impl<T: Mappable> Send for Map<T> {}
// SAFETY: a shared reference gives access to atomics only.
unsafe impl<T: Mappable> Sync for Map<T> {}

impl<T: Mappable> Map<T> {
    /// Maps the beginning of an object, which must be large enough.
    pub(crate) fn new(opened: &Opened, write: bool) -> Result<Self, Errno> {
        if opened.facts.size < size_of::<T>() as u64 {
            return Err(Errno::INVAL);
        }
        let access = if write {
            ProtFlags::READ | ProtFlags::WRITE
        } else {
            ProtFlags::READ
        };
        // SAFETY: a new mapping at an address of the system's choice; it
        // touches nothing that exists.
        let at = unsafe {
            mmap(
                std::ptr::null_mut(),
                size_of::<T>(),
                access,
                MapFlags::SHARED,
                &opened.fd,
                0,
            )?
        };
        NonNull::new(at.cast())
            .map(|at| Self { at })
            .ok_or(Errno::NOMEM)
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        // SAFETY: mapped for as long as `self` lives, page-aligned, as large
        // as `T`, and `T` holds atomics only. Who mapped read-only calls no
        // method that stores. (The object could still be cut short by its
        // owner, which ends the process with SIGBUS; only the same user can.)
        unsafe { self.at.as_ref() }
    }
}

impl<T: Mappable> Drop for Map<T> {
    fn drop(&mut self) {
        // SAFETY: the address and length that mmap was given.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), size_of::<T>()) };
    }
}

/// Makes the object, empty, mode 0600; `Exist` if the name is taken.
///
/// The `shared_memory` crate creates it: O_EXCL, mode 0600, sized once (macOS
/// takes no second size). Three things stand beside the crate. It unlinks on
/// drop whatever it created, so ownership is given up at once: the object
/// stays after the daemon, for `status` and for the readers that have it open.
/// It only knows openers that map writable, so readers (and a writer that
/// takes over) open and map through `rustix`, readers with PROT_READ. And it
/// does not reserve the memory, so that a full /dev/shm would end the daemon
/// with SIGBUS at its first store; `reserve` turns that into an error.
pub(crate) fn create(name: &str) -> Result<(), Errno> {
    let made = shared_memory::ShmemConf::new()
        .size(TOTAL_SIZE)
        .os_id(name)
        .create();
    let mut made = made.map_err(|e| match e {
        shared_memory::ShmemError::MappingIdExists => Errno::EXIST,
        shared_memory::ShmemError::MapCreateFailed(code)
        | shared_memory::ShmemError::UnknownOsError(code) => Errno::from_raw_os_error(code as i32),
        _ => Errno::INVAL,
    })?;
    made.set_owner(false);
    Ok(())
}

/// Reserves the object's memory now.
pub(crate) fn reserve(opened: &Opened) -> Result<(), Errno> {
    #[cfg(target_os = "linux")]
    rustix::fs::fallocate(
        &opened.fd,
        rustix::fs::FallocateFlags::empty(),
        0,
        opened.facts.size,
    )?;
    let _ = opened;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ones_own_private_object_is_trusted() {
        let good = Facts {
            uid: 7,
            mode: 0o600,
            size: 0,
            inode: (0, 0),
            regular: true,
        };
        assert_eq!(good.judge(7), Ok(()));
        assert_eq!(
            Facts {
                mode: 0o400,
                ..good
            }
            .judge(7),
            Ok(())
        );
        assert_eq!(good.judge(8), Err(Distrust::Owner(7)));
        for mode in [0o640, 0o604, 0o660, 0o666, 0o700, 0o601] {
            assert_eq!(
                Facts { mode, ..good }.judge(7),
                Err(Distrust::Mode(mode)),
                "{mode:o}"
            );
        }
        assert_eq!(
            Facts {
                regular: false,
                ..good
            }
            .judge(7),
            Err(Distrust::NotAnObject)
        );
    }
}
