//! Reads where an MP4 file's H.264 pictures lie and when each is to be shown.
//!
//! Box layouts: ISO/IEC 14496-12 (file format) and 14496-15 (`avcC`). Only what
//! a recorded clip needs is read. Every size and count is checked against the
//! bytes that are there before anything is allocated or looped over, so a
//! damaged file costs no more memory or time than its own length.

use std::io::{Read, Seek, SeekFrom};

use super::error::Flaw;

/// The longest `moov` box read, bytes (hours of video need a few MB).
const MAX_MOOV: u64 = 64 << 20;
/// Most pictures in one clip: 18 hours at 30 a second.
const MAX_SAMPLES: usize = 2_000_000;
/// The longest coded picture read, bytes.
const MAX_SAMPLE_BYTES: u32 = 16 << 20;
/// Most boxes on the top level.
const MAX_BOXES: usize = 4096;
/// A clip that stands still longer than this has a damaged time table.
const MAX_GAP_S: i128 = 600;

/// One coded picture, in decoding order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// First byte in the file.
    pub offset: u64,
    /// Length, bytes.
    pub size: u32,
    /// When to show it, nanoseconds from the clip's beginning.
    pub at_ns: u64,
}

/// A clip's picture track.
#[derive(Debug, Clone)]
pub(crate) struct Movie {
    /// The `avcC` box: parameter sets and the length of the length fields.
    pub avcc: Vec<u8>,
    /// Every coded picture, in decoding order.
    pub samples: Vec<Sample>,
    /// Indices into `samples` of the pictures to show, in the order to show them.
    pub display: Vec<u32>,
    /// How many of `samples`, from the first, lie inside the file.
    pub available: usize,
    /// When the last picture's time is over, nanoseconds.
    pub end_ns: u64,
}

/// Whether a file that begins like this is an MP4 (or QuickTime) file.
pub(crate) fn looks_like(head: &[u8]) -> bool {
    head.len() >= 8 && matches!(&head[4..8], b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide")
}

/// A run of bytes read from the front. Short reads are damage.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Flaw> {
        if n > self.0.len() {
            return Err(Flaw::damaged("its header contradicts itself (a box is too short)"));
        }
        let (a, b) = self.0.split_at(n);
        self.0 = b;
        Ok(a)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let mut a = [0; N];
        a.copy_from_slice(self.take(N)?);
        Ok(a)
    }

    fn u16(&mut self) -> Result<u16, Flaw> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32, Flaw> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn i32(&mut self) -> Result<i32, Flaw> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Flaw> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// The version byte of a full box; its flags are skipped.
    fn version(&mut self) -> Result<u8, Flaw> {
        Ok(self.take(4)?[0])
    }

    /// The count of a table whose entries take `entry` bytes each; all must be there.
    fn count(&mut self, entry: usize) -> Result<usize, Flaw> {
        let n = self.u32()? as usize;
        if n > self.0.len() / entry {
            return Err(Flaw::damaged("its header contradicts itself (a table is too short)"));
        }
        Ok(n)
    }

    /// The next box inside: its type and contents. `None` at the end.
    fn next_box(&mut self) -> Result<Option<([u8; 4], Bytes<'a>)>, Flaw> {
        // QuickTime ends some containers with four zero bytes.
        if self.0.len() < 8 {
            return Ok(None);
        }
        let size = self.u32()? as usize;
        let kind = self.array()?;
        let body = match size {
            0 => self.0.len(),
            1 => usize::try_from(self.u64()?).ok().and_then(|n| n.checked_sub(16)).unwrap_or(usize::MAX),
            n => n.checked_sub(8).unwrap_or(usize::MAX),
        };
        Ok(Some((kind, Bytes(self.take(body)?))))
    }

    /// The first box of type `kind` inside.
    fn find(mut self, kind: &[u8; 4]) -> Result<Option<Bytes<'a>>, Flaw> {
        while let Some((k, body)) = self.next_box()? {
            if &k == kind {
                return Ok(Some(body));
            }
        }
        Ok(None)
    }

    fn need(self, kind: &[u8; 4]) -> Result<Bytes<'a>, Flaw> {
        self.find(kind)?.ok_or_else(|| {
            Flaw::damaged(format!("its header lacks the box {}", String::from_utf8_lossy(kind)))
        })
    }
}

