//! The tables of an MP4 track: lengths, times and places of its pictures.

use super::boxes::Bytes;
use super::error::Flaw;

/// Most pictures in one clip: 18 hours at 30 a second.
const MAX_SAMPLES: usize = 2_000_000;
/// The longest coded picture read, bytes.
const MAX_SAMPLE_BYTES: u32 = 16 << 20;

/// Every picture's length, from `stsz` or `stz2`.
pub(crate) fn read_sizes(stbl: Bytes, file_length: u64) -> Result<Vec<u32>, Flaw> {
    let (sizes, fixed) = if let Some(mut stsz) = stbl.find(b"stsz")? {
        stsz.version()?;
        match stsz.u32()? {
            0 => {
                let n = stsz.count(4)?;
                check_count(n)?;
                (
                    (0..n).map(|_| stsz.u32()).collect::<Result<Vec<_>, _>>()?,
                    false,
                )
            }
            size => {
                let n = stsz.u32()? as usize;
                check_count(n)?;
                if n as u64 * u64::from(size) > file_length {
                    return Err(Flaw::truncated(
                        "its pictures need more bytes than the file has",
                    ));
                }
                (vec![size; n], true)
            }
        }
    } else {
        let mut stz2 = stbl.need(b"stz2")?;
        stz2.version()?;
        let bits = stz2.u32()? & 0xFF;
        let n = stz2.u32()? as usize;
        check_count(n)?;
        let sizes = match bits {
            16 => (0..n)
                .map(|_| stz2.u16().map(u32::from))
                .collect::<Result<Vec<_>, _>>()?,
            8 => stz2.take(n)?.iter().map(|&b| u32::from(b)).collect(),
            _ => return Err(Flaw::damaged("its size table has an unknown field width")),
        };
        (sizes, false)
    };
    debug_assert!(!fixed || sizes.iter().all(|&s| s == sizes[0]));
    if let Some(i) = sizes.iter().position(|&s| s > MAX_SAMPLE_BYTES) {
        return Err(Flaw::damaged(format!(
            "picture {i} claims {} bytes",
            sizes[i]
        )));
    }
    Ok(sizes)
}

fn check_count(n: usize) -> Result<(), Flaw> {
    if n > MAX_SAMPLES {
        return Err(Flaw::damaged(format!(
            "it claims {n} pictures; {MAX_SAMPLES} are the most taken"
        )));
    }
    Ok(())
}

/// Composition time and duration of each picture in the track's ticks
/// (`stts` for decoding, `ctts` for what B-frames add).
pub(crate) fn read_times(stbl: Bytes, n: usize) -> Result<Vec<(i64, i64)>, Flaw> {
    let wrong = || Flaw::damaged("its time table does not fit the number of pictures");
    let mut stts = stbl.need(b"stts")?;
    stts.version()?;
    let mut times: Vec<(i64, i64)> = Vec::with_capacity(n);
    let mut at = 0i64;
    for _ in 0..stts.count(8)? {
        let (run, delta) = (stts.u32()? as usize, i64::from(stts.u32()?));
        for _ in 0..run.min(n - times.len()) {
            times.push((at, delta));
            // At most 2e6 pictures of 2^32 ticks: no overflow.
            at += delta;
        }
    }
    if times.len() != n {
        return Err(wrong());
    }
    if let Some(mut ctts) = stbl.find(b"ctts")? {
        ctts.version()?;
        let mut i = 0;
        for _ in 0..ctts.count(8)? {
            // Signed whatever the version says: some writers lie about it.
            let (run, offset) = (ctts.u32()? as usize, i64::from(ctts.i32()?));
            let end = i + run.min(n - i);
            for t in &mut times[i..end] {
                t.0 += offset;
            }
            i = end;
        }
        if i != n {
            return Err(wrong());
        }
    }
    Ok(times)
}

