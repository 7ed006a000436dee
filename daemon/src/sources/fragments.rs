//! Pictures of a fragmented MP4 (ISO/IEC 14496-12, 8.8), as cameras and our own clips write
//! them while they record. A file that was cut ends with its last whole picture: that is what
//! the fragments are for, and no error.

use std::io::{Read, Seek, SeekFrom};

use super::boxes::Bytes;
use super::error::Flaw;

/// Most pictures in one clip: 18 hours at 30 a second.
const MAX_SAMPLES: usize = 2_000_000;
/// The longest coded picture read, bytes.
const MAX_SAMPLE_BYTES: u32 = 16 << 20;
/// The longest description of one fragment, bytes.
const MAX_MOOF: u64 = 4 << 20;
/// The last time taken, ticks: centuries at any clock.
const MAX_TIME: u64 = 1 << 60;

/// Lengths, times (composition, duration; ticks) and places of pictures in decoding order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub sizes: Vec<u32>,
    pub times: Vec<(i64, i64)>,
    pub offsets: Vec<u64>,
}

/// What holds of a track's pictures where a fragment does not say otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    track: u32,
    duration: u32,
    size: u32,
}

impl Defaults {
    /// Of this track, from the movie's `mvex`.
    pub fn of(mvex: Bytes, track: u32) -> Result<Self, Flaw> {
        let mut inside = mvex;
        while let Some((kind, mut trex)) = inside.next_box()? {
            if &kind != b"trex" {
                continue;
            }
            trex.version()?;
            if trex.u32()? == track {
                trex.u32()?;
                let (duration, size) = (trex.u32()?, trex.u32()?);
                return Ok(Defaults {
                    track,
                    duration,
                    size,
                });
            }
        }
        Ok(Defaults {
            track,
            duration: 0,
            size: 0,
        })
    }
}

/// Walks the top level and reads every whole `moof`.
pub(crate) fn read_fragments(
    file: &mut (impl Read + Seek),
    length: u64,
    defaults: Defaults,
) -> Result<Found, Flaw> {
    let mut found = Found::default();
    let mut next_time = 0;
    let mut at = 0u64;
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0u8; 8];
        file.read_exact(&mut head)?;
        let (head_bytes, size) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => (8, length - at),
            1 if at + 16 <= length => {
                let mut large = [0u8; 8];
                file.read_exact(&mut large)?;
                (16, u64::from_be_bytes(large))
            }
            1 => break,
            n => (8, u64::from(n)),
        };
        // A box that the file has no end of is the one that was being written.
        let Some(end) = at
            .checked_add(size)
            .filter(|&e| e <= length || head[4..8] == *b"mdat")
        else {
            break;
        };
        if size < head_bytes {
            return Err(Flaw::damaged(format!(
                "the box at byte {at} has an impossible size"
            )));
        }
        if head[4..8] == *b"moof" {
            if size > MAX_MOOF {
                return Err(Flaw::damaged("a fragment describes itself in over 4 MB"));
            }
            let mut moof = vec![0; (size - head_bytes) as usize];
            file.read_exact(&mut moof)?;
            let mut inside = Bytes(&moof);
            while let Some((kind, traf)) = inside.next_box()? {
                if &kind == b"traf" {
                    read_traf(traf, at, defaults, &mut next_time, &mut found)?;
                }
            }
        }
        at = end;
    }
    let inside = |i: usize| found.offsets[i].saturating_add(u64::from(found.sizes[i])) <= length;
    let whole = (0..found.sizes.len()).take_while(|&i| inside(i)).count();
    found.sizes.truncate(whole);
    found.times.truncate(whole);
    found.offsets.truncate(whole);
    Ok(found)
}

fn read_traf(
    traf: Bytes,
    moof_at: u64,
    defaults: Defaults,
    next_time: &mut u64,
    found: &mut Found,
) -> Result<(), Flaw> {
    let mut tfhd = traf.need(b"tfhd")?;
    let flags = flags_of(&mut tfhd)?;
    if tfhd.u32()? != defaults.track {
        return Ok(());
    }
    let base = if flags & 0x1 != 0 {
        tfhd.u64()?
    } else {
        moof_at
    };
    if flags & 0x2 != 0 && tfhd.u32()? != 1 {
        return Err(Flaw::unsupported("it changes its codec settings midway"));
    }
    let duration = if flags & 0x8 != 0 {
        tfhd.u32()?
    } else {
        defaults.duration
    };
    let size = if flags & 0x10 != 0 {
        tfhd.u32()?
    } else {
        defaults.size
    };
    if let Some(mut tfdt) = traf.find(b"tfdt")? {
        *next_time = match tfdt.version()? {
            0 => u64::from(tfdt.u32()?),
            _ => tfdt.u64()?,
        };
    }
    let mut place = base;
    let mut inside = traf;
    while let Some((kind, mut trun)) = inside.next_box()? {
        if &kind != b"trun" {
            continue;
        }
        let flags = flags_of(&mut trun)?;
        let n = trun.u32()? as usize;
        if flags & 0x1 != 0 {
            place = base
                .checked_add_signed(i64::from(trun.i32()?))
                .ok_or_else(|| Flaw::damaged("a fragment lies before the file's beginning"))?;
        }
        if flags & 0x4 != 0 {
            trun.u32()?;
        }
        // Fields that every entry has; a run without any is as long as it claims.
        let entry = 4 * (flags >> 8 & 0xF).count_ones() as usize;
        if n > MAX_SAMPLES - found.sizes.len() || n * entry > trun.0.len() {
            return Err(Flaw::damaged("a fragment claims pictures that it has not"));
        }
        for _ in 0..n {
            let lasts = if flags & 0x100 != 0 {
                trun.u32()?
            } else {
                duration
            };
            let bytes = if flags & 0x200 != 0 {
                trun.u32()?
            } else {
                size
            };
            if flags & 0x400 != 0 {
                trun.u32()?;
            }
            let later = if flags & 0x800 != 0 { trun.i32()? } else { 0 };
            if bytes > MAX_SAMPLE_BYTES || *next_time > MAX_TIME {
                return Err(Flaw::damaged("a fragment's sizes or times are impossible"));
            }
            found.sizes.push(bytes);
            found.offsets.push(place);
            found
                .times
                .push((*next_time as i64 + i64::from(later), i64::from(lasts)));
            place = place.saturating_add(u64::from(bytes));
            *next_time += u64::from(lasts);
        }
    }
    Ok(())
}

/// The flags of a full box; its version is skipped.
fn flags_of(body: &mut Bytes) -> Result<u32, Flaw> {
    Ok(body.u32()? & 0xFF_FFFF)
}