/// Finds the `moov` box and reads the first video track in it.
pub(crate) fn read_movie(file: &mut (impl Read + Seek)) -> Result<Movie, Flaw> {
    let length = file.seek(SeekFrom::End(0))?;
    let moov = read_moov(file, length)?;
    let moov = Bytes(&moov);
    let mut mvhd = moov.need(b"mvhd")?;
    let movie_timescale = match mvhd.version()? {
        0 => mvhd.take(8),
        _ => mvhd.take(16),
    }
    .and_then(|_| mvhd.u32())?;

    let mut inside = moov;
    let mut fragmented = false;
    let mut video = None;
    while let Some((kind, body)) = inside.next_box()? {
        match &kind {
            b"mvex" => fragmented = true,
            b"trak" if video.is_none() && is_video(body)? => video = Some(body),
            _ => {}
        }
    }
    let trak = video.ok_or_else(|| {
        Flaw::new(super::ErrorKind::UnsupportedFormat, "it holds no video", "give a clip with pictures")
    })?;
    read_track(trak, movie_timescale, length, fragmented)
}

/// Walks the top level to `moov` and returns its contents.
fn read_moov(file: &mut (impl Read + Seek), length: u64) -> Result<Vec<u8>, Flaw> {
    let mut at = 0u64;
    for _ in 0..MAX_BOXES {
        if at + 8 > length {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0u8; 8];
        file.read_exact(&mut head)?;
        let kind = &head[4..8];
        let (head_bytes, size) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => (8, length - at),
            1 => {
                let mut large = [0u8; 8];
                file.read_exact(&mut large)?;
                (16, u64::from_be_bytes(large))
            }
            n => (8, u64::from(n)),
        };
        if size < head_bytes {
            return Err(Flaw::damaged(format!("the box at byte {at} has an impossible size")));
        }
        let end = at.checked_add(size).filter(|&e| e <= length);
        if kind == b"moov" {
            if end.is_none() {
                return Err(Flaw::truncated("it ends inside its header"));
            }
            if size > MAX_MOOV {
                return Err(Flaw::damaged("its header is larger than 64 MB"));
            }
            let mut moov = vec![0; (size - head_bytes) as usize];
            file.read_exact(&mut moov)?;
            return Ok(moov);
        }
        match end {
            Some(e) => at = e,
            None => {
                return Err(Flaw::truncated(format!(
                    "it ends at byte {length}, inside a part that goes on to byte {}, and its header was to come after that",
                    at.saturating_add(size)
                )));
            }
        }
    }
    Err(Flaw::truncated("it has no header (moov): a recording that was not finished"))
}

fn is_video(trak: Bytes) -> Result<bool, Flaw> {
    let Some(mdia) = trak.find(b"mdia")? else { return Ok(false) };
    let Some(mut hdlr) = mdia.find(b"hdlr")? else { return Ok(false) };
    hdlr.take(8)?;
    Ok(hdlr.take(4)? == b"vide")
}