/// Where each picture begins, from `stsc` and `stco`/`co64`.
pub(crate) fn read_offsets(stbl: Bytes, sizes: &[u32]) -> Result<Vec<u64>, Flaw> {
    let wrong = || Flaw::damaged("its chunk table does not fit the number of pictures");
    let chunks: Vec<u64> = if let Some(mut stco) = stbl.find(b"stco")? {
        stco.version()?;
        let n = stco.count(4)?;
        (0..n)
            .map(|_| stco.u32().map(u64::from))
            .collect::<Result<_, _>>()?
    } else {
        let mut co64 = stbl.need(b"co64")?;
        co64.version()?;
        let n = co64.count(8)?;
        (0..n).map(|_| co64.u64()).collect::<Result<_, _>>()?
    };
    let mut stsc = stbl.need(b"stsc")?;
    stsc.version()?;
    let runs = stsc.count(12)?;
    let mut table = Vec::with_capacity(runs);
    for _ in 0..runs {
        let (first, per_chunk, description) =
            (stsc.u32()? as usize, stsc.u32()? as usize, stsc.u32()?);
        if description != 1 {
            return Err(Flaw::unsupported("it changes its codec settings midway"));
        }
        table.push((first, per_chunk));
    }
    let mut offsets = Vec::with_capacity(sizes.len());
    for (k, &(first, per_chunk)) in table.iter().enumerate() {
        let next = table.get(k + 1).map_or(chunks.len() + 1, |r| r.0);
        if first == 0 || next <= first || next > chunks.len() + 1 {
            return Err(wrong());
        }
        for &chunk in &chunks[first - 1..next - 1] {
            let mut at = chunk;
            for _ in 0..per_chunk.min(sizes.len() - offsets.len()) {
                offsets.push(at);
                at = at.saturating_add(u64::from(sizes[offsets.len() - 1]));
            }
        }
    }
    if offsets.len() != sizes.len() {
        return Err(wrong());
    }
    Ok(offsets)
}

/// Which part of the track is shown, and when, in the track's ticks.
pub(crate) struct Edit {
    /// Composition time of the first picture shown.
    pub from: i64,
    /// Composition time at which it ends, if before the track does.
    pub to: Option<i64>,
    /// How long nothing is shown before.
    pub delay: i64,
}

/// The edit list: an optional empty edit, then one piece of the track.
pub(crate) fn read_edit(trak: Bytes, movie_timescale: u32, timescale: u32) -> Result<Edit, Flaw> {
    let whole = Edit {
        from: 0,
        to: None,
        delay: 0,
    };
    let Some(edts) = trak.find(b"edts")? else {
        return Ok(whole);
    };
    let Some(mut elst) = edts.find(b"elst")? else {
        return Ok(whole);
    };
    let version = elst.version()?;
    // Rounded up: the movie's clock is often coarser than the track's.
    let in_ticks = |d: u64| {
        let t = (u128::from(d) * u128::from(timescale)).div_ceil(u128::from(movie_timescale));
        i64::try_from(t).ok().filter(|&t| t < 1 << 60)
    };
    let mut edit = whole;
    let mut pieces = 0;
    for _ in 0..elst.count(if version == 1 { 20 } else { 12 })? {
        let (duration, from) = if version == 1 {
            (elst.u64()?, elst.u64()? as i64)
        } else {
            (u64::from(elst.u32()?), i64::from(elst.i32()?))
        };
        let rate = elst.u32()?;
        let ticks =
            in_ticks(duration).ok_or_else(|| Flaw::damaged("its edit list is impossible"))?;
        if from == -1 && pieces == 0 {
            edit.delay = edit
                .delay
                .checked_add(ticks)
                .filter(|&d| d < 1 << 60)
                .ok_or_else(|| Flaw::damaged("its edit list is impossible"))?;
            continue;
        }
        pieces += 1;
        if !(0..=1 << 60).contains(&from) || rate != 0x0001_0000 || pieces > 1 {
            return Err(Flaw::unsupported(
                "its edit list cuts, repeats or slows the clip",
            ));
        }
        edit.from = from;
        edit.to = (duration > 0).then_some(from + ticks);
    }
    Ok(edit)
}
