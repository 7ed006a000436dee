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
            start: start_time(pid).unwrap_or(0),
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

/// Whether the process of an owner word still runs. A zombie does not.
pub(crate) fn is_alive(owner: u64) -> bool {
    let pid = pid_of(owner);
    start_time(pid).is_some_and(|start| Identity { pid, start }.pack() == owner)
}

/// When a process started, or `None` if it is gone (or a zombie, or hidden).
#[cfg(target_os = "linux")]
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse_stat(&stat)
}

/// Field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)), unless the state (field
/// 3) says that the process is dead. The name in field 2 may hold anything, so
/// fields are counted from its last parenthesis.
#[cfg(target_os = "linux")]
fn parse_stat(stat: &[u8]) -> Option<u64> {
    let close = stat.iter().rposition(|b| *b == b')')?;
    let rest = std::str::from_utf8(&stat[close + 1..]).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X" | "x") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// When a process started, or `None` if it is gone or a zombie. Type-checked
/// from Linux; not yet run on a Mac.
#[cfg(target_os = "macos")]
#[allow(unsafe_code)]
fn start_time(pid: u32) -> Option<u64> {
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
        return None;
    }
    // SAFETY: zeroed, then filled; every bit pattern is valid.
    let info = unsafe { info.assume_init() };
    (info.status != SZOMB).then(|| info.start_sec * 1_000_000 + info.start_usec)
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
            start: start_time(child.id()).unwrap_or(1),
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
        assert_eq!(parse_stat(stat), Some(4242));
        assert_eq!(
            parse_stat(b"7 (a) Z 1 7 7 0 -1 4 1 0 0 0 5 5 0 0 20 0 1 0 4242 9"),
            None
        );
        assert_eq!(parse_stat(b"7 (a"), None);
    }
}