fn read_track(
    trak: Bytes,
    movie_timescale: u32,
    file_length: u64,
    fragmented: bool,
) -> Result<Movie, Flaw> {
    check_upright(trak.need(b"tkhd")?)?;
    let mdia = trak.need(b"mdia")?;
    let mut mdhd = mdia.need(b"mdhd")?;
    let timescale = match mdhd.version()? {
        0 => mdhd.take(8),
        _ => mdhd.take(16),
    }
    .and_then(|_| mdhd.u32())?;
    if timescale == 0 || movie_timescale == 0 {
        return Err(Flaw::damaged("its clock has zero ticks a second"));
    }
    let stbl = mdia.need(b"minf")?.need(b"stbl")?;
    let avcc = read_stsd(stbl.need(b"stsd")?)?;
    let sizes = read_sizes(stbl, file_length)?;
    if sizes.is_empty() {
        return Err(if fragmented {
            Flaw::unsupported("it is a fragmented MP4 (recorded for streaming)")
        } else {
            Flaw::damaged("it holds no pictures")
        });
    }
    let edit = read_edit(trak, movie_timescale, timescale)?;
    let times = read_times(stbl, sizes.len())?;
    let offsets = read_offsets(stbl, &sizes)?;

    let ns = |ticks: i64| i128::from(ticks) * 1_000_000_000 / i128::from(timescale);
    let mut samples = Vec::with_capacity(sizes.len());
    let mut display = Vec::with_capacity(sizes.len());
    let mut end_ns = 0i128;
    for (i, ((&size, &(composed, lasts)), &offset)) in
        sizes.iter().zip(&times).zip(&offsets).enumerate()
    {
        let shown = size > 0 && composed >= edit.from && edit.to.is_none_or(|to| composed < to);
        let at = if shown { ns(composed - edit.from + edit.delay) } else { 0 };
        if shown {
            display.push(i as u32);
            end_ns = end_ns.max(at + ns(lasts));
        }
        let at_ns = u64::try_from(at).map_err(|_| Flaw::damaged("a picture's time is impossible"))?;
        samples.push(Sample { offset, size, at_ns });
    }
    if display.is_empty() {
        return Err(Flaw::damaged("its edit list leaves no picture to show"));
    }
    display.sort_by_key(|&i| (samples[i as usize].at_ns, i));
    let long_gap = display.windows(2).any(|w| {
        let [a, b] = [w[0], w[1]].map(|i| i128::from(samples[i as usize].at_ns));
        b - a > MAX_GAP_S * 1_000_000_000
    });
    let last = i128::from(samples[display[display.len() - 1] as usize].at_ns);
    if long_gap || end_ns - last > MAX_GAP_S * 1_000_000_000 {
        return Err(Flaw::damaged("a picture stands for more than ten minutes: its time table is wrong"));
    }
    let available = samples
        .iter()
        .position(|s| s.offset.checked_add(u64::from(s.size)).is_none_or(|e| e > file_length))
        .unwrap_or(samples.len());
    Ok(Movie { avcc, samples, display, available, end_ns: end_ns as u64 })
}

/// Refuses a track that its header turns or mirrors: faces would lie on their side.
fn check_upright(mut tkhd: Bytes) -> Result<(), Flaw> {
    let version = tkhd.version()?;
    tkhd.take(if version == 0 { 20 } else { 32 })?;
    tkhd.take(16)?;
    let mut m = [0i32; 9];
    for v in &mut m {
        *v = tkhd.i32()?;
    }
    // a b u / c d v / x y w, in 16.16 (u v w in 2.30).
    if m[0] > 0 && m[4] > 0 && m[1] == 0 && m[3] == 0 {
        return Ok(());
    }
    Err(Flaw::unsupported("it is to be shown turned or mirrored (a phone held upright?)"))
}

/// The `avcC` box of the one sample description, or what the codec is instead.
fn read_stsd(mut stsd: Bytes) -> Result<Vec<u8>, Flaw> {
    stsd.version()?;
    stsd.u32()?;
    let (codec, mut entry) =
        stsd.next_box()?.ok_or_else(|| Flaw::damaged("it does not say which codec it uses"))?;
    let name = match &codec {
        b"avc1" => {
            entry.take(78)?;
            return Ok(entry.need(b"avcC")?.0.to_vec());
        }
        b"avc2" | b"avc3" | b"avc4" => "H.264 with its parameters between the pictures (avc3)".into(),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => "HEVC (H.265)".into(),
        b"av01" => "AV1".into(),
        b"vp08" | b"vp09" => "VP8/VP9".into(),
        b"mp4v" => "MPEG-4 part 2".into(),
        b"jpeg" | b"mjpa" | b"mjpb" => "Motion JPEG".into(),
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "ProRes".into(),
        b"encv" => "encrypted video".into(),
        other => format!("the codec \"{}\"", String::from_utf8_lossy(other)),
    };
    Err(Flaw::unsupported(format!("it is {name}, not H.264")))
}

