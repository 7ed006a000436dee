//! Is this process still the one that it was? A process id alone is reused; a
//! process id with its start time is not.

/// A process as the header names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub pid: u32,
    /// Clock ticks since boot (Linux), µs since 1970 (macOS).
    pub start: u64,
}

impl Identity {
    /// This process.
    pub(crate) fn me() -> Self {
        let pid = std::process::id();
        Self {
            pid,
            start: match look(pid) {
                Seen::Since(start) => start,
                Seen::Gone | Seen::Hidden => 0,
            },
        }
    }

    /// As one word: the pid, and above it the low half of the start time.
    pub(crate) const fn pack(self) -> u64 {
        (self.start << 32) | self.pid as u64
    }
}

/// The process id in an owner word.
pub(crate) const fn pid_of(owner: u64) -> u32 {
    owner as u32
}

/// Whether the process of an owner word still runs. A zombie does not; one that cannot be
/// looked at does, since nothing proves that it is gone.
pub(crate) fn is_alive(owner: u64) -> bool {
    let pid = pid_of(owner);
    match look(pid) {
        Seen::Since(start) => Identity { pid, start }.pack() == owner,
        Seen::Gone => false,
        Seen::Hidden => true,
    }
}

/// What a look at a process shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It runs, since then ([`Identity::start`]).
    Since(u64),
    /// There is none, or a zombie.
    Gone,
    /// It cannot be told: no descriptor is free, or it may not be seen.
    Hidden,
}

#[cfg(target_os = "linux")]
fn look(pid: u32) -> Seen {
    judge(std::fs::read(format!("/proc/{pid}/stat")))
}

#[cfg(target_os = "linux")]
fn judge(stat: std::io::Result<Vec<u8>>) -> Seen {
    use rustix::io::Errno;
    match stat {
        Ok(stat) => parse_stat(&stat).unwrap_or(Seen::Hidden),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::SRCH) => Seen::Gone,
            _ => Seen::Hidden,
        },
    }
}

/// Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)), unless the state (field
/// 3) says that the process is dead. The name in field 2 may hold anything, so
/// fields are counted from its last parenthesis. `None`: it is no such text.
#[cfg(target_os = "linux")]
fn parse_stat(stat: &[u8]) -> Option<Seen> {
    let close = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(&stat[close + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return Some(Seen::Gone);
    }
    fields.nth(18)?.parse().ok().map(Seen::Since)
}

/// Type-checked from Linux; not yet run on a Mac.
#[cfg(target_os = "macos")]
#[allow(unsafe_code)]
fn look(pid: u32) -> Seen {
    /// `struct proc_bsdinfo` of <sys/proc_info.h>.
    #[repr(C)]
    struct BsdInfo {
        flags: u32,
        status: u32,
        numbers: [u32; 10],
        comm: [u8; 16],
        name: [u8; 32],
        more: [u32; 5],
        nice: i32,
        start_sec: u64,
        start_usec: u64,
    }
    const _: () = assert!(size_of::<BsdInfo>() == 136);
    const PROC_PIDTBSDINFO: i32 = 3;
    const SZOMB: u32 = 5;
    unsafe extern "C" {
        fn proc_pidinfo(pid: i32, flavor: i32, arg: u64, buffer: *mut BsdInfo, size: i32) -> i32;
    }
    let mut info = std::mem::MaybeUninit::<BsdInfo>::zeroed();
    let size = size_of::<BsdInfo>() as i32;
    // SAFETY: the buffer is `size` bytes long and the call writes no more.
    let got = unsafe { proc_pidinfo(pid as i32, PROC_PIDTBSDINFO, 0, info.as_mut_ptr(), size) };
    if got != size {
        let error = std::io::Error::last_os_error();
        return match rustix::io::Errno::from_io_error(&error) {
            Some(rustix::io::Errno::SRCH) => Seen::Gone,
            _ => Seen::Hidden,
        };
    }
    // SAFETY: zeroed, then filled; every bit pattern is valid.
    let info = unsafe { info.assume_init() };
    match info.status {
        SZOMB => Seen::Gone,
        _ => Seen::Since(info.start_sec * 1_000_000 + info.start_usec),
    }
}

#[cfg(all(test, target_os = "linux", not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_only_with_its_own_start_time() {
        let me = Identity::me();
        assert!(me.start > 0 && is_alive(me.pack()));
        assert!(
            !is_alive(
                Identity {
                    start: me.start + 1,
                    ..me
                }
                .pack()
            ),
            "a reused pid"
        );
    }

    #[test]
    fn a_zombie_is_dead() {
        let mut child = std::process::Command::new("true")
            .spawn()
            .expect("the program true");
        let id = Identity {
            pid: child.id(),
            start: match look(child.id()) {
                Seen::Since(start) => start,
                _ => 1,
            },
        };
        let zombie = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.pid)).unwrap();
            stat[stat.rfind(')').unwrap()..].starts_with(") Z")
        };
        while !zombie() {
            std::thread::yield_now();
        }
        assert!(!is_alive(id.pack()));
        child.wait().unwrap();
        assert!(!is_alive(id.pack()));
    }

    #[test]
    fn a_name_full_of_parentheses_does_not_shift_the_fields() {
        let stat = b"7 (a) Z 1 2 (b) S 1 7 7 0 -1 4 1 0 0 0 5 5 0 0 20 0 1 0 4242 9 9";
        assert_eq!(parse_stat(stat), Some(Seen::Since(4242)));
        assert_eq!(
            parse_stat(b"7 (a) Z 1 7 7 0 -1 4 1 0 0 0 5 5 0 0 20 0 1 0 4242 9"),
            Some(Seen::Gone)
        );
        assert_eq!(parse_stat(b"7 (a"), None);
    }

    #[test]
    fn what_cannot_be_told_is_not_called_dead() {
        use rustix::io::Errno;
        for gone in [Errno::NOENT, Errno::SRCH] {
            assert_eq!(judge(Err(gone.into())), Seen::Gone);
        }
        for hidden in [Errno::MFILE, Errno::NFILE, Errno::ACCESS, Errno::PERM] {
            assert_eq!(judge(Err(hidden.into())), Seen::Hidden);
        }
        assert_eq!(judge(Ok(b"7 (a".to_vec())), Seen::Hidden);
    }
}
