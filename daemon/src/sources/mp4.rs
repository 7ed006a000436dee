//! Reads where an MP4 file's H.264 pictures lie and when each is to be shown.
//!
//! Box layouts: ISO/IEC 14496-12 (file format) and 14496-15 (`avcC`). Only what
//! a recorded clip needs is read. Every size and count is checked against the
//! bytes that are there before anything is allocated or looped over, so a
//! damaged file costs no more memory or time than its own length.

use std::io::{Read, Seek, SeekFrom};

use super::boxes::Bytes;
use super::error::Flaw;
use super::fragments::{Defaults, read_fragments};
use super::mp4_tables::{read_edit, read_offsets, read_sizes, read_times};

/// The longest `moov` box read, bytes (hours of video need a few MB).
const MAX_MOOV: u64 = 64 << 20;
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
    head.len() >= 8
        && matches!(
            &head[4..8],
            b"ftyp" | b"moov" | b"mdat" | b"free" | b"skip" | b"wide"
        )
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
    let mut fragmented = None;
    let mut video = None;
    while let Some((kind, body)) = inside.next_box()? {
        match &kind {
            b"mvex" => fragmented = Some(body),
            b"trak" if video.is_none() && is_video(body)? => video = Some(body),
            _ => {}
        }
    }
    let trak = video.ok_or_else(|| {
        Flaw::new(
            super::ErrorKind::UnsupportedFormat,
            "it holds no video",
            "give a clip with pictures",
        )
    })?;
    read_track(file, trak, movie_timescale, length, fragmented)
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
            return Err(Flaw::damaged(format!(
                "the box at byte {at} has an impossible size"
            )));
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
    Err(Flaw::truncated(
        "it has no header (moov): a recording that was not finished",
    ))
}

fn is_video(trak: Bytes) -> Result<bool, Flaw> {
    let Some(mdia) = trak.find(b"mdia")? else {
        return Ok(false);
    };
    let Some(mut hdlr) = mdia.find(b"hdlr")? else {
        return Ok(false);
    };
    hdlr.take(8)?;
    Ok(hdlr.take(4)? == b"vide")
}

fn read_track(
    file: &mut (impl Read + Seek),
    trak: Bytes,
    movie_timescale: u32,
    file_length: u64,
    fragmented: Option<Bytes>,
) -> Result<Movie, Flaw> {
    let track = check_upright(trak.need(b"tkhd")?)?;
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
    let edit = read_edit(trak, movie_timescale, timescale)?;
    let (sizes, times, offsets) = match fragmented {
        Some(mvex) if sizes.is_empty() => {
            let found = read_fragments(file, file_length, Defaults::of(mvex, track)?)?;
            (found.sizes, found.times, found.offsets)
        }
        _ => {
            let times = read_times(stbl, sizes.len())?;
            let offsets = read_offsets(stbl, &sizes)?;
            (sizes, times, offsets)
        }
    };
    if sizes.is_empty() {
        return Err(match fragmented {
            Some(_) => Flaw::truncated("it ends before its first picture"),
            None => Flaw::damaged("it holds no pictures"),
        });
    }

    let ns = |ticks: i64| i128::from(ticks) * 1_000_000_000 / i128::from(timescale);
    let mut samples = Vec::with_capacity(sizes.len());
    let mut display = Vec::with_capacity(sizes.len());
    let mut end_ns = 0i128;
    for (i, ((&size, &(composed, lasts)), &offset)) in
        sizes.iter().zip(&times).zip(&offsets).enumerate()
    {
        let shown = size > 0 && composed >= edit.from && edit.to.is_none_or(|to| composed < to);
        let at = if shown {
            ns(composed - edit.from + edit.delay)
        } else {
            0
        };
        if shown {
            display.push(i as u32);
            end_ns = end_ns.max(at + ns(lasts));
        }
        let at_ns =
            u64::try_from(at).map_err(|_| Flaw::damaged("a picture's time is impossible"))?;
        samples.push(Sample {
            offset,
            size,
            at_ns,
        });
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
        return Err(Flaw::damaged(
            "a picture stands for more than ten minutes: its time table is wrong",
        ));
    }
    let available = samples
        .iter()
        .position(|s| {
            s.offset
                .checked_add(u64::from(s.size))
                .is_none_or(|e| e > file_length)
        })
        .unwrap_or(samples.len());
    Ok(Movie {
        avcc,
        samples,
        display,
        available,
        end_ns: end_ns as u64,
    })
}

/// The track's number. Refuses one that its header turns or mirrors: faces would lie on
/// their side.
fn check_upright(mut tkhd: Bytes) -> Result<u32, Flaw> {
    let version = tkhd.version()?;
    tkhd.take(if version == 0 { 8 } else { 16 })?;
    let track = tkhd.u32()?;
    tkhd.take(if version == 0 { 8 } else { 12 })?;
    tkhd.take(16)?;
    let mut m = [0i32; 9];
    for v in &mut m {
        *v = tkhd.i32()?;
    }
    // a b u / c d v / x y w, in 16.16 (u v w in 2.30).
    if m[0] > 0 && m[4] > 0 && m[1] == 0 && m[3] == 0 {
        return Ok(track);
    }
    Err(Flaw::unsupported(
        "it is to be shown turned or mirrored (a phone held upright?)",
    ))
}

/// The `avcC` box of the one sample description, or what the codec is instead.
fn read_stsd(mut stsd: Bytes) -> Result<Vec<u8>, Flaw> {
    stsd.version()?;
    stsd.u32()?;
    let (codec, mut entry) = stsd
        .next_box()?
        .ok_or_else(|| Flaw::damaged("it does not say which codec it uses"))?;
    let name = match &codec {
        b"avc1" => {
            entry.take(78)?;
            return Ok(entry.need(b"avcC")?.0.to_vec());
        }
        b"avc2" | b"avc3" | b"avc4" => {
            "H.264 with its parameters between the pictures (avc3)".into()
        }
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