/// Every picture's length, from `stsz` or `stz2`.
fn read_sizes(stbl: Bytes, file_length: u64) -> Result<Vec<u32>, Flaw> {
    let (sizes, fixed) = if let Some(mut stsz) = stbl.find(b"stsz")? {
        stsz.version()?;
        match stsz.u32()? {
            0 => {
                let n = stsz.count(4)?;
                check_count(n)?;
                ((0..n).map(|_| stsz.u32()).collect::<Result<Vec<_>, _>>()?, false)
            }
            size => {
                let n = stsz.u32()? as usize;
                check_count(n)?;
                if n as u64 * u64::from(size) > file_length {
                    return Err(Flaw::truncated("its pictures need more bytes than the file has"));
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
            16 => (0..n).map(|_| stz2.u16().map(u32::from)).collect::<Result<Vec<_>, _>>()?,
            8 => stz2.take(n)?.iter().map(|&b| u32::from(b)).collect(),
            _ => return Err(Flaw::damaged("its size table has an unknown field width")),
        };
        (sizes, false)
    };
    debug_assert!(!fixed || sizes.iter().all(|&s| s == sizes[0]));
    if let Some(i) = sizes.iter().position(|&s| s > MAX_SAMPLE_BYTES) {
        return Err(Flaw::damaged(format!("picture {i} claims {} bytes", sizes[i])));
    }
    Ok(sizes)
}

fn check_count(n: usize) -> Result<(), Flaw> {
    if n > MAX_SAMPLES {
        return Err(Flaw::damaged(format!("it claims {n} pictures; {MAX_SAMPLES} are the most taken")));
    }
    Ok(())
}

/// Composition time and duration of each picture in the track's ticks
/// (`stts` for decoding, `ctts` for what B-frames add).
fn read_times(stbl: Bytes, n: usize) -> Result<Vec<(i64, i64)>, Flaw> {
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
fn read_offsets(stbl: Bytes, sizes: &[u32]) -> Result<Vec<u64>, Flaw> {
    let wrong = || Flaw::damaged("its chunk table does not fit the number of pictures");
    let chunks: Vec<u64> = if let Some(mut stco) = stbl.find(b"stco")? {
        stco.version()?;
        let n = stco.count(4)?;
        (0..n).map(|_| stco.u32().map(u64::from)).collect::<Result<_, _>>()?
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
        let (first, per_chunk, description) = (stsc.u32()? as usize, stsc.u32()? as usize, stsc.u32()?);
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
struct Edit {
    /// Composition time of the first picture shown.
    from: i64,
    /// Composition time at which it ends, if before the track does.
    to: Option<i64>,
    /// How long nothing is shown before.
    delay: i64,
}

/// The edit list: an optional empty edit, then one piece of the track.
fn read_edit(trak: Bytes, movie_timescale: u32, timescale: u32) -> Result<Edit, Flaw> {
    let whole = Edit { from: 0, to: None, delay: 0 };
    let Some(edts) = trak.find(b"edts")? else { return Ok(whole) };
    let Some(mut elst) = edts.find(b"elst")? else { return Ok(whole) };
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
        let ticks = in_ticks(duration).ok_or_else(|| Flaw::damaged("its edit list is impossible"))?;
        if from == -1 && pieces == 0 {
            edit.delay = edit
                .delay
                .checked_add(ticks)
                .filter(|&d| d < 1 << 60)
                .ok_or_else(|| Flaw::damaged("its edit list is impossible"))?;
            continue;
        }
        pieces += 1;
        if from < 0 || from > 1 << 60 || rate != 0x0001_0000 || pieces > 1 {
            return Err(Flaw::unsupported("its edit list cuts, repeats or slows the clip"));
        }
        edit.from = from;
        edit.to = (duration > 0).then_some(from + ticks);
    }
    Ok(edit)
}
